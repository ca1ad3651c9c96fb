/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged age files: whatever was flipped, cut, added or moved, no file comes to a good end, and
 * nothing comes out but chunks that were sealed, in their order. */
#include "unit/crypt/ages.h"

/* Refused, after exactly `n_chunks` whole chunks of plain_of(plain_len). */
static void
is_refused_after(const struct buf *file, size_t n_chunks, size_t plain_len, size_t cap)
{
    uint8_t *plain = plain_of(plain_len);
    struct buf opened;
    enum err e;

    buf_init(&opened, SIZE_MAX / 2);
    e = open_age(file, cap, &opened);
    assert_true(e == ERR_INTEGRITY ||
                (n_chunks == 0 && (e == ERR_SYNTAX || e == ERR_DENIED || e == ERR_TOOBIG)));
    assert_int_equal(n_chunks * CHUNK, opened.len);
    if (opened.len > 0)
        assert_memory_equal(plain, opened.data, opened.len);
    buf_done(&opened);
    free(plain);
}

/* As above, and said to be damage, as its header is well. */
static void
is_damaged_after(const struct buf *file, size_t n_chunks, size_t plain_len)
{
    struct buf opened;

    buf_init(&opened, SIZE_MAX / 2);
    assert_err(ERR_INTEGRITY, open_age(file, CHUNK, &opened));
    buf_done(&opened);
    is_refused_after(file, n_chunks, plain_len, 1000);
}

static void
a_file_with_any_bit_flipped_is_refused(void **state)
{
    struct buf file, opened;

    (void)state;
    age_of(37, &file);
    for (size_t bit = 0; bit < file.len * 8; bit++) {
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        is_refused_after(&file, 0, 37, 1 + bit % 40);
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_init(&opened, 37);
    assert_ok(open_age(&file, 100, &opened)); /* they were put back */
    buf_done(&opened);
    buf_done(&file);
}

/* The error tells where: a digit of base64 that becomes another keeps the form of the header. */
static void
a_changed_mac_is_damage_and_a_changed_wrapped_key_a_wrong_passphrase(void **state)
{
    static const size_t mac_digits[] = {HEAD - 44, HEAD - 20, HEAD - 3}, body_at = 57;
    struct buf file, opened;

    (void)state;
    buf_init(&opened, 100);
    for (size_t i = 0; i < ARRAY_LEN(mac_digits); i++) {
        uint8_t *digit;

        age_of(10, &file);
        digit = file.data + mac_digits[i];
        *digit = *digit == 'A' ? 'B' : 'A';
        assert_err(ERR_INTEGRITY, open_age(&file, 10, &opened));
        buf_done(&file);
    }
    for (size_t i = 0; i < 42; i++) {
        uint8_t *digit;

        age_of(10, &file);
        digit = file.data + body_at + i;
        *digit = *digit == 'A' ? 'B' : 'A';
        assert_err(ERR_DENIED, open_age(&file, 10, &opened));
        buf_done(&file);
    }
    assert_int_equal(0, opened.len);
    buf_done(&opened);
}

static void
a_long_file_with_a_bit_flipped_gives_the_chunks_before_it(void **state)
{
    enum { PLAIN_LEN = 3 * CHUNK + 5 };
    struct buf file;
    uint32_t x = 11;

    (void)state;
    age_of(PLAIN_LEN, &file);
    for (int i = 0; i < 40; i++) {
        size_t bit = FRONT * 8 + next_number(&x) % ((file.len - FRONT) * 8);

        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        is_damaged_after(&file, (bit / 8 - FRONT) / SEALED, PLAIN_LEN);
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_done(&file);
}

static void
a_file_cut_anywhere_is_refused(void **state)
{
    struct buf file;
    size_t len;

    (void)state;
    age_of(64, &file);
    len = file.len;
    for (file.len = 0; file.len < len; file.len++) {
        if (file.len < HEAD) {
            struct buf opened;

            buf_init(&opened, 0);
            assert_err(ERR_SYNTAX, open_age(&file, 100, &opened));
            buf_done(&opened);
        } else {
            is_damaged_after(&file, 0, 64);
        }
    }
    buf_done(&file);
}

/* A cut at the end of a chunk leaves a file of whole chunks; the last of them is not marked so. */
static void
a_long_file_cut_anywhere_is_refused(void **state)
{
    static const size_t lens[] = {2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct buf file;
        size_t len;

        age_of(lens[i], &file);
        len = file.len;
        for (size_t c = 0; c < 4; c++) {
            for (size_t at = FRONT + c * SEALED - 18; at < FRONT + c * SEALED + 19; at++) {
                if (at < FRONT || at >= len)
                    continue;
                file.len = at;
                is_damaged_after(&file, at <= FRONT + SEALED ? 0 : (at - FRONT - 1) / SEALED,
                                 lens[i]);
            }
        }
        buf_done(&file);
    }
}

static void
a_file_that_goes_on_after_its_end_is_refused(void **state)
{
    static const size_t lens[] = {0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK};
    static const size_t more[] = {1, 16, 17, 100, CHUNK, SEALED};
    uint8_t *junk = plain_of(SEALED);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        for (size_t m = 0; m < ARRAY_LEN(more); m++) {
            struct buf file;

            age_of(lens[i], &file);
            assert_ok(buf_add(&file, junk, more[m]));
            is_damaged_after(&file, lens[i] == 0 ? 0 : (lens[i] - 1) / CHUNK, lens[i]);
            buf_done(&file);
        }
    }
    free(junk);
}

static void
a_file_followed_by_another_is_refused(void **state)
{
    struct buf file, other;

    (void)state;
    age_of(10, &file);
    age_of(10, &other);
    assert_ok(buf_add(&file, other.data, other.len));
    is_damaged_after(&file, 0, 10);
    buf_done(&file);
    buf_done(&other);
}

/* ---- chunks that are whole, but not where they belong ---- */

/* The front of `file` and these of its chunks, -1 for the end; in `ret`, set up here. */
static void
chunks_of(const struct buf *file, const int *chunks, struct buf *ret)
{
    buf_init(ret, SIZE_MAX / 2);
    assert_ok(buf_add(ret, file->data, FRONT));
    for (size_t i = 0; chunks[i] >= 0; i++) {
        size_t at = FRONT + (size_t)chunks[i] * SEALED, left = file->len - at;

        assert_ok(buf_add(ret, file->data + at, left < SEALED ? left : SEALED));
    }
}

static void
chunks_that_are_swapped_dropped_or_repeated_are_refused(void **state)
{
    static const struct {
        int chunks[6];
        size_t n_good;
    } cases[] = {
        {{1, 0, 2, 3, -1}, 0}, {{0, 2, 1, 3, -1}, 1},    {{0, 1, 3, 2, -1}, 2},
        {{1, 2, 3, -1}, 0},    {{0, 2, 3, -1}, 1},       {{0, 1, 3, -1}, 2},
        {{0, 1, 2, -1}, 2},    {{0, 0, 1, 2, 3, -1}, 1}, {{0, 1, 2, 2, 3, -1}, 3},
        {{3, -1}, 0},          {{0, 1, 2, 3, 3, -1}, 3}, {{-1}, 0},
    };
    static const int all[] = {0, 1, 2, 3, -1};
    static const size_t lens[] = {3 * CHUNK + 7, 4 * CHUNK};

    (void)state;
    for (size_t l = 0; l < ARRAY_LEN(lens); l++) {
        struct buf file, moved, opened;

        age_of(lens[l], &file);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            chunks_of(&file, cases[i].chunks, &moved);
            is_damaged_after(&moved, cases[i].n_good, lens[l]);
            buf_done(&moved);
        }
        chunks_of(&file, all, &moved);
        buf_init(&opened, lens[l]);
        assert_ok(open_age(&moved, CHUNK, &opened));
        buf_done(&opened);
        buf_done(&moved);
        buf_done(&file);
    }
}

