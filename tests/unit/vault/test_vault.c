/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads, previews, burning and restarts, over the real store and storage. */
#include "vault_room.h"

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

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_goes_in_comes_out_and_then_the_upload_has_ended),
        T(access_ends_at_the_second_of_expiry),
        T(only_the_burn_token_burns),
        T(a_preview_is_given_once),
        T(an_aborted_upload_leaves_nothing),
        T(one_byte_over_the_limit_is_too_big),
        T(uploads_survive_a_restart_and_orphans_do_not),
        T(another_pepper_opens_nothing),
        T(the_etag_is_the_same_for_one_code_and_differs_for_another),
    };

    return cmocka_run_group_tests(tests, open_heap, close_heap);
}
