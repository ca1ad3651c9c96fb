/* SPDX-License-Identifier: Apache-2.0 */
/* Armor: every length comes through in any pieces; what is not strict armor, and what fails below,
 * comes to no good end. The many malformed ones are in tests/data/age (test_age_vectors). */
#include "unit/crypt/ages.h"

#define BEGIN "-----BEGIN AGE ENCRYPTED FILE-----"
#define END   "-----END AGE ENCRYPTED FILE-----"

/* Strict armor of `len` bytes, in `ret`, which is set up here. */
static void
armor(const uint8_t *bytes, size_t len, const char *eol, struct buf *ret)
{
    uint8_t text[AGE_COLUMNS + 1];

    buf_init(ret, SIZE_MAX / 2);
    assert_ok(buf_addf(ret, BEGIN "%s", eol));
    for (size_t at = 0; at < len; at += AGE_LINE_BYTES) {
        size_t step = len - at < AGE_LINE_BYTES ? len - at : AGE_LINE_BYTES;
        size_t n = b64_encode(bytes + at, step, text);

        while (n % 4 != 0)
            text[n++] = '=';
        text[n] = '\0';
        assert_ok(buf_addf(ret, "%s%s", (const char *)text, eol));
    }
    assert_ok(buf_addf(ret, END "%s", eol));
}

/* What `t` gives without its armor; the first `n_first` bytes are handed over as already read. */
static enum err
strip(struct trickle *t, size_t n_first, size_t cap, struct buf *ret)
{
    struct source *file = &t->source, *binary = NULL;
    enum err e;

    t->at = n_first;
    assert_ok(age_armor_new(&file, t->bytes->data, n_first, &binary));
    assert_null(file);
    e = drain(binary, cap, ret);
    assert_int_equal(1, t->n_freed);
    return e;
}

static void
every_length_comes_through_in_any_pieces(void **state)
{
    static const size_t caps[] = {1, 7, 48, 49, 5000}, steps[] = {1, 64, 65, 5000};
    static const char *const eols[] = {"\n", "\r\n"};
    uint8_t *bytes = plain_of(MIB);

    (void)state;
    for (size_t len = 0; len < 150; len++) {
        for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
            struct buf text, got;
            struct trickle t;

            armor(bytes, len, eols[(i + len) % 2], &text);
            t = trickle_of(&text, steps[i % ARRAY_LEN(steps)]);
            buf_init(&got, len);
            assert_ok(strip(&t, len % 80, caps[i], &got));
            assert_int_equal(len, got.len);
            if (len > 0)
                assert_memory_equal(bytes, got.data, len);
            buf_done(&got);
            buf_done(&text);
        }
    }
    free(bytes);
}

static void
an_armored_file_of_several_chunks_opens(void **state)
{
    static const size_t lens[] = {0, 1, CHUNK, 2 * CHUNK + 1};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        uint8_t *plain = plain_of(lens[i]);
        struct buf file, text, opened;

        age_of(lens[i], &file);
        armor(file.data, file.len, "\n", &text);
        buf_init(&opened, lens[i]);
        assert_ok(open_age(&text, 4096, &opened));
        assert_int_equal(lens[i], opened.len);
        if (lens[i] > 0)
            assert_memory_equal(plain, opened.data, lens[i]);
        buf_done(&opened);
        buf_done(&text);
        buf_done(&file);
        free(plain);
    }
}

static void
armor_cut_anywhere_is_refused(void **state)
{
    uint8_t *bytes = plain_of(150);
    struct buf text, got;
    size_t len;

    (void)state;
    armor(bytes, 150, "\n", &text);
    buf_init(&got, 1000);
    len = text.len - 1; /* but for the LF behind the end */
    for (text.len = 0; text.len < len; text.len++) {
        struct trickle t = trickle_of(&text, 50);

        got.len = 0;
        assert_err(ERR_SYNTAX, strip(&t, 0, 100, &got));
        assert_true(got.len <= 150);
    }
    text.len = len;
    for (int again = 0; again < 2; again++, text.len++) {
        struct trickle t = trickle_of(&text, 50);

        got.len = 0;
        assert_ok(strip(&t, 0, 100, &got));
        assert_int_equal(150, got.len);
    }
    buf_done(&got);
    buf_done(&text);
    free(bytes);
}

