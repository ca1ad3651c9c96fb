/* SPDX-License-Identifier: Apache-2.0 */
/* The sealer: whatever the cuts of the input, one whole token comes out, in pieces of bounded size;
 * it hashes and counts the plaintext; failures below it come up. */
#include "unit/crypt/tokens.h"

/* The input is cut in pieces of `piece` bytes; 0: of random lengths up to 100,000. */
static void
seal_in_pieces(size_t len, size_t piece, struct buf *ret_token)
{
    struct secret *key = test_key();
    uint8_t *plain = plain_of(len), want[SHA256_LEN], got[SHA256_LEN];
    struct fernet_sealer *sealer = NULL;
    struct sink *end = NULL;
    uint64_t plain_len = 0;
    uint32_t x = 99;

    buf_init(ret_token, SIZE_MAX / 2);
    assert_ok(sink_to_buf(ret_token, &end));
    assert_ok(fernet_sealer_new(key, NOW_S, &end, &sealer));
    assert_null(end);
    secret_free(key); /* borrowed for that call only */
    for (size_t at = 0, n; at < len; at += n) {
        n = piece > 0 ? piece : next_number(&x) % 100000;
        n = n < len - at ? n : len - at;
        assert_ok(sink_write(fernet_sealer_sink(sealer), plain + at, n));
    }
    assert_ok(sink_finish(fernet_sealer_sink(sealer)));
    fernet_sealer_result(sealer, got, &plain_len);
    assert_ok(crypt_sha256(plain, len, want));
    assert_memory_equal(want, got, sizeof(want));
    assert_int_equal(len, plain_len);
    sink_free(fernet_sealer_sink(sealer));
    free(plain);
}

static void
opens_to_plain(const struct buf *token, size_t len)
{
    struct secret *key = test_key();
    uint8_t *plain = plain_of(len);
    struct buf opened;

    buf_init(&opened, len);
    assert_int_equal(fernet_token_len(len), token->len);
    assert_ok(fernet_open(key, token->data, token->len, &opened));
    assert_int_equal(len, opened.len);
    if (len > 0)
        assert_memory_equal(plain, opened.data, len);
    buf_done(&opened);
    free(plain);
    secret_free(key);
}

static void
a_token_is_whole_whatever_the_cuts_of_the_input(void **state)
{
    static const size_t pieces[] = {7, 4096, 65536, 65535, 65537, SIZE_MAX, 0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        for (size_t p = 0; p < ARRAY_LEN(pieces); p++) {
            struct buf token;

            seal_in_pieces(sizes[i], pieces[p], &token);
            opens_to_plain(&token, sizes[i]);
            buf_done(&token);
        }
    }
}

static void
a_token_is_whole_when_the_input_comes_byte_by_byte(void **state)
{
    static const size_t lens[] = {0, 1, 15, 16, 17, 65510, 65511, 65512, 65535, 65536, 65537};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct buf token;

        seal_in_pieces(lens[i], 1, &token);
        opens_to_plain(&token, lens[i]);
        buf_done(&token);
    }
}

static void
a_write_of_nothing_changes_nothing(void **state)
{
    struct secret *key = test_key();
    struct fernet_sealer *sealer = NULL;
    struct sink *end = NULL;
    struct buf token;

    (void)state;
    buf_init(&token, 1000);
    assert_ok(sink_to_buf(&token, &end));
    assert_ok(fernet_sealer_new(key, NOW_S, &end, &sealer));
    assert_ok(sink_write(fernet_sealer_sink(sealer), NULL, 0));
    assert_ok(sink_finish(fernet_sealer_sink(sealer)));
    sink_free(fernet_sealer_sink(sealer));
    opens_to_plain(&token, 0);
    buf_done(&token);
    secret_free(key);
}

/* ---- a stage below that watches ---- */

struct watcher {
    struct sink sink;
    size_t n_writes, n_finished, n_freed, longest, fail_at; /* fail_at: 0 for never */
    bool is_finish_failing, is_odd; /* is_odd: a write that was not the last was not 64 KiB */
    size_t last;
};

static enum err
watch_write(struct sink *s, const uint8_t *bytes, size_t len)
{
    struct watcher *w = (struct watcher *)s;

    (void)bytes;
    w->is_odd = w->is_odd || (w->n_writes > 0 && w->last != 65536);
    w->last = len;
    w->longest = len > w->longest ? len : w->longest;
    if (++w->n_writes == w->fail_at)
        return err_set(ERR_NOSPACE, "the test's disk is full");
    return ERR_OK;
}

