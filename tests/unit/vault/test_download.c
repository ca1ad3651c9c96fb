/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads: what takes a use, what gives it back, how long a lease lasts, what is never sent. */
#include "vault_room.h"

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

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_download_that_sent_nothing_gives_its_use_back),
        T(a_download_that_sent_one_byte_spends_its_use),
        T(a_use_that_a_second_request_had_bytes_of_is_not_given_back),
        T(a_download_that_broke_off_goes_on_from_before_what_was_acknowledged),
        T(a_lease_ends_by_time_and_the_upload_with_it),
        T(a_range_beyond_the_end_takes_nothing),
        T(a_changed_blob_is_not_sent_and_gives_its_use_back),
        T(a_blob_cut_short_is_not_sent),
        T(a_running_download_is_cut_by_burning_and_by_expiry),
        T(an_empty_file_is_delivered_with_its_header),
        T(the_shortest_lease_does_not_end_under_its_stream),
        T(the_lease_is_kept_alive_while_the_stream_is_pulled),
    };

    return cmocka_run_group_tests(tests, open_heap, close_heap);
}
