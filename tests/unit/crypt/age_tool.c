/* SPDX-License-Identifier: Apache-2.0 */
/* age_tool: seal and open age files from standard input to standard output, as streams, so that
 * other implementations can be set against ours (tests/e2e/test_age_interop.py). The passphrase is
 * an argument: this is for tests only.
 *
 *   age_tool seal|open PASSPHRASE WORK    WORK: the work factor, or the most that is borne
 *
 * Exit code 0; 1 with the sentence when the file is refused; 2 for a wrong call. */
#include "crypt/age.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 10007 };

static enum err
stdin_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    (void)s;
    *ret_len = fread(ret_bytes, 1, cap, stdin);
    return ferror(stdin) ? err_set(ERR_IO, "standard input cannot be read") : ERR_OK;
}

static void
stdin_free(struct source *s)
{
    (void)s;
}

static enum err
stdout_write(struct sink *s, const uint8_t *bytes, size_t len)
{
    (void)s;
    return fwrite(bytes, 1, len, stdout) == len ? ERR_OK : err_set(ERR_IO, "no standard output");
}

static enum err
stdout_finish(struct sink *s)
{
    (void)s;
    return fflush(stdout) == 0 ? ERR_OK : err_set(ERR_IO, "no standard output");
}

static void
stdout_free(struct sink *s)
{
    (void)s;
}

static const struct source_ops from_stdin = {stdin_read, stdin_free};
static const struct sink_ops to_stdout = {stdout_write, stdout_finish, stdout_free};

/* All that `in` gives, to `out`, in turn. */
static enum err
copy(struct source *in, struct sink *out)
{
    uint8_t piece[PIECE];
    size_t n = 1;
    enum err e = ERR_OK;

    while (e == ERR_OK && n > 0) {
        e = source_read(in, piece, sizeof(piece), &n);
        if (e == ERR_OK)
            e = sink_write(out, piece, n);
    }
    return e == ERR_OK ? sink_finish(out) : e;
}

static enum err
run(bool is_seal, const struct secret *phrase, unsigned work)
{
    struct source file = {&from_stdin}, *in = &file;
    struct sink end = {&to_stdout}, *out = &end;
    enum err e;

    e = is_seal ? age_sealer_new(phrase, work, &out, &out) : age_source_new(&in, phrase, work, &in);
    if (e == ERR_OK)
        e = copy(in, out);
    source_free(in);
    sink_free(out);
    return e;
}

int
main(int argc, char **argv)
{
    bool is_seal = argc == 4 && strcmp(argv[1], "seal") == 0, locked;
    unsigned long work = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    struct secret *phrase = NULL;
    enum err e;

    if ((!is_seal && (argc != 4 || strcmp(argv[1], "open") != 0)) || work < 1 ||
        work > AGE_WORK_LIMIT) {
        (void)fprintf(stderr, "usage: %s seal|open PASSPHRASE WORK\n", argv[0]);
        return 2;
    }
    e = crypt_init(&locked);
    if (e == ERR_OK)
        e = secret_copy(argv[2], strlen(argv[2]), &phrase);
    if (e == ERR_OK)
        e = run(is_seal, phrase, (unsigned)work);
    if (e != ERR_OK)
        (void)fprintf(stderr, "%s: %s: %s\n", argv[0], err_name(e), err_sentence());
    secret_free(phrase);
    crypt_done();
    return e == ERR_OK ? 0 : 1;
}
