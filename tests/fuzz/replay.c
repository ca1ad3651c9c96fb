/* SPDX-License-Identifier: Apache-2.0 */
/* replay: run every file of a corpus folder through a fuzz target once; says "1..n" and "ok"
 * lines (TAP) for the test runner. */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
run_file(const char *dir, const char *name)
{
    static uint8_t bytes[1 << 20];
    char path[4096];
    uint8_t *exact;
    size_t n;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "rb");
    if (f == NULL)
        return -1;
    n = fread(bytes, 1, sizeof(bytes), f);
    (void)fclose(f);
    exact = malloc(n > 0 ? n : 1); /* its own block, so that the sanitizer sees a read beyond */
    if (exact == NULL)
        return -1;
    for (size_t i = 0; i < n; i++)
        exact[i] = bytes[i];
    (void)LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return 0;
}

int
main(int argc, char **argv)
{
    struct dirent *entry;
    int n = 0, failed = 0;
    DIR *dir;

    dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (dir == NULL) {
        (void)fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return 2;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        n++;
        if (run_file(argv[1], entry->d_name) != 0)
            failed++;
        (void)printf("%s %d %s\n", failed > 0 ? "not ok" : "ok", n, entry->d_name);
    }
    (void)closedir(dir);
    (void)printf("1..%d\n", n);
    return n == 0 || failed > 0 ? 1 : 0; /* an empty corpus is a mistake */
}
