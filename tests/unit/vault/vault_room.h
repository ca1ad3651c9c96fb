/* SPDX-License-Identifier: Apache-2.0 */
/* vault_room: a vault over the real SQLite store and the real storage folder, with the test's own
 * clock. */
#ifndef MAYFLY_TESTS_UNIT_VAULT_VAULT_ROOM_H
#define MAYFLY_TESTS_UNIT_VAULT_VAULT_ROOM_H

#include "testing.h"

#include "remove_tree.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "vault/vault.h"

enum { FILE_LEN = 300000 };

static int64_t now; /* the test's clock */

static inline int64_t
test_now(void)
{
    return now;
}

struct room {
    char dir[64], storage[80];
    struct secret *pepper;
    struct store *store;
    struct blobs *blobs;
    struct vault *vault;
    int64_t lease_s;
    uint8_t *file; /* FILE_LEN bytes */
};

static inline void
open_room(struct room *r)
{
    const struct blob_dir_opts opts = {.path = r->storage, .shred_passes = 1};
    struct vault_cfg cfg = {
        .words = words_builtin(),
        .pepper = r->pepper,
        .code_words = 4,
        .lease_s = r->lease_s,
        .now_s = test_now,
    };

    assert_ok(store_sqlite_open(r->dir, 86400, &r->store));
    assert_ok(blob_dir_open(&opts, &r->blobs));
    cfg.store = r->store;
    cfg.blobs = r->blobs;
    assert_ok(vault_new(&cfg, &r->vault));
}

static inline void
close_room(struct room *r)
{
    vault_free(r->vault);
    blobs_free(r->blobs);
    store_free(r->store);
}

static inline int
setup(void **state)
{
    static uint32_t seed = 1;
    struct room *r = calloc(1, sizeof(*r));

    memcpy(r->dir, "/tmp/mayfly-vault-XXXXXX", sizeof("/tmp/mayfly-vault-XXXXXX"));
    assert_non_null(mkdtemp(r->dir));
    (void)snprintf(r->storage, sizeof(r->storage), "%s/storage", r->dir);
    r->file = malloc(FILE_LEN);
    assert_non_null(r->file);
    for (size_t i = 0; i < FILE_LEN; i++) {
        seed = seed * 1664525 + 1013904223;
        r->file[i] = (uint8_t)(seed >> 24);
    }
    now = 1000000;
    r->lease_s = 600;
    assert_ok(secret_random(VAULT_PEPPER_LEN, &r->pepper));
    open_room(r);
    *state = r;
    return 0;
}

static inline int
teardown(void **state)
{
    struct room *r = *state;

    close_room(r);
    secret_free(r->pepper);
    free(r->file);
    remove_tree(r->dir);
    free(r);
    return 0;
}

/* ---- short forms ---- */

static inline void
put(struct room *r, size_t len, uint32_t uses, struct vault_receipt *ret)
{
    const struct vault_terms terms = {
        .name = "notes.txt", .type = "text/plain", .ttl_s = 600, .uses = uses};
    struct vault_put *p = NULL;

    assert_ok(vault_put_new(r->vault, FILE_LEN, &p));
    assert_ok(vault_put_write(p, r->file, len));
    assert_ok(vault_put_commit(p, &terms, ret));
    vault_put_free(p);
}

static inline struct netaddr
client(uint8_t last)
{
    return (struct netaddr){.family = NETADDR_V4, .bits = 32, .b = {192, 0, 2, last}};
}

static inline enum err
begin(struct room *r, const struct vault_receipt *rc, uint8_t who, struct vault_download **ret)
{
    const struct vault_wish wish = {.code = &rc->code, .client = client(who)};

    return vault_open(r->vault, &wish, ret);
}

static inline enum err
begin_at(struct room *r, const struct vault_receipt *rc, uint8_t who, uint64_t from,
         struct vault_download **ret)
{
    const struct vault_wish wish = {
        .code = &rc->code, .client = client(who), .has_range = true, .from = from};

    return vault_open(r->vault, &wish, ret);
}

/* Read `want` bytes of the stream from `from` and compare; then settle with what was read. */
static inline bool
read_and_settle(struct room *r, struct vault_download *d, uint64_t from, uint64_t len,
                uint64_t want)
{
    uint8_t hash[SHA256_LEN], chunk[5000];
    struct source *src = NULL;
    bool ended = false;
    uint64_t got = 0;
    size_t n;

    assert_ok(vault_download_verify(d, hash));
    assert_ok(vault_download_source(d, from, len, &src));
    while (got < want) {
        size_t cap = want - got < sizeof(chunk) ? (size_t)(want - got) : sizeof(chunk);

        assert_ok(source_read(src, chunk, cap, &n));
        assert_true(n > 0);
        assert_memory_equal(chunk, r->file + from + got, n);
        got += n;
    }
    if (want == len) {
        assert_ok(source_read(src, chunk, sizeof(chunk), &n));
        assert_int_equal(n, 0);
    }
    source_free(src);
    assert_ok(vault_download_settle(d, got, got, &ended));
    vault_download_free(d);
    return ended;
}

static inline struct share_state
status(struct room *r, const struct vault_receipt *rc)
{
    struct share_state st;

    assert_ok(vault_status(r->vault, &rc->code, &st));
    return st;
}

static inline unsigned
shred_all(struct room *r)
{
    struct doomed_blob doomed;
    unsigned ended, n = 0;

    assert_ok(vault_sweep(r->vault, &ended));
    while (vault_shred_next(r->vault, &doomed) == ERR_OK)
        n++;
    return n;
}

/* The path of the only blob of a room. */
static inline void
find_blob(struct room *r, char *ret_path, size_t cap)
{
    char command[256];
    FILE *f;
    int fds[2];
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        (void)dup2(fds[1], STDOUT_FILENO);
        (void)snprintf(command, sizeof(command), "%s", r->storage);
        (void)execlp("find", "find", command, "-type", "f", NULL);
        _exit(127);
    }
    (void)close(fds[1]);
    f = fdopen(fds[0], "r");
    assert_non_null(fgets(ret_path, (int)cap, f));
    ret_path[strcspn(ret_path, "\n")] = '\0';
    (void)fclose(f);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static inline void
flip_byte(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    int c;

    assert_non_null(f);
    assert_int_equal(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    c = fgetc(f);
    assert_int_equal(fseek(f, -1, SEEK_CUR), 0);
    assert_int_equal(fputc(c ^ 1, f), c ^ 1);
    assert_int_equal(fclose(f), 0);
}

/* Of a group of tests: the heap that secrets lie on. */
static inline int
open_heap(void **state)
{
    bool locked;

    (void)state;
    return crypt_init(&locked) == ERR_OK ? 0 : -1;
}

static inline int
close_heap(void **state)
{
    (void)state;
    crypt_done();
    return 0;
}

#endif