static void
a_chunk_of_another_file_is_refused(void **state)
{
    struct buf file, other;

    (void)state;
    age_of(2 * CHUNK + 7, &file);
    age_of(2 * CHUNK + 7, &other);
    memcpy(file.data + FRONT + SEALED, other.data + FRONT + SEALED, SEALED);
    is_damaged_after(&file, 1, 2 * CHUNK + 7);
    buf_done(&file);
    buf_done(&other);
}

/* ---- payloads that no sealer makes, under the right key ---- */

/* A file of plain_of whose chunks have these lengths, the last marked so; -1 for the end. */
static void
forge(const long *lens, struct buf *ret)
{
    static const uint8_t start[AGE_START_LEN] = {1};
    struct secret *phrase = phrase_of("phrase"), *file_key = NULL;
    struct age_header h = {.work = 1};
    uint8_t text[FRONT], *plain = plain_of(MIB), *sealed = malloc(SEALED);
    EVP_CIPHER_CTX *aead = NULL;
    size_t n, at = 0;

    assert_non_null(sealed);
    assert_ok(secret_random(AGE_FILE_KEY_LEN, &file_key));
    assert_ok(age_wrap(phrase, file_key, &h));
    n = age_header_write(&h, text);
    assert_ok(age_header_mac(file_key, text, n, h.mac));
    n += age_header_write_mac(h.mac, text + n);
    assert_int_equal(HEAD, n);
    buf_init(ret, SIZE_MAX / 2);
    assert_ok(buf_add(ret, text, n));
    assert_ok(buf_add(ret, start, sizeof(start)));
    assert_ok(age_payload_new(file_key, start, AGE_SEAL, &aead));
    for (uint64_t i = 0; lens[i] >= 0; i++) {
        uint8_t nonce[AGE_NONCE_LEN];
        size_t len = (size_t)lens[i];

        age_chunk_nonce(i, lens[i + 1] < 0, nonce);
        assert_ok(age_aead_seal(aead, nonce, plain + at, len, sealed));
        assert_ok(buf_add(ret, sealed, len + AGE_TAG_LEN));
        at += len;
    }
    EVP_CIPHER_CTX_free(aead);
    secret_free(file_key);
    secret_free(phrase);
    free(plain);
    free(sealed);
}

