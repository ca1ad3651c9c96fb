/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what came is what was sent: every wrong byte, length and hash is found, and what the
 * download itself said comes through. */
#include "receive_testing.h"

static uint8_t got[LONG_LEN + 1];

/* ---- bytes ---- */

/* A download: these bytes, then the end or an error. */
struct download {
    struct source source;
    const uint8_t *bytes;
    size_t len, at, piece;
    enum err then;
};

static enum err
download_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct download *d = (struct download *)source;
    size_t n = d->len - d->at < cap ? d->len - d->at : cap;

    n = n < d->piece ? n : d->piece;
    if (n == 0 && d->then != ERR_OK)
        return err_set(d->then, "of the download");
    memcpy(ret_bytes, d->bytes + d->at, n);
    d->at += n;
    *ret_len = n;
    return ERR_OK;
}

static struct download
download_of(const void *bytes, size_t len, enum err then)
{
    static const struct source_ops ops = {download_read, NULL};

    return (struct download){{&ops}, bytes, len, 0, 5000, then};
}

/* Receive all of it; how many bytes came out is in `ret_len` also when it failed. */
static enum err
receive(struct download *d, const struct secret *passphrase, const struct received *r,
        size_t *ret_len)
{
    struct receive *receive = NULL;
    uint8_t hash[SHA256_LEN];
    uint64_t len = 0;
    size_t n = 1;
    enum err e = receive_new(&d->source, passphrase, r, NULL, &receive);

    *ret_len = 0;
    while (e == ERR_OK && n > 0) {
        n = 0;
        e = source_read(receive_source(receive), got + *ret_len, sizeof(got) - *ret_len, &n);
        *ret_len += n;
    }
    if (e == ERR_OK)
        e = receive_check(receive, hash, &len);
    if (e == ERR_OK) {
        uint8_t want[SHA256_LEN];

        assert_ok(crypt_sha256(got, *ret_len, want));
        assert_memory_equal(hash, want, sizeof(hash));
        assert_int_equal(len, *ret_len);
    }
    receive_free(receive);
    return e;
}

static enum err
receive_plain(const void *bytes, size_t len, const struct received *r)
{
    struct download d = download_of(bytes, len, ERR_OK);
    size_t n;

    return receive(&d, NULL, r, &n);
}

static void
a_plain_file_comes_through(void **state)
{
    static const size_t lens[] = {0, 1, 5000, 5001, LONG_LEN};
    struct received r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct net_file f = plain_file(lens[i]);

        assert_ok(receive_details(&f, NULL, &r));
        assert_ok(receive_plain(plain, lens[i], &r));
        assert_memory_equal(got, plain, lens[i]);
        r.size_bytes = UINT64_MAX; /* a proxy may not say it */
        assert_ok(receive_plain(plain, lens[i], &r));
    }
    receive_free(NULL);
}

static void
a_plain_file_of_another_hash_or_length_is_refused(void **state)
{
    struct net_file f = plain_file(1000);
    uint8_t bytes[1001];
    struct received r;

    (void)state;
    assert_ok(receive_details(&f, NULL, &r));
    assert_err(ERR_INTEGRITY, receive_plain(plain, 999, &r));
    assert_err(ERR_INTEGRITY, receive_plain(plain, 1001, &r));
    assert_err(ERR_INTEGRITY, receive_plain(plain, 0, &r));
    for (size_t i = 0; i < 1000; i += 111) {
        memcpy(bytes, plain, 1000);
        bytes[i] ^= 1;
        assert_err(ERR_INTEGRITY, receive_plain(bytes, 1000, &r));
    }
    r.size_bytes = UINT64_MAX;
    assert_err(ERR_INTEGRITY, receive_plain(plain, 999, &r));
    assert_ok(receive_plain(plain, 1000, &r));
}

static void
without_a_hash_the_length_still_counts(void **state)
{
    struct received r = {.size_bytes = 1000};

    (void)state;
    assert_err(ERR_INTEGRITY, receive_plain(plain, 999, &r));
    assert_err(ERR_INTEGRITY, receive_plain(plain, 1001, &r));
    assert_ok(receive_plain(plain, 1000, &r));
}

static void
what_is_too_long_is_not_read_to_its_end(void **state)
{
    struct download d = download_of(plain, LONG_LEN, ERR_OK);
    struct received r = {.size_bytes = 1000};
    size_t n;

    (void)state;
    assert_err(ERR_INTEGRITY, receive(&d, NULL, &r, &n));
    assert_int_equal(n, 0);
    assert_true(d.at <= 5000);
}

/* ---- age files ---- */

static struct secret *
passphrase_of(const struct share_code *c)
{
    struct secret *s = NULL;

    assert_ok(e2e_passphrase(c, &s));
    return s;
}

