/* SPDX-License-Identifier: Apache-2.0 */
/* age as streams: what is sealed opens again, whatever the pieces on either side; failures below
 * come up; errors are told apart. */
#include "unit/crypt/ages.h"

/* ---- opening ---- */

static void
gives_plain(const struct buf *file, size_t len, size_t cap, size_t step)
{
    uint8_t *plain = plain_of(len);
    struct trickle t = trickle_of(file, step);
    struct buf opened;

    buf_init(&opened, len);
    assert_ok(open_with("phrase", &t, cap, &opened));
    assert_int_equal(len, opened.len);
    if (len > 0)
        assert_memory_equal(plain, opened.data, len);
    buf_done(&opened);
    free(plain);
}

static void
a_file_is_opened_at_every_size_by_every_piece(void **state)
{
    static const size_t caps[] = {7, 4096, CHUNK - 1, CHUNK, CHUNK + 1, 2 * MIB};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(age_sizes); i++) {
        struct buf file;

        age_of(age_sizes[i], &file);
        for (size_t c = 0; c < ARRAY_LEN(caps); c++) {
            gives_plain(&file, age_sizes[i], caps[c], SIZE_MAX);
            gives_plain(&file, age_sizes[i], caps[c], 1 + 997 * c);
        }
        buf_done(&file);
    }
}

static void
a_file_is_opened_byte_by_byte_on_both_sides(void **state)
{
    static const size_t lens[] = {0, 1, 2, 99, CHUNK, CHUNK + 1};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct buf file;

        age_of(lens[i], &file);
        gives_plain(&file, lens[i], 1, 1);
        buf_done(&file);
    }
}

static void
the_end_stays_the_end(void **state)
{
    static const size_t lens[] = {0, 20, CHUNK};
    struct secret *phrase = phrase_of("phrase");
    uint8_t *piece = malloc(CHUNK);

    (void)state;
    assert_non_null(piece);
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct source *bytes = NULL, *plain = NULL;
        struct buf file;
        size_t n = 1;

        age_of(lens[i], &file);
        assert_ok(source_of_bytes(file.data, file.len, &bytes));
        assert_ok(age_source_new(&bytes, phrase, 1, &plain));
        while (n > 0)
            assert_ok(source_read(plain, piece, CHUNK, &n));
        for (int again = 0; again < 3; again++) {
            n = 1;
            assert_ok(source_read(plain, piece, CHUNK, &n));
            assert_int_equal(0, n);
        }
        source_free(plain);
        buf_done(&file);
    }
    free(piece);
    secret_free(phrase);
}

/* Wherever the source below fails, its error comes up, after nothing but whole chunks. */
static void
a_read_that_fails_below_fails_above(void **state)
{
    struct buf file, opened;

    (void)state;
    age_of(2 * CHUNK + 5, &file);
    buf_init(&opened, MIB);
    for (size_t at = 0; at <= file.len; at += at < 400 ? 1 : 8191) {
        size_t chunks = at < FRONT + SEALED + 1 ? 0 : at < FRONT + 2 * SEALED + 1 ? 1 : 2;
        struct trickle t = trickle_of(&file, 10000);

        t.fail_at = at;
        opened.len = 0;
        assert_err(ERR_IO, open_with("phrase", &t, 4096, &opened));
        assert_int_equal(chunks * CHUNK, opened.len);
    }
    buf_done(&opened);
    buf_done(&file);
}

/* ---- sealing ---- */

/* The input is cut in pieces of `piece` bytes; 0: of random lengths up to 100,000. */
static void
seal_in_pieces(size_t len, size_t piece, struct buf *ret_file)
{
    uint8_t *plain = plain_of(len);
    struct sink *end = NULL, *sealer;
    uint32_t x = 99;

    buf_init(ret_file, SIZE_MAX / 2);
    assert_ok(sink_to_buf(ret_file, &end));
    sealer = sealer_over(end);
    for (size_t at = 0, n; at < len; at += n) {
        n = piece > 0 ? piece : next_number(&x) % 100000;
        n = n < len - at ? n : len - at;
        assert_ok(sink_write(sealer, plain + at, n));
    }
    assert_ok(sink_finish(sealer));
    sink_free(sealer);
    free(plain);
}

static void
a_file_is_whole_whatever_the_cuts_of_the_input(void **state)
{
    static const size_t pieces[] = {7, 4096, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, SIZE_MAX, 0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(age_sizes); i++) {
        for (size_t p = 0; p < ARRAY_LEN(pieces); p++) {
            struct buf file;

            seal_in_pieces(age_sizes[i], pieces[p], &file);
            assert_int_equal(age_file_len(age_sizes[i], 1), file.len);
            gives_plain(&file, age_sizes[i], CHUNK, SIZE_MAX);
            buf_done(&file);
        }
    }
}