static enum err
watch_finish(struct sink *s)
{
    struct watcher *w = (struct watcher *)s;

    w->n_finished++;
    return w->is_finish_failing ? err_set(ERR_IO, "the test's disk is gone") : ERR_OK;
}

static void
watch_free(struct sink *s)
{
    ((struct watcher *)s)->n_freed++;
}

static const struct sink_ops watching = {watch_write, watch_finish, watch_free};

static struct fernet_sealer *
sealer_over(struct watcher *w)
{
    struct secret *key = test_key();
    struct fernet_sealer *sealer = NULL;
    struct sink *end = &w->sink;

    assert_ok(fernet_sealer_new(key, NOW_S, &end, &sealer));
    assert_null(end);
    secret_free(key);
    return sealer;
}

static void
pieces_below_are_of_64_kib_but_for_the_last(void **state)
{
    struct watcher w = {.sink = {&watching}};
    struct fernet_sealer *sealer = sealer_over(&w);
    uint8_t *plain = plain_of(MIB + 3);

    (void)state;
    for (size_t at = 0; at + 1000 <= MIB; at += 1000)
        assert_ok(sink_write(fernet_sealer_sink(sealer), plain + at, 1000));
    assert_ok(sink_write(fernet_sealer_sink(sealer), plain, MIB + 3));
    assert_ok(sink_finish(fernet_sealer_sink(sealer)));
    assert_false(w.is_odd);
    assert_true(w.longest < 65536 + 64);
    assert_int_equal(1, w.n_finished);
    assert_int_equal(0, w.n_freed);
    sink_free(fernet_sealer_sink(sealer));
    assert_int_equal(1, w.n_freed);
    free(plain);
}

static void
a_write_that_fails_below_fails_above(void **state)
{
    struct watcher w = {.sink = {&watching}, .fail_at = 3};
    struct fernet_sealer *sealer = sealer_over(&w);
    uint8_t *plain = plain_of(MIB);

    (void)state;
    assert_ok(sink_write(fernet_sealer_sink(sealer), plain, 2 * 65536));
    assert_err(ERR_NOSPACE, sink_write(fernet_sealer_sink(sealer), plain, MIB));
    assert_int_equal(3, w.n_writes);
    sink_free(fernet_sealer_sink(sealer));
    assert_int_equal(0, w.n_finished);
    assert_int_equal(1, w.n_freed);
    free(plain);
}

static void
a_last_write_or_finish_that_fails_below_fails_above(void **state)
{
    struct watcher full = {.sink = {&watching}, .fail_at = 1};
    struct watcher gone = {.sink = {&watching}, .is_finish_failing = true};
    struct fernet_sealer *sealer;

    (void)state;
    sealer = sealer_over(&full);
    assert_ok(sink_write(fernet_sealer_sink(sealer), (const uint8_t *)"abc", 3));
    assert_err(ERR_NOSPACE, sink_finish(fernet_sealer_sink(sealer)));
    assert_int_equal(0, full.n_finished);
    sink_free(fernet_sealer_sink(sealer));
    sealer = sealer_over(&gone);
    assert_err(ERR_IO, sink_finish(fernet_sealer_sink(sealer)));
    assert_int_equal(1, gone.n_writes);
    sink_free(fernet_sealer_sink(sealer));
}

static void
an_abort_pushes_no_end_of_a_token(void **state)
{
    struct watcher w = {.sink = {&watching}};
    struct fernet_sealer *sealer = sealer_over(&w);

    (void)state;
    assert_ok(sink_write(fernet_sealer_sink(sealer), (const uint8_t *)"abc", 3));
    sink_free(fernet_sealer_sink(sealer));
    assert_int_equal(0, w.n_writes);
    assert_int_equal(0, w.n_finished);
    assert_int_equal(1, w.n_freed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_whole_whatever_the_cuts_of_the_input),
        cmocka_unit_test(a_token_is_whole_when_the_input_comes_byte_by_byte),
        cmocka_unit_test(a_write_of_nothing_changes_nothing),
        cmocka_unit_test(pieces_below_are_of_64_kib_but_for_the_last),
        cmocka_unit_test(a_write_that_fails_below_fails_above),
        cmocka_unit_test(a_last_write_or_finish_that_fails_below_fails_above),
        cmocka_unit_test(an_abort_pushes_no_end_of_a_token),
    };

    return cmocka_run_group_tests(tests, set_up_heap, tear_down_heap);
}
