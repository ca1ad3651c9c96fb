/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads whose id the sender chose: what they must be, what comes out of them, and that no id that
 * somebody sends, and no reply that is lost, harms the upload that has it already. */
#include "nodes.h"

#include "age_head.h"

#define ID    "abcdefghijklmnopqrstuvwxy4"
#define OTHER "aaaaaaaaaaaaaaaaaaaaaaaaaa"

/* An upload of `content` under that id; `meta` may be NULL. */
static enum err
put(struct vault *v, const char *id_text, const char *content, const char *meta,
    struct vault_receipt *ret)
{
    struct vault_terms terms = {.name = "sealed.age", .type = "application/octet-stream"};
    struct vault_put *p = NULL;
    struct share_code id;
    enum err e;

    assert_ok(words_parse_id(id_text, &id));
    terms.ttl_s = TTL_S;
    terms.uses = 1;
    terms.id = &id;
    terms.e2e_meta = meta;
    assert_ok(vault_put_new(v, FILE_LEN, &p));
    /* a byte at a time, as it may come */
    for (size_t i = 0; content[i] != '\0'; i++)
        assert_ok(vault_put_write(p, (const uint8_t *)content + i, 1));
    e = vault_put_commit(p, &terms, ret);
    vault_put_free(p);
    return e;
}

/* Download it all, as its only receiver. */
static void
assert_comes_out(struct vault *v, const struct vault_receipt *rc, const char *want,
                 const char *want_meta)
{
    struct vault_download *d = NULL;
    uint8_t hash[SHA256_LEN], got[1024];
    struct source *src = NULL;
    bool ended = false;
    size_t n = 0;

    assert_ok(begin(v, rc, &d));
    assert_string_equal(vault_download_e2e_meta(d), want_meta);
    assert_string_equal(vault_download_meta(d)->name, "sealed.age");
    assert_ok(vault_download_verify(d, hash));
    assert_ok(vault_download_source(d, 0, strlen(want), &src));
    assert_ok(source_read(src, got, sizeof(got), &n));
    assert_int_equal(n, strlen(want));
    assert_memory_equal(got, want, n);
    source_free(src);
    assert_ok(vault_download_settle(d, n, n, &ended));
    assert_true(ended);
    vault_download_free(d);
}

/* ---- what goes in and comes out ---- */

static void
an_upload_comes_out_under_the_id_that_was_chosen(void **state)
{
    struct room *r = *state;
    struct vault_receipt rc;
    struct vault_preview pv;

    assert_ok(put(r->a, ID, AGE_HEAD "payload", "c2VhbGVk", &rc));
    assert_string_equal(rc.code.text, ID);
    assert_int_equal(rc.code.n_words, 0);
    assert_ok(vault_preview(r->b, &rc.code, &pv));
    assert_string_equal(pv.e2e_meta, "c2VhbGVk");
    vault_preview_done(&pv);
    assert_err(ERR_TAKEN, vault_preview(r->b, &rc.code, &pv));
    assert_comes_out(r->b, &rc, AGE_HEAD "payload", "c2VhbGVk");
}

static void
metadata_may_be_left_out(void **state)
{
    struct room *r = *state;
    struct vault_receipt rc;
    struct vault_preview pv;

    assert_ok(put(r->a, ID, AGE_HEAD, NULL, &rc));
    assert_ok(vault_preview(r->a, &rc.code, &pv));
    assert_null(pv.e2e_meta);
    vault_preview_done(&pv);
    assert_comes_out(r->a, &rc, AGE_HEAD, "");
    assert_ok(put(r->a, OTHER, AGE_HEAD, "", &rc));
    assert_comes_out(r->a, &rc, AGE_HEAD, "");
}

static void
codes_and_ids_live_side_by_side(void **state)
{
    struct room *r = *state;
    struct vault_receipt drawn, first, second;
    struct vault_preview pv;
    struct share_state st;

    assert_ok(try_put(r, r->a, 1, &drawn));
    assert_ok(put(r->a, ID, AGE_HEAD, "first", &first));
    assert_ok(put(r->a, OTHER, AGE_HEAD, "second", &second));
    assert_int_equal(n_live(r), 3);
    assert_ok(vault_burn(r->a, &first.code, first.burn_token));
    assert_err(ERR_DENIED, vault_burn(r->a, &second.code, first.burn_token));
    assert_ok(vault_status(r->a, &first.code, &st));
    assert_int_equal(st.phase, SHARE_ENDED);
    assert_ok(vault_preview(r->a, &drawn.code, &pv));
    assert_null(pv.e2e_meta);
    vault_preview_done(&pv);
    assert_comes_out(r->a, &second, AGE_HEAD, "second");
}

static void
what_does_not_begin_as_an_age_file_is_refused_and_leaves_nothing(void **state)
{
    static const char *const wrong[] = {
        "",
        "plaintext",
        "age-encryption.org/v1\n",
        "age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 15\n",
        "x" AGE_HEAD,
        "-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3YxCg==\n",
    };
    struct room *r = *state;
    struct vault_receipt rc;
    struct share_code id;
    struct share_state st;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_err(ERR_SYNTAX, put(r->a, ID, wrong[i], "meta", &rc));
    assert_int_equal(n_live(r), 0);
    assert_int_equal(n_blobs(r), 0);
    assert_ok(words_parse_id(ID, &id));
    assert_ok(vault_status(r->a, &id, &st));
    assert_int_equal(st.phase, SHARE_UNKNOWN); /* not even its id is taken */
    assert_ok(put(r->a, ID, AGE_HEAD, "meta", &rc));
}

