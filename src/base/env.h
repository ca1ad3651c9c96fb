/* SPDX-License-Identifier: Apache-2.0 */
/* env: the environment of the process, given as the list that it is. Not thread-safe. */
#ifndef MAYFLY_BASE_ENV_H
#define MAYFLY_BASE_ENV_H

/* The value of a variable, in its place; NULL when it is not set or empty. Of two the first. */
char *env_value(char **env, const char *name);

/* Overwrite the value with NULs: of every variable of that name, should there be two. */
void env_wipe(char **env, const char *name);

#endif
