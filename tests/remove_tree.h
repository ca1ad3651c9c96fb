/* SPDX-License-Identifier: Apache-2.0 */
/* remove_tree: what a test has made goes with it. Include after testing.h. */
#ifndef MAYFLY_TESTS_REMOVE_TREE_H
#define MAYFLY_TESTS_REMOVE_TREE_H

#include <sys/wait.h>
#include <unistd.h>

/* Remove a folder and all below it. */
static inline void
remove_tree(const char *dir)
{
    pid_t pid = fork();

    if (pid == 0) {
        (void)execlp("rm", "rm", "-rf", dir, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#endif