static void
texts_that_are_too_long_are_refused_and_leave_nothing(void **state)
{
    char meta[VAULT_E2E_META_MAX + 2];
    struct room *r = *state;
    struct vault_receipt rc;

    memset(meta, 'm', sizeof(meta) - 1);
    meta[sizeof(meta) - 1] = '\0';
    assert_err(ERR_TOOBIG, put(r->a, ID, AGE_HEAD, meta, &rc));
    assert_int_equal(n_live(r), 0);
    assert_int_equal(n_blobs(r), 0);
    meta[VAULT_E2E_META_MAX] = '\0';
    assert_ok(put(r->a, ID, AGE_HEAD, meta, &rc));
    assert_comes_out(r->a, &rc, AGE_HEAD, meta);
}

/* ---- an id twice ---- */

static void
an_id_in_use_is_refused_and_its_upload_lives_on(void **state)
{
    struct room *r = *state;
    struct vault_receipt first, second;

    assert_ok(put(r->a, ID, AGE_HEAD "first", "one", &first));
    assert_err(ERR_EXISTS, put(r->b, ID, AGE_HEAD "second", "two", &second));
    assert_int_equal(n_live(r), 1);
    assert_int_equal(n_blobs(r), 1);
    assert_int_equal(r->relay.n_removed, 0);
    assert_comes_out(r->a, &first, AGE_HEAD "first", "one");
}

static void
an_id_that_has_ended_is_refused_as_long_as_its_tombstone_stands(void **state)
{
    struct room *r = *state;
    struct vault_receipt rc, again;
    struct share_state st;
    unsigned n = 0;

    assert_ok(put(r->a, ID, AGE_HEAD, NULL, &rc));
    assert_ok(vault_burn(r->a, &rc.code, rc.burn_token));
    now_s += 86399;
    assert_err(ERR_EXISTS, put(r->a, ID, AGE_HEAD, NULL, &again));
    assert_ok(vault_status(r->a, &rc.code, &st));
    assert_int_equal(st.ended_by, ENDED_REVOKED);
    now_s += 1;
    assert_ok(vault_sweep(r->a, &n));
    assert_ok(put(r->a, ID, AGE_HEAD, "again", &again));
    assert_comes_out(r->a, &again, AGE_HEAD, "again");
}

/* ---- replies that are lost ---- */

/* Everything is done and answered but the putting, of which nobody hears. */
static enum err
put_unheard(struct store *s, const struct record *rec)
{
    enum err e = store_put(relay_of(s)->inner, rec);

    (void)e;
    return err_set(ERR_UNAVAIL, "the reply was lost");
}

static enum err
put_lost(struct room *r, const char *content, struct vault_receipt *ret)
{
    struct store_ops ops = *r->relay.store.ops;
    const struct store_ops *before = r->relay.store.ops;
    enum err e;

    ops.put = put_unheard;
    r->relay.store.ops = &ops;
    e = put(r->a, ID, content, NULL, ret);
    r->relay.store.ops = before;
    return e;
}

static void
a_put_whose_reply_was_lost_is_taken_back_when_the_record_is_ours(void **state)
{
    struct room *r = *state;
    struct vault_receipt rc;

    assert_err(ERR_UNAVAIL, put_lost(r, AGE_HEAD, &rc));
    assert_int_equal(r->relay.n_removed, 1);
    assert_int_equal(n_live(r), 0);
    assert_int_equal(n_blobs(r), 0);
}

static void
a_put_whose_reply_was_lost_takes_back_nobody_elses_record(void **state)
{
    struct room *r = *state;
    struct vault_receipt mine, other;

    assert_ok(put(r->b, ID, AGE_HEAD "mine", "m", &mine));
    assert_err(ERR_UNAVAIL, put_lost(r, AGE_HEAD "other", &other)); /* it was refused, unheard */
    assert_int_equal(r->relay.n_removed, 0);
    assert_int_equal(n_live(r), 1);
    assert_int_equal(n_blobs(r), 1);
    assert_comes_out(r->b, &mine, AGE_HEAD "mine", "m");
}

/* Nothing can be told then: the record may be anybody's. */
static void
without_a_look_nothing_is_taken_back(void **state)
{
    struct room *r = *state;
    struct vault_receipt mine, other;
    unsigned n = 0;

    assert_ok(put(r->b, ID, AGE_HEAD "mine", "m", &mine));
    r->relay.loses_replies = true;
    assert_err(ERR_UNAVAIL, put(r->a, ID, AGE_HEAD "other", NULL, &other));
    assert_err(ERR_UNAVAIL, put(r->a, OTHER, AGE_HEAD "other", NULL, &other));
    r->relay.loses_replies = false;
    assert_int_equal(r->relay.n_removed, 0);
    assert_int_equal(n_live(r), 2); /* one without its blob, of which nobody was told */
    assert_int_equal(n_blobs(r), 1);
    assert_comes_out(r->b, &mine, AGE_HEAD "mine", "m");
    now_s += TTL_S;
    assert_ok(vault_sweep(r->b, &n));
    assert_int_equal(n, 1);
    assert_int_equal(n_live(r), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_upload_comes_out_under_the_id_that_was_chosen),
        TEST(metadata_may_be_left_out),
        TEST(codes_and_ids_live_side_by_side),
        TEST(what_does_not_begin_as_an_age_file_is_refused_and_leaves_nothing),
        TEST(texts_that_are_too_long_are_refused_and_leave_nothing),
        TEST(an_id_in_use_is_refused_and_its_upload_lives_on),
        TEST(an_id_that_has_ended_is_refused_as_long_as_its_tombstone_stands),
        TEST(a_put_whose_reply_was_lost_is_taken_back_when_the_record_is_ours),
        TEST(a_put_whose_reply_was_lost_takes_back_nobody_elses_record),
        TEST(without_a_look_nothing_is_taken_back),
    };
    bool locked;

    if (crypt_init(&locked) != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