static void
a_file_is_whole_when_the_input_comes_byte_by_byte(void **state)
{
    static const size_t lens[] = {0, 1, 2, CHUNK - 1, CHUNK, CHUNK + 1};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct buf file;

        seal_in_pieces(lens[i], 1, &file);
        gives_plain(&file, lens[i], 100000, SIZE_MAX);
        buf_done(&file);
    }
}

static void
a_write_of_nothing_changes_nothing(void **state)
{
    struct sink *end = NULL, *sealer;
    struct buf file;

    (void)state;
    buf_init(&file, 1000);
    assert_ok(sink_to_buf(&file, &end));
    sealer = sealer_over(end);
    assert_ok(sink_write(sealer, NULL, 0));
    assert_int_equal(0, file.len);
    assert_ok(sink_finish(sealer));
    sink_free(sealer);
    gives_plain(&file, 0, 10, SIZE_MAX);
    buf_done(&file);
}

/* Salt, file key and nonce are fresh: no two files have a part in common that is made of them. */
static void
no_two_files_are_alike(void **state)
{
    struct age_header ha, hb;
    struct buf a, b;

    (void)state;
    age_of(100, &a);
    age_of(100, &b);
    assert_int_equal(AGE_WELL_FORMED, age_header_read(a.data, a.len, &ha));
    assert_int_equal(AGE_WELL_FORMED, age_header_read(b.data, b.len, &hb));
    assert_memory_not_equal(ha.salt, hb.salt, sizeof(ha.salt));
    assert_memory_not_equal(ha.body, hb.body, sizeof(ha.body));
    assert_memory_not_equal(ha.mac, hb.mac, sizeof(ha.mac));
    assert_memory_not_equal(a.data + HEAD, b.data + HEAD, AGE_START_LEN);
    assert_memory_not_equal(a.data + FRONT, b.data + FRONT, 100);
    buf_done(&a);
    buf_done(&b);
}

static void
the_length_of_a_file_follows_from_its_plaintext(void **state)
{
    (void)state;
    assert_int_equal(149 + 16 + 16, age_file_len(0, 9));
    assert_int_equal(150 + 16 + 16, age_file_len(0, 10));
    assert_int_equal(150 + 16 + 17, age_file_len(1, AGE_WORK_OURS));
    assert_int_equal(150 + 16 + CHUNK + 16, age_file_len(CHUNK, 15));
    assert_int_equal(150 + 16 + CHUNK + 16 + 17, age_file_len(CHUNK + 1, 15));
    assert_int_equal(UINT64_C(166) + (UINT64_C(1) << 50) + 16 * (UINT64_C(1) << 34),
                     age_file_len(UINT64_C(1) << 50, 15));
}