static void
an_empty_last_chunk_is_refused_but_for_an_empty_file(void **state)
{
    static const long after_full[] = {CHUNK, 0, -1}, after_two[] = {CHUNK, CHUNK, 0, -1},
                      alone[] = {0, -1};
    struct buf file, opened;

    (void)state;
    forge(after_full, &file);
    is_damaged_after(&file, 1, MIB);
    buf_done(&file);
    forge(after_two, &file);
    is_damaged_after(&file, 2, MIB);
    buf_done(&file);
    forge(alone, &file);
    buf_init(&opened, 0);
    assert_ok(open_age(&file, 10, &opened));
    buf_done(&opened);
    buf_done(&file);
}

static void
a_short_chunk_that_is_not_the_last_is_refused(void **state)
{
    static const long short_first[] = {CHUNK - 1, CHUNK, 5, -1}, small[] = {10, 10, -1},
                      short_second[] = {CHUNK, CHUNK - 1, 1, -1}, empty_first[] = {0, 10, -1};
    static const long *const lens[] = {short_first, small, short_second, empty_first};
    static const size_t n_good[] = {0, 0, 1, 0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct buf file;

        forge(lens[i], &file);
        is_damaged_after(&file, n_good[i], MIB);
        buf_done(&file);
    }
}

/* What forge makes of chunks as they should be opens, so that the refusals above are for the
 * reason they claim. */
static void
a_forged_file_with_chunks_as_they_should_be_opens(void **state)
{
    static const long lens[] = {CHUNK, CHUNK, 1, -1};
    uint8_t *plain = plain_of(2 * CHUNK + 1);
    struct buf file, opened;

    (void)state;
    forge(lens, &file);
    buf_init(&opened, 2 * CHUNK + 1);
    assert_ok(open_age(&file, 1000, &opened));
    assert_int_equal(2 * CHUNK + 1, opened.len);
    assert_memory_equal(plain, opened.data, opened.len);
    buf_done(&opened);
    buf_done(&file);
    free(plain);
}

static void
a_source_that_has_refused_gives_nothing_more(void **state)
{
    struct secret *phrase = phrase_of("phrase");
    struct source *bytes = NULL, *plain = NULL;
    uint8_t piece[100];
    struct buf file;
    size_t n = 77;

    (void)state;
    age_of(40, &file);
    file.data[file.len - 1] ^= 1;
    assert_ok(source_of_bytes(file.data, file.len, &bytes));
    assert_ok(age_source_new(&bytes, phrase, 1, &plain));
    memset(piece, 0xee, sizeof(piece));
    for (int again = 0; again < 3; again++) { /* not allowed, but still no good end */
        assert_err(ERR_INTEGRITY, source_read(plain, piece, sizeof(piece), &n));
        assert_int_equal(77, n);
    }
    for (size_t i = 0; i < sizeof(piece); i++)
        assert_int_equal(0xee, piece[i]);
    source_free(plain);
    buf_done(&file);
    secret_free(phrase);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_with_any_bit_flipped_is_refused),
        cmocka_unit_test(a_changed_mac_is_damage_and_a_changed_wrapped_key_a_wrong_passphrase),
        cmocka_unit_test(a_long_file_with_a_bit_flipped_gives_the_chunks_before_it),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(a_long_file_cut_anywhere_is_refused),
        cmocka_unit_test(a_file_that_goes_on_after_its_end_is_refused),
        cmocka_unit_test(a_file_followed_by_another_is_refused),
        cmocka_unit_test(chunks_that_are_swapped_dropped_or_repeated_are_refused),
        cmocka_unit_test(a_chunk_of_another_file_is_refused),
        cmocka_unit_test(an_empty_last_chunk_is_refused_but_for_an_empty_file),
        cmocka_unit_test(a_short_chunk_that_is_not_the_last_is_refused),
        cmocka_unit_test(a_forged_file_with_chunks_as_they_should_be_opens),
        cmocka_unit_test(a_source_that_has_refused_gives_nothing_more),
    };

    return cmocka_run_group_tests(tests, set_up_heap, tear_down_heap);
}