/* The age file of `len` bytes of `plain`, with little work; buf_done it. */
static void
seal(size_t len, struct buf *b)
{
    struct secret *key = passphrase_of(&code);
    struct sink *end = NULL, *sealer = NULL;

    buf_init(b, 1 << 20);
    assert_ok(sink_to_buf(b, &end));
    assert_ok(age_sealer_new(key, 1, &end, &sealer));
    assert_ok(sink_write(sealer, plain, len));
    assert_ok(sink_finish(sealer));
    sink_free(sealer);
    secret_free(key);
}

static enum err
receive_age(const struct buf *b, size_t len, enum err then, const struct received *r,
            size_t *ret_len)
{
    struct download d = download_of(b->data, len, then);
    struct secret *key = passphrase_of(&code);
    enum err e = receive(&d, key, r, ret_len);

    secret_free(key);
    return e;
}

static void
an_end_to_end_file_comes_through(void **state)
{
    static const size_t lens[] = {0, 1, AGE_CHUNK_LEN, LONG_LEN};
    struct received r;
    struct buf b;
    size_t n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct net_file f = sealed_file(lens[i], "x");

        seal(lens[i], &b);
        assert_ok(receive_details(&f, &code, &r));
        assert_ok(receive_age(&b, b.len, ERR_OK, &r, &n));
        assert_int_equal(n, lens[i]);
        assert_memory_equal(got, plain, n);
        f.meta[0] = '\0';
        assert_ok(receive_details(&f, &code, &r));
        assert_ok(receive_age(&b, b.len, ERR_OK, &r, &n));
        buf_done(&b);
    }
}

static void
a_wrong_byte_anywhere_is_found_and_nothing_unproven_comes_out(void **state)
{
    struct received r = {.size_bytes = UINT64_MAX};
    struct buf b;
    size_t n;

    (void)state;
    seal(LONG_LEN, &b);
    for (size_t at = 0; at < b.len; at += at < 200 ? 7 : 9973) {
        b.data[at] ^= 1;
        assert_err(ERR_INTEGRITY, receive_age(&b, b.len, ERR_OK, &r, &n));
        assert_memory_equal(got, plain, n);
        b.data[at] ^= 1;
    }
    b.data[b.len - 1] ^= 0x80;
    assert_err(ERR_INTEGRITY, receive_age(&b, b.len, ERR_OK, &r, &n));
    b.data[b.len - 1] ^= 0x80;
    assert_ok(receive_age(&b, b.len, ERR_OK, &r, &n));
    buf_done(&b);
}

static void
a_cut_file_is_found_and_so_is_one_that_is_no_age_file(void **state)
{
    struct received r = {.size_bytes = UINT64_MAX};
    struct buf b;
    size_t n;

    (void)state;
    seal(LONG_LEN, &b);
    for (size_t len = 0; len < b.len; len += len < 200 ? 13 : 20011)
        assert_err(ERR_INTEGRITY, receive_age(&b, len, ERR_OK, &r, &n));
    assert_err(ERR_INTEGRITY, receive_age(&b, b.len - 1, ERR_OK, &r, &n));
    assert_ok(buf_add(&b, "x", 1));
    assert_err(ERR_INTEGRITY, receive_age(&b, b.len, ERR_OK, &r, &n));
    memset(b.data, 'x', b.len);
    assert_err(ERR_INTEGRITY, receive_age(&b, b.len, ERR_OK, &r, &n));
    assert_int_equal(n, 0);
    buf_done(&b);
}

static void
a_file_that_is_not_the_one_of_the_metadata_is_refused(void **state)
{
    struct net_file f = sealed_file(LONG_LEN - 1, "x");
    struct received r;
    struct buf b;
    size_t n;

    (void)state;
    seal(LONG_LEN, &b);
    assert_ok(receive_details(&f, &code, &r));
    assert_err(ERR_INTEGRITY, receive_age(&b, b.len, ERR_OK, &r, &n)); /* longer */
    r.size_bytes = LONG_LEN;
    assert_err(ERR_INTEGRITY, receive_age(&b, b.len, ERR_OK, &r, &n)); /* another hash */
    r.size_bytes = LONG_LEN + 1;
    assert_err(ERR_INTEGRITY, receive_age(&b, b.len, ERR_OK, &r, &n)); /* shorter */
    buf_done(&b);
}

static void
a_file_under_other_words_is_not_what_was_sent(void **state)
{
    struct received r = {.size_bytes = UINT64_MAX};
    struct secret *wrong = passphrase_of(&other);
    struct download d;
    struct buf b;
    size_t n;

    (void)state;
    seal(100, &b);
    d = download_of(b.data, b.len, ERR_OK);
    assert_err(ERR_INTEGRITY, receive(&d, wrong, &r, &n));
    assert_int_equal(n, 0);
    secret_free(wrong);
    buf_done(&b);
}

