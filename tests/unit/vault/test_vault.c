/* SPDX-License-Identifier: Apache-2.0 */
/* The vault over the real SQLite store and the real storage folder, with the test's own clock. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "vault/vault.h"

enum { FILE_LEN = 300000 };

static int64_t now; /* the test's clock */

static int64_t
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

static void
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

static void
close_room(struct room *r)
{
    vault_free(r->vault);
    blobs_free(r->blobs);
    store_free(r->store);
}

static int
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

static int
teardown(void **state)
{
    struct room *r = *state;
    pid_t pid;

    close_room(r);
    secret_free(r->pepper);
    free(r->file);
    pid = fork();
    if (pid == 0) {
        (void)execlp("rm", "rm", "-rf", r->dir, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    free(r);
    return 0;
}

/* ---- short forms ---- */

static void
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

static struct netaddr
client(uint8_t last)
{
    return (struct netaddr){.family = NETADDR_V4, .bits = 32, .b = {192, 0, 2, last}};
}

static enum err
begin(struct room *r, const struct vault_receipt *rc, uint8_t who, struct vault_download **ret)
{
    const struct vault_wish wish = {.code = &rc->code, .client = client(who)};

    return vault_open(r->vault, &wish, ret);
}

static enum err
begin_at(struct room *r, const struct vault_receipt *rc, uint8_t who, uint64_t from,
         struct vault_download **ret)
{
    const struct vault_wish wish = {
        .code = &rc->code, .client = client(who), .has_range = true, .from = from};

    return vault_open(r->vault, &wish, ret);
}

/* Read `want` bytes of the stream from `from` and compare; then settle with what was read. */
static bool
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

static struct share_state
status(struct room *r, const struct vault_receipt *rc)
{
    struct share_state st;

    assert_ok(vault_status(r->vault, &rc->code, &st));
    return st;
}

static unsigned
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
static void
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

static void
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

/* ---- tests ---- */

static void
what_goes_in_comes_out_and_then_the_upload_has_ended(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;

    put(r, FILE_LEN, 1, &rc);
    assert_int_equal(rc.code.n_words, 4);
    assert_int_equal(rc.meta.size_bytes, FILE_LEN);
    assert_int_equal(rc.expires_at_s, now + 600);
    assert_ok(begin(r, &rc, 1, &d));
    assert_string_equal(vault_download_meta(d)->name, "notes.txt");
    assert_string_equal(vault_download_meta(d)->type, "text/plain");
    assert_memory_equal(vault_download_meta(d)->sha256, rc.meta.sha256, SHA256_LEN);
    assert_int_equal(vault_download_uses_left(d), 0);
    assert_true(read_and_settle(r, d, 0, FILE_LEN, FILE_LEN));
    assert_err(ERR_GONE, begin(r, &rc, 1, &d));
    assert_int_equal(shred_all(r), 1);
    assert_int_equal(status(r, &rc).ended_by, ENDED_USES);
}

static void
a_download_that_sent_nothing_gives_its_use_back(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;

    put(r, 1000, 1, &rc);
    assert_ok(begin(r, &rc, 1, &d));
    assert_int_equal(status(r, &rc).phase, SHARE_ENDED); /* burned while it is taken */
    vault_download_free(d);
    assert_int_equal(status(r, &rc).phase, SHARE_ACTIVE);
    assert_ok(begin(r, &rc, 2, &d));
    assert_true(read_and_settle(r, d, 0, 1000, 1000));
}

static void
a_download_that_sent_one_byte_spends_its_use(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;

    put(r, 1000, 1, &rc);
    assert_ok(begin(r, &rc, 1, &d));
    assert_false(read_and_settle(r, d, 0, 1000, 1));
    assert_err(ERR_GONE, begin(r, &rc, 1, &d));       /* no range: a new use, and there is none */
    assert_err(ERR_GONE, begin_at(r, &rc, 2, 1, &d)); /* another client has no lease */
    assert_ok(begin_at(r, &rc, 1, 1, &d));
    assert_true(read_and_settle(r, d, 1, 999, 999));
    assert_err(ERR_GONE, begin_at(r, &rc, 1, 1, &d)); /* all was covered: the lease has ended */
}

/* Two requests of one client share a use: the one that had bytes spends it, whenever the other, of
 * which nothing left, gives up. */
static void
a_use_that_a_second_request_had_bytes_of_is_not_given_back(void **state)
{
    struct room *r = *state;
    struct vault_download *first = NULL, *d = NULL;
    struct vault_receipt rc;

    put(r, 1000, 1, &rc);
    assert_ok(begin(r, &rc, 1, &first));
    assert_ok(begin_at(r, &rc, 1, 1, &d));
    vault_download_free(first);
    assert_int_equal(status(r, &rc).phase, SHARE_ENDED);
    assert_false(read_and_settle(r, d, 1, 999, 999));
    assert_err(ERR_GONE, begin(r, &rc, 1, &d));
    assert_err(ERR_GONE, begin_at(r, &rc, 2, 0, &d));
    assert_ok(begin_at(r, &rc, 1, 0, &d)); /* the byte that is missing may still be had */
    assert_true(read_and_settle(r, d, 0, 1, 1));
}

/* What the client's system acknowledged may have died with the client before it was read. */
static void
a_download_that_broke_off_goes_on_from_before_what_was_acknowledged(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;

    put(r, 1000, 1, &rc);
    assert_ok(begin(r, &rc, 1, &d));
    assert_false(read_and_settle(r, d, 0, 1000, 600));
    assert_err(ERR_GONE, begin_at(r, &rc, 2, 400, &d)); /* another client still has no lease */
    assert_ok(begin_at(r, &rc, 1, 400, &d));
    assert_true(read_and_settle(r, d, 400, 600, 600));
    assert_err(ERR_GONE, begin_at(r, &rc, 1, 400, &d)); /* all was covered: the lease has ended */
}

static void
a_lease_ends_by_time_and_the_upload_with_it(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;

    now = 1000000;
    put(r, 1000, 1, &rc);
    assert_ok(begin(r, &rc, 1, &d));
    assert_false(read_and_settle(r, d, 0, 1000, 10));
    assert_int_equal(shred_all(r), 0); /* the blob lives as long as its lease */
    now += 600;
    assert_err(ERR_GONE, begin_at(r, &rc, 1, 10, &d));
    assert_int_equal(shred_all(r), 1);
}

static void
a_range_beyond_the_end_takes_nothing(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;

    put(r, 1000, 1, &rc);
    assert_err(ERR_RANGE, begin_at(r, &rc, 1, 1000, &d));
    assert_int_equal(status(r, &rc).uses_left, 1);
    assert_ok(begin_at(r, &rc, 1, 999, &d)); /* the last byte is one */
    assert_false(read_and_settle(r, d, 999, 1, 1));
    assert_int_equal(status(r, &rc).uses_left, 0);
}

static void
a_changed_blob_is_not_sent_and_gives_its_use_back(void **state)
{
    static const long places[] = {0, 5, 9, 24, 25, 1000, 150000, -1, -32, -33};
    struct room *r = *state;
    struct vault_download *d = NULL;
    uint8_t actual[SHA256_LEN];
    struct vault_receipt rc;
    char path[256];

    put(r, FILE_LEN, 1, &rc);
    find_blob(r, path, sizeof(path));
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        flip_byte(path, places[i]);
        assert_ok(begin(r, &rc, 1, &d));
        assert_err(ERR_INTEGRITY, vault_download_verify(d, actual));
        vault_download_free(d);
        flip_byte(path, places[i]);
        assert_int_equal(status(r, &rc).uses_left, 1);
    }
    assert_ok(begin(r, &rc, 1, &d));
    assert_true(read_and_settle(r, d, 0, FILE_LEN, FILE_LEN));
}

static void
a_blob_cut_short_is_not_sent(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    uint8_t actual[SHA256_LEN];
    struct vault_receipt rc;
    char path[256];

    put(r, FILE_LEN, 1, &rc);
    find_blob(r, path, sizeof(path));
    assert_int_equal(truncate(path, FILE_LEN / 2), 0);
    assert_ok(begin(r, &rc, 1, &d));
    assert_err(ERR_INTEGRITY, vault_download_verify(d, actual));
    vault_download_free(d);
    assert_int_equal(status(r, &rc).uses_left, 1);
    assert_int_equal(unlink(path), 0);
    assert_err(ERR_IO, begin(r, &rc, 1, &d)); /* our fault, never 404 */
    assert_int_equal(status(r, &rc).uses_left, 1);
}

static void
access_ends_at_the_second_of_expiry(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_preview pv;
    struct vault_receipt rc;

    put(r, 1000, 5, &rc);
    now += 599;
    assert_ok(begin(r, &rc, 1, &d));
    vault_download_free(d);
    now += 1;
    assert_err(ERR_GONE, begin(r, &rc, 1, &d));
    assert_err(ERR_GONE, vault_preview(r->vault, &rc.code, &pv));
    assert_int_equal(status(r, &rc).ended_by, ENDED_EXPIRY);
    assert_int_equal(shred_all(r), 1);
    assert_int_equal(status(r, &rc).ended_by, ENDED_EXPIRY);
}

static void
a_running_download_is_cut_by_burning_and_by_expiry(void **state)
{
    struct room *r = *state;

    for (int by_burning = 0; by_burning <= 1; by_burning++) {
        struct vault_download *d = NULL;
        struct source *src = NULL;
        struct vault_receipt rc;
        uint8_t hash[SHA256_LEN], chunk[100];
        size_t n;

        put(r, FILE_LEN, 1, &rc);
        assert_ok(begin(r, &rc, 1, &d));
        assert_ok(vault_download_verify(d, hash));
        assert_ok(vault_download_source(d, 0, FILE_LEN, &src));
        assert_ok(source_read(src, chunk, sizeof(chunk), &n));
        if (by_burning)
            assert_ok(vault_burn(r->vault, &rc.code, rc.burn_token));
        else
            now += 600;
        assert_err(ERR_GONE, source_read(src, chunk, sizeof(chunk), &n));
        source_free(src);
        vault_download_free(d);
        assert_int_equal(shred_all(r), 1);
    }
}

static void
only_the_burn_token_burns(void **state)
{
    static const char *const wrong[] = {
        "", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    struct room *r = *state;
    struct vault_receipt rc;

    put(r, 10, 1, &rc);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_err(ERR_DENIED, vault_burn(r->vault, &rc.code, wrong[i]));
    assert_ok(vault_burn(r->vault, &rc.code, rc.burn_token));
    assert_err(ERR_GONE, vault_burn(r->vault, &rc.code, rc.burn_token));
    assert_int_equal(status(r, &rc).ended_by, ENDED_REVOKED);
}

static void
a_preview_is_given_once(void **state)
{
    struct room *r = *state;
    struct vault_preview pv;
    struct vault_receipt rc;

    put(r, 10, 3, &rc);
    assert_ok(vault_preview(r->vault, &rc.code, &pv));
    assert_string_equal(pv.meta.name, "notes.txt");
    assert_int_equal(pv.meta.size_bytes, 10);
    assert_int_equal(pv.uses_left, 3);
    assert_err(ERR_TAKEN, vault_preview(r->vault, &rc.code, &pv));
}

static void
an_aborted_upload_leaves_nothing(void **state)
{
    struct room *r = *state;
    struct vault_put *p = NULL;
    struct vault_stats st;
    uint64_t n;

    assert_ok(vault_put_new(r->vault, FILE_LEN, &p));
    assert_ok(vault_put_write(p, r->file, FILE_LEN));
    vault_put_free(p);
    assert_ok(vault_stats(r->vault, &st));
    assert_int_equal(st.n_live, 0);
    assert_ok(vault_recover(r->vault, &n));
    assert_int_equal(n, 0);
}

static void
one_byte_over_the_limit_is_too_big(void **state)
{
    struct room *r = *state;
    struct vault_put *p = NULL;

    assert_ok(vault_put_new(r->vault, 100, &p));
    assert_ok(vault_put_write(p, r->file, 100));
    assert_err(ERR_TOOBIG, vault_put_write(p, r->file, 1));
    vault_put_free(p);
}

static void
uploads_survive_a_restart_and_orphans_do_not(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;
    char path[256], orphan[300];
    uint64_t n = 0;
    FILE *f;

    put(r, 5000, 1, &rc);
    find_blob(r, path, sizeof(path));
    (void)snprintf(orphan, sizeof(orphan), "%s/00/%032x", r->storage, 7);
    f = fopen(orphan, "wb");
    assert_non_null(f);
    assert_int_equal(fputs("ciphertext of a crash", f) >= 0, 1);
    assert_int_equal(fclose(f), 0);
    close_room(r);
    open_room(r);
    assert_ok(vault_recover(r->vault, &n));
    assert_int_equal(n, 1);
    assert_int_equal(access(orphan, F_OK), -1);
    assert_ok(begin(r, &rc, 1, &d));
    assert_true(read_and_settle(r, d, 0, 5000, 5000));
}

static void
another_pepper_opens_nothing(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;

    put(r, 10, 1, &rc);
    close_room(r);
    secret_bytes_mut(r->pepper)[0] ^= 1;
    open_room(r);
    assert_err(ERR_NOTFOUND, begin(r, &rc, 1, &d));
}

static void
the_etag_is_the_same_for_one_code_and_differs_for_another(void **state)
{
    struct room *r = *state;
    struct vault_receipt a, b;
    char tag_a[VAULT_ETAG_LEN], again[VAULT_ETAG_LEN], tag_b[VAULT_ETAG_LEN];

    put(r, 10, 1, &a);
    put(r, 10, 1, &b);
    assert_ok(vault_etag(r->vault, &a.code, tag_a));
    assert_ok(vault_etag(r->vault, &a.code, again));
    assert_ok(vault_etag(r->vault, &b.code, tag_b));
    assert_string_equal(tag_a, again);
    assert_string_not_equal(tag_a, tag_b);
}

static void
an_empty_file_is_delivered_with_its_header(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    uint8_t hash[SHA256_LEN];
    struct vault_receipt rc;
    bool ended = false;

    put(r, 0, 1, &rc);
    assert_err(ERR_RANGE, begin_at(r, &rc, 1, 0, &d));
    assert_ok(begin(r, &rc, 1, &d));
    assert_ok(vault_download_verify(d, hash));
    assert_ok(vault_download_settle(d, 1, 0, &ended));
    assert_true(ended);
    vault_download_free(d);
}

static void
the_lease_is_kept_alive_while_the_stream_is_pulled(void **state)
{
    const struct vault_terms terms = {.name = "a", .type = "text/plain", .ttl_s = 3600, .uses = 1};
    struct room *r = *state;
    struct vault_download *d = NULL, *other = NULL;
    uint8_t hash[SHA256_LEN], chunk[100];
    struct vault_put *p = NULL;
    struct source *src = NULL;
    struct vault_receipt rc;
    size_t n;

    assert_ok(vault_put_new(r->vault, FILE_LEN, &p));
    assert_ok(vault_put_write(p, r->file, FILE_LEN));
    assert_ok(vault_put_commit(p, &terms, &rc));
    vault_put_free(p);
    assert_ok(begin(r, &rc, 1, &d));
    assert_ok(vault_download_verify(d, hash));
    assert_ok(vault_download_source(d, 0, FILE_LEN, &src));
    for (int i = 0; i < 10; i++) { /* 2,000 s, far beyond one lease of 600 s */
        now += 200;
        assert_ok(source_read(src, chunk, sizeof(chunk), &n));
        assert_int_equal(shred_all(r), 0);
    }
    source_free(src);
    vault_download_free(d);
    assert_ok(begin(r, &rc, 2, &other)); /* never settled: the use was given back */
    vault_download_free(other);
}

static void
the_shortest_lease_does_not_end_under_its_stream(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    uint8_t hash[SHA256_LEN], chunk[100];
    struct source *src = NULL;
    struct vault_receipt rc;
    size_t n;

    close_room(r);
    r->lease_s = 1;
    open_room(r);
    put(r, FILE_LEN, 1, &rc);
    assert_ok(begin(r, &rc, 1, &d));
    assert_ok(vault_download_verify(d, hash));
    assert_ok(vault_download_source(d, 0, FILE_LEN, &src));
    for (int i = 0; i < 10; i++) {
        now += 1;
        assert_ok(source_read(src, chunk, sizeof(chunk), &n));
        assert_int_equal(shred_all(r), 0);
    }
    source_free(src);
    vault_download_free(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_goes_in_comes_out_and_then_the_upload_has_ended, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_download_that_sent_nothing_gives_its_use_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_download_that_sent_one_byte_spends_its_use, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_use_that_a_second_request_had_bytes_of_is_not_given_back,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_download_that_broke_off_goes_on_from_before_what_was_acknowledged, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lease_ends_by_time_and_the_upload_with_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_range_beyond_the_end_takes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_changed_blob_is_not_sent_and_gives_its_use_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_blob_cut_short_is_not_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(access_ends_at_the_second_of_expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(a_running_download_is_cut_by_burning_and_by_expiry, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(only_the_burn_token_burns, setup, teardown),
        cmocka_unit_test_setup_teardown(a_preview_is_given_once, setup, teardown),
        cmocka_unit_test_setup_teardown(an_aborted_upload_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(one_byte_over_the_limit_is_too_big, setup, teardown),
        cmocka_unit_test_setup_teardown(uploads_survive_a_restart_and_orphans_do_not, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_pepper_opens_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_etag_is_the_same_for_one_code_and_differs_for_another,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_file_is_delivered_with_its_header, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_shortest_lease_does_not_end_under_its_stream, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_lease_is_kept_alive_while_the_stream_is_pulled, setup,
                                        teardown),
    };
    bool locked;

    if (crypt_init(&locked) != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