static void
a_nonce_is_the_number_of_its_chunk_and_whether_it_is_the_last(void **state)
{
    static const struct {
        uint64_t index;
        bool is_last;
        uint8_t nonce[AGE_NONCE_LEN];
    } cases[] = {
        {0, false, {0}},
        {0, true, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
        {1, false, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}},
        {256, true, {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1}},
        {UINT64_C(0x0102030405060708), false, {0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0}},
        {UINT64_MAX, true, {0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 1}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t nonce[AGE_NONCE_LEN];

        age_chunk_nonce(cases[i].index, cases[i].is_last, nonce);
        assert_memory_equal(cases[i].nonce, nonce, sizeof(nonce));
    }
}

/* ---- a stage below that watches ---- */

struct watcher {
    struct sink sink;
    size_t n_writes, n_finished, n_freed, longest, fail_at; /* fail_at: 0 for never */
    bool is_finish_failing;
};

static enum err
watch_write(struct sink *s, const uint8_t *bytes, size_t len)
{
    struct watcher *w = (struct watcher *)s;

    (void)bytes;
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

static void
a_chunk_is_pushed_when_more_comes_and_never_more_at_once(void **state)
{
    struct watcher w = {.sink = {&watching}};
    struct sink *sealer = sealer_over(&w.sink);
    uint8_t *plain = plain_of(MIB + 3);

    (void)state;
    assert_ok(sink_write(sealer, plain, CHUNK));
    assert_int_equal(0, w.n_writes);
    assert_ok(sink_write(sealer, plain, 1));
    assert_int_equal(1, w.n_writes);
    assert_ok(sink_write(sealer, plain, MIB + 3));
    assert_int_equal(1 + MIB / CHUNK, w.n_writes);
    assert_ok(sink_finish(sealer));
    assert_int_equal(2 + MIB / CHUNK, w.n_writes);
    assert_true(w.longest <= AGE_HEAD_LEN_MAX + AGE_START_LEN + SEALED);
    assert_int_equal(1, w.n_finished);
    assert_int_equal(0, w.n_freed);
    sink_free(sealer);
    assert_int_equal(1, w.n_freed);
    free(plain);
}

static void
a_write_that_fails_below_fails_above(void **state)
{
    uint8_t *plain = plain_of(MIB);

    (void)state;
    for (size_t at = 1; at <= 3; at++) {
        struct watcher w = {.sink = {&watching}, .fail_at = at};
        struct sink *sealer = sealer_over(&w.sink);

        assert_err(ERR_NOSPACE, sink_write(sealer, plain, MIB));
        assert_int_equal(at, w.n_writes);
        sink_free(sealer);
        assert_int_equal(0, w.n_finished);
        assert_int_equal(1, w.n_freed);
    }
    free(plain);
}

static void
a_last_write_or_finish_that_fails_below_fails_above(void **state)
{
    struct watcher full = {.sink = {&watching}, .fail_at = 1};
    struct watcher gone = {.sink = {&watching}, .is_finish_failing = true};
    struct sink *sealer;

    (void)state;
    sealer = sealer_over(&full.sink);
    assert_ok(sink_write(sealer, (const uint8_t *)"abc", 3));
    assert_err(ERR_NOSPACE, sink_finish(sealer));
    assert_int_equal(0, full.n_finished);
    sink_free(sealer);
    sealer = sealer_over(&gone.sink);
    assert_err(ERR_IO, sink_finish(sealer));
    assert_int_equal(1, gone.n_writes);
    sink_free(sealer);
}

static void
an_abort_pushes_no_last_chunk(void **state)
{
    struct watcher w = {.sink = {&watching}};
    struct sink *sealer = sealer_over(&w.sink);

    (void)state;
    assert_ok(sink_write(sealer, (const uint8_t *)"abc", 3));
    sink_free(sealer);
    assert_int_equal(0, w.n_writes);
    assert_int_equal(0, w.n_finished);
    assert_int_equal(1, w.n_freed);
}

/* ---- passphrases and work factors ---- */

static void
only_the_same_passphrase_opens(void **state)
{
    static const char *const others[] = {"", "phras", "phrase ", "Phrase", "phrase\n"};
    struct buf file, opened;

    (void)state;
    age_of(10, &file);
    buf_init(&opened, 100);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct trickle t = trickle_of(&file, SIZE_MAX);

        assert_err(ERR_DENIED, open_with(others[i], &t, 100, &opened));
        assert_int_equal(0, opened.len);
    }
    buf_done(&opened);
    gives_plain(&file, 10, 100, SIZE_MAX);
    buf_done(&file);
}

static void
a_sealer_is_refused_an_empty_passphrase_or_a_work_factor_out_of_range(void **state)
{
    static const unsigned works[] = {0, AGE_WORK_LIMIT + 1, 64};
    struct secret *none = phrase_of(""), *phrase = phrase_of("phrase");
    struct watcher w = {.sink = {&watching}};
    struct sink *next = &w.sink, *sealer = NULL;

    (void)state;
    assert_err(ERR_FIELD, age_sealer_new(none, 1, &next, &sealer));
    for (size_t i = 0; i < ARRAY_LEN(works); i++)
        assert_err(ERR_FIELD, age_sealer_new(phrase, works[i], &next, &sealer));
    assert_ptr_equal(&w.sink, next);
    assert_null(sealer);
    assert_int_equal(0, w.n_freed);
    secret_free(none);
    secret_free(phrase);
}

/* The file of nothing with this work factor, opened with that limit. */
static enum err
with_limit(unsigned work, unsigned work_max)
{
    struct secret *phrase = phrase_of("p");
    struct sink *end = NULL, *sealer = NULL;
    struct source *file = NULL, *plain = NULL;
    struct buf bytes, opened;
    enum err e;

    buf_init(&bytes, 1000);
    buf_init(&opened, 0);
    assert_ok(sink_to_buf(&bytes, &end));
    assert_ok(age_sealer_new(phrase, work, &end, &sealer));
    assert_ok(sink_finish(sealer));
    sink_free(sealer);
    assert_int_equal(age_file_len(0, work), bytes.len);
    assert_ok(source_of_bytes(bytes.data, bytes.len, &file));
    e = age_source_new(&file, phrase, work_max, &plain);
    if (e == ERR_OK)
        e = drain(plain, 10, &opened);
    buf_done(&bytes);
    buf_done(&opened);
    secret_free(phrase);
    return e;
}

static void
a_work_factor_up_to_the_limit_opens_and_one_more_does_not(void **state)
{
    static const unsigned works[] = {2, 9, 10, AGE_WORK_OURS};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(works); i++) {
        assert_ok(with_limit(works[i], works[i]));
        assert_err(ERR_TOOBIG, with_limit(works[i], works[i] - 1));
    }
    assert_ok(with_limit(1, AGE_WORK_LIMIT));
}