static void
a_file_that_asks_for_too_much_work_is_refused_at_once(void **state)
{
    struct received r = {.size_bytes = UINT64_MAX};
    struct buf b;
    size_t n;
    char *work;

    (void)state;
    seal(100, &b);
    work = memmem(b.data, b.len, " 1\n", 3);
    assert_non_null(work);
    work[1] = '2'; /* a MAC of another header, but that would be seen only later */
    assert_err(ERR_INTEGRITY, receive_age(&b, b.len, ERR_OK, &r, &n));
    buf_done(&b);
    buf_init(&b, 1000);
    assert_ok(buf_add_text(&b, "age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 20\n"
                               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
                               "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"));
    assert_err(ERR_INTEGRITY, receive_age(&b, b.len, ERR_OK, &r, &n));
    assert_non_null(strstr(err_sentence(), "memory"));
    buf_done(&b);
}

static void
what_the_download_says_comes_through_wherever_it_breaks(void **state)
{
    static const enum err errors[] = {ERR_CLOSED, ERR_TIMEOUT, ERR_SYNTAX,
                                      ERR_DENIED, ERR_TOOBIG,  ERR_GONE};
    struct received r = {.size_bytes = UINT64_MAX};
    struct buf b;
    size_t n, i = 0;

    (void)state;
    seal(LONG_LEN, &b);
    for (size_t len = 0; len <= b.len; len += len < 200 ? 11 : 30011, i++) {
        enum err then = errors[i % ARRAY_LEN(errors)];
        struct download d = download_of(plain, len < LONG_LEN ? len : LONG_LEN, then);

        assert_err(then, receive_age(&b, len, then, &r, &n));
        assert_string_equal(err_sentence(), "of the download");
        assert_memory_equal(got, plain, n);
        assert_err(then, receive(&d, NULL, &r, &n));
        assert_string_equal(err_sentence(), "of the download");
    }
    buf_done(&b);
}

/* The same file as text: its errors are those of a form, which the download has too. */
static void
armor(struct buf *b)
{
    size_t n = 0, len = b->len;
    uint8_t text[64];
    struct buf a;

    buf_init(&a, 2 << 20);
    assert_ok(buf_add_text(&a, "-----BEGIN AGE ENCRYPTED FILE-----\n"));
    for (size_t at = 0; at < len; at += 48) {
        n = b64_encode(b->data + at, len - at < 48 ? len - at : 48, text);
        assert_ok(buf_add(&a, text, n));
        assert_ok(buf_add_text(&a, n % 4 == 2 ? "==\n" : n % 4 == 3 ? "=\n" : "\n"));
    }
    assert_ok(buf_add_text(&a, "-----END AGE ENCRYPTED FILE-----\n"));
    buf_done(b);
    *b = a;
}

static void
an_armored_file_comes_through_and_so_does_what_the_download_says(void **state)
{
    struct received r = {.size_bytes = UINT64_MAX};
    struct buf b;
    size_t n;

    (void)state;
    seal(LONG_LEN, &b);
    armor(&b);
    assert_ok(receive_age(&b, b.len, ERR_OK, &r, &n));
    assert_int_equal(n, LONG_LEN);
    assert_err(ERR_INTEGRITY, receive_age(&b, b.len / 2, ERR_OK, &r, &n));
    assert_err(ERR_SYNTAX, receive_age(&b, b.len / 2, ERR_SYNTAX, &r, &n));
    assert_string_equal(err_sentence(), "of the download");
    b.data[b.len / 2] = '!';
    assert_err(ERR_INTEGRITY, receive_age(&b, b.len, ERR_OK, &r, &n));
    buf_done(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_file_comes_through),
        cmocka_unit_test(a_plain_file_of_another_hash_or_length_is_refused),
        cmocka_unit_test(without_a_hash_the_length_still_counts),
        cmocka_unit_test(what_is_too_long_is_not_read_to_its_end),
        cmocka_unit_test(an_end_to_end_file_comes_through),
        cmocka_unit_test(a_wrong_byte_anywhere_is_found_and_nothing_unproven_comes_out),
        cmocka_unit_test(a_cut_file_is_found_and_so_is_one_that_is_no_age_file),
        cmocka_unit_test(a_file_that_is_not_the_one_of_the_metadata_is_refused),
        cmocka_unit_test(a_file_under_other_words_is_not_what_was_sent),
        cmocka_unit_test(a_file_that_asks_for_too_much_work_is_refused_at_once),
        cmocka_unit_test(what_the_download_says_comes_through_wherever_it_breaks),
        cmocka_unit_test(an_armored_file_comes_through_and_so_does_what_the_download_says),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