/* A byte put anywhere but into the white space around. */
static void
a_byte_more_is_refused_wherever_it_is(void **state)
{
    static const char more[] = {' ', '\n', '\r', '\t', 'A', '=', '-', '\0', '\x80'};
    uint8_t *bytes = plain_of(100);
    struct buf text, longer, got;

    (void)state;
    armor(bytes, 100, "\n", &text);
    buf_init(&got, 1000);
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        for (size_t at = 1; at < text.len - 1; at++) {
            struct trickle t;

            if (more[i] == '\r' && text.data[at] == '\n')
                continue; /* that is the end of a line too */
            buf_init(&longer, 1000);
            assert_ok(buf_add(&longer, text.data, at));
            assert_ok(buf_add(&longer, &more[i], 1));
            assert_ok(buf_add(&longer, text.data + at, text.len - at));
            t = trickle_of(&longer, SIZE_MAX);
            got.len = 0;
            assert_err(ERR_SYNTAX, strip(&t, 0, 100, &got));
            buf_done(&longer);
        }
    }
    buf_done(&got);
    buf_done(&text);
    free(bytes);
}

static void
a_read_that_fails_below_fails_above(void **state)
{
    uint8_t *bytes = plain_of(100);
    struct buf text, got;

    (void)state;
    armor(bytes, 100, "\r\n", &text);
    buf_init(&got, 1000);
    for (size_t at = 0; at <= text.len; at++) {
        struct trickle t = trickle_of(&text, 30);

        t.fail_at = at;
        got.len = 0;
        assert_err(ERR_IO, strip(&t, 0, 100, &got));
    }
    buf_done(&got);
    buf_done(&text);
    free(bytes);
}

static void
armor_that_has_refused_gives_no_good_end(void **state)
{
    struct buf text;
    struct trickle t;
    struct source *file = &t.source, *binary = NULL;
    uint8_t piece[100];
    size_t n = 77;

    (void)state;
    buf_init(&text, 1000);
    assert_ok(buf_add_text(&text, BEGIN "\n" END "x"));
    t = trickle_of(&text, SIZE_MAX);
    assert_ok(age_armor_new(&file, NULL, 0, &binary));
    for (int again = 0; again < 3; again++) {
        assert_err(ERR_SYNTAX, source_read(binary, piece, sizeof(piece), &n));
        assert_int_equal(77, n);
    }
    source_free(binary);
    buf_done(&text);
}

/* In the header it is no age file; behind it, where a binary file would be damaged, damage. */
static void
broken_armor_is_a_malformed_header_or_a_damaged_payload(void **state)
{
    struct buf file, text, opened;
    size_t in_header, in_payload;

    (void)state;
    age_of(3 * CHUNK, &file);
    armor(file.data, file.len, "\n", &text);
    in_header = strlen(BEGIN) + 1 + 70;
    in_payload = text.len - 5000;
    buf_init(&opened, MIB);
    text.data[in_payload] = '*';
    assert_err(ERR_INTEGRITY, open_age(&text, 4096, &opened));
    assert_int_equal(2 * CHUNK, opened.len);
    opened.len = 0;
    text.data[in_header] = '*';
    assert_err(ERR_SYNTAX, open_age(&text, 4096, &opened));
    assert_int_equal(0, opened.len);
    buf_done(&opened);
    buf_done(&text);
    buf_done(&file);
}

/* So nothing can hide behind the end of an armored file. */
static void
the_last_chunk_is_held_back_until_the_end_of_the_armor_was_seen(void **state)
{
    struct buf file, text, opened;

    (void)state;
    age_of(100, &file);
    armor(file.data, file.len, "\n", &text);
    assert_ok(buf_add_text(&text, "\n\n x"));
    buf_init(&opened, 100);
    assert_err(ERR_INTEGRITY, open_age(&text, 4096, &opened));
    assert_int_equal(0, opened.len);
    buf_done(&opened);
    buf_done(&text);
    buf_done(&file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_comes_through_in_any_pieces),
        cmocka_unit_test(an_armored_file_of_several_chunks_opens),
        cmocka_unit_test(armor_cut_anywhere_is_refused),
        cmocka_unit_test(a_byte_more_is_refused_wherever_it_is),
        cmocka_unit_test(a_read_that_fails_below_fails_above),
        cmocka_unit_test(armor_that_has_refused_gives_no_good_end),
        cmocka_unit_test(broken_armor_is_a_malformed_header_or_a_damaged_payload),
        cmocka_unit_test(the_last_chunk_is_held_back_until_the_end_of_the_armor_was_seen),
    };

    return cmocka_run_group_tests(tests, set_up_heap, tear_down_heap);
}