static void
a_work_factor_above_the_limit_is_told_before_any_work(void **state)
{
    /* If scrypt ran, it would say that the passphrase is wrong, after 4 GiB or an age of the world.
     */
    static const char *const works[] = {
        "20", "22", "23", "63", "64", "4294967297", "99999999999999999999999999"};
    struct buf file, opened;

    (void)state;
    buf_init(&opened, 0);
    for (size_t i = 0; i < ARRAY_LEN(works); i++) {
        buf_init(&file, 1000);
        assert_ok(buf_addf(&file,
                           "age-encryption.org/v1\n-> scrypt ZGVmZ2hpamtsbW5vcHFycw %s\n"
                           "9+akYER7eHUEqhQQeuLNhHEPZtU7nNBZdc27rwB8WWI\n"
                           "--- NjDzh/HpB6esi2OnjopIHQLn8csRAC0oN1M+wWq7ivk\n",
                           works[i]));
        assert_err(ERR_TOOBIG, open_age(&file, 10, &opened));
        buf_done(&file);
    }
    buf_done(&opened);
}

/* With room for fewer secrets than a call needs, from none on: it says so, and keeps nothing. */
static void
without_room_for_keys_nothing_is_sealed_or_opened(void **state)
{
    enum { HEAP_SECRETS = 70000, FEWER_THAN_NEEDED = 2 };
    static struct secret *hoard[HEAP_SECRETS];
    struct secret *phrase = phrase_of("phrase");
    struct buf file;
    size_t n = 0;

    (void)state;
    age_of(100, &file);
    while (n < HEAP_SECRETS && secret_new(32, &hoard[n]) == ERR_OK)
        n++;
    assert_true(n > 0 && n < HEAP_SECRETS);
    for (int room = 0; room < FEWER_THAN_NEEDED; room++) {
        struct watcher w = {.sink = {&watching}};
        struct trickle t = trickle_of(&file, SIZE_MAX);
        struct sink *next = &w.sink, *sealer = NULL;
        struct source *below = &t.source, *plain = NULL;

        assert_err(ERR_NOMEM, age_sealer_new(phrase, 1, &next, &sealer));
        assert_ptr_equal(&w.sink, next);
        assert_int_equal(0, w.n_freed);
        assert_err(ERR_NOMEM, age_source_new(&below, phrase, 1, &plain));
        assert_null(below);
        assert_int_equal(1, t.n_freed);
        assert_true(sealer == NULL && plain == NULL);
        secret_free(hoard[--n]);
    }
    while (n > 0)
        secret_free(hoard[--n]);
    gives_plain(&file, 100, 100, SIZE_MAX);
    buf_done(&file);
    secret_free(phrase);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_opened_at_every_size_by_every_piece),
        cmocka_unit_test(a_file_is_opened_byte_by_byte_on_both_sides),
        cmocka_unit_test(the_end_stays_the_end),
        cmocka_unit_test(a_read_that_fails_below_fails_above),
        cmocka_unit_test(a_file_is_whole_whatever_the_cuts_of_the_input),
        cmocka_unit_test(a_file_is_whole_when_the_input_comes_byte_by_byte),
        cmocka_unit_test(a_write_of_nothing_changes_nothing),
        cmocka_unit_test(no_two_files_are_alike),
        cmocka_unit_test(the_length_of_a_file_follows_from_its_plaintext),
        cmocka_unit_test(a_nonce_is_the_number_of_its_chunk_and_whether_it_is_the_last),
        cmocka_unit_test(a_chunk_is_pushed_when_more_comes_and_never_more_at_once),
        cmocka_unit_test(a_write_that_fails_below_fails_above),
        cmocka_unit_test(a_last_write_or_finish_that_fails_below_fails_above),
        cmocka_unit_test(an_abort_pushes_no_last_chunk),
        cmocka_unit_test(only_the_same_passphrase_opens),
        cmocka_unit_test(a_sealer_is_refused_an_empty_passphrase_or_a_work_factor_out_of_range),
        cmocka_unit_test(a_work_factor_up_to_the_limit_opens_and_one_more_does_not),
        cmocka_unit_test(a_work_factor_above_the_limit_is_told_before_any_work),
        cmocka_unit_test(without_room_for_keys_nothing_is_sealed_or_opened),
    };

    return cmocka_run_group_tests(tests, set_up_heap, tear_down_heap);
}
