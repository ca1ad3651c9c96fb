/* SPDX-License-Identifier: Apache-2.0 */
/* A pipe that is read from its beginning again. */
#include "testing.h"

#include "client/replay.h"
#include "crypt/age.h"

#include <stdlib.h>
#include <string.h>

enum { LONG_LEN = 3 * REPLAY_MAX };

static uint8_t long_bytes[LONG_LEN], got[LONG_LEN];

static int
set_up(void **state)
{
    bool locked;

    (void)state;
    for (size_t i = 0; i < LONG_LEN; i++)
        long_bytes[i] = (uint8_t)(i * 7 + i / 251);
    return crypt_init(&locked) == ERR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    crypt_done();
    return 0;
}

static struct replay *
over(struct source *below)
{
    struct replay *r = NULL;

    assert_ok(replay_new(below, &r));
    return r;
}

static struct source *
bytes(size_t len)
{
    struct source *s = NULL;

    assert_ok(source_of_bytes(long_bytes, len, &s));
    return s;
}

/* Read up to `max` bytes, `piece` at a time; how many there were. */
static size_t
read_up_to(struct source *s, size_t max, size_t piece)
{
    size_t len = 0, n = 1;

    while (len < max && n > 0) {
        size_t cap = max - len < piece ? max - len : piece;

        assert_ok(source_read(s, got + len, cap, &n));
        len += n;
    }
    return len;
}

static void
each_source_begins_at_the_beginning(void **state)
{
    struct source *below = bytes(LONG_LEN), *s = NULL;
    struct replay *r = over(below);

    (void)state;
    for (size_t part = 0; part <= REPLAY_MAX; part += 4096) {
        assert_ok(replay_source(r, &s));
        assert_int_equal(read_up_to(s, part, 1000), part);
        assert_memory_equal(got, long_bytes, part);
        source_free(s);
    }
    assert_ok(replay_source(r, &s));
    assert_int_equal(read_up_to(s, LONG_LEN, 70000), LONG_LEN);
    assert_memory_equal(got, long_bytes, LONG_LEN);
    assert_int_equal(read_up_to(s, 1, 1), 0);
    source_free(s);
    replay_free(r);
    source_free(below);
}

static void
one_byte_too_many_and_it_cannot_begin_again(void **state)
{
    struct source *below = bytes(LONG_LEN), *s = NULL, *no = NULL;
    struct replay *r = over(below);

    (void)state;
    assert_ok(replay_source(r, &s));
    assert_int_equal(read_up_to(s, REPLAY_MAX, 4096), REPLAY_MAX);
    source_free(s);
    assert_ok(replay_source(r, &s));
    assert_int_equal(read_up_to(s, REPLAY_MAX + 1, 4096), REPLAY_MAX + 1);
    assert_err(ERR_TOOBIG, replay_source(r, &no));
    assert_null(no);
    assert_int_equal(read_up_to(s, LONG_LEN, 4096), LONG_LEN - REPLAY_MAX - 1);
    assert_memory_equal(got, long_bytes + REPLAY_MAX + 1, LONG_LEN - REPLAY_MAX - 1);
    source_free(s);
    replay_free(r);
    source_free(below);
}

static void
a_read_across_the_limit_is_whole(void **state)
{
    struct source *below = bytes(LONG_LEN), *s = NULL;
    struct replay *r = over(below);

    (void)state;
    assert_ok(replay_source(r, &s));
    assert_int_equal(read_up_to(s, 100, 100), 100);
    assert_int_equal(read_up_to(s, LONG_LEN, LONG_LEN), LONG_LEN - 100);
    assert_memory_equal(got, long_bytes + 100, LONG_LEN - 100);
    source_free(s);
    replay_free(r);
    source_free(below);
}

static void
after_stop_what_was_kept_is_still_given_first(void **state)
{
    struct source *below = bytes(LONG_LEN), *s = NULL, *no = NULL;
    struct replay *r = over(below);

    (void)state;
    assert_ok(replay_source(r, &s));
    assert_int_equal(read_up_to(s, 5000, 5000), 5000);
    source_free(s);
    assert_ok(replay_source(r, &s));
    replay_stop(r);
    assert_err(ERR_TOOBIG, replay_source(r, &no));
    assert_int_equal(read_up_to(s, LONG_LEN, 512), LONG_LEN);
    assert_memory_equal(got, long_bytes, LONG_LEN);
    source_free(s);
    replay_free(r);
    source_free(below);
}

static void
what_is_short_or_empty_ends_each_time(void **state)
{
    struct source *below = bytes(3), *s = NULL;
    struct replay *r = over(below);

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_ok(replay_source(r, &s));
        assert_int_equal(read_up_to(s, 10, 10), 3);
        assert_int_equal(read_up_to(s, 10, 10), 0);
        source_free(s);
    }
    replay_free(r);
    source_free(below);
    replay_free(NULL);
}

static enum err
fails(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    static int n;

    (void)s;
    (void)cap;
    if (n++ > 0)
        return err_set(n == 2 ? ERR_IO : ERR_NOMEM, "broken");
    ret_bytes[0] = 'x';
    *ret_len = 1;
    return ERR_OK;
}

static void
an_error_below_comes_again(void **state)
{
    static const struct source_ops ops = {fails, NULL};
    struct source below = {&ops}, *s = NULL;
    struct replay *r = over(&below);
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_ok(replay_source(r, &s));
        assert_ok(source_read(s, got, 10, &n));
        assert_int_equal(n, 1);
        assert_err(ERR_IO, source_read(s, got, 10, &n));
        source_free(s);
    }
    replay_free(r);
}

/* An age file of `len` bytes for "right". */
static void
seal(size_t len, struct buf *b)
{
    struct secret *key = NULL;
    struct sink *end = NULL, *sealer = NULL;

    buf_init(b, 1 << 20);
    assert_ok(secret_copy("right", 5, &key));
    assert_ok(sink_to_buf(b, &end));
    assert_ok(age_sealer_new(key, 1, &end, &sealer));
    assert_ok(sink_write(sealer, long_bytes, len));
    assert_ok(sink_finish(sealer));
    sink_free(sealer);
    secret_free(key);
}

static enum err
open_with(struct replay *r, const char *passphrase, struct source **ret_plain)
{
    struct secret *key = NULL;
    struct source *file = NULL;
    enum err e;

    assert_ok(secret_copy(passphrase, strlen(passphrase), &key));
    assert_ok(replay_source(r, &file));
    e = age_source_new(&file, key, AGE_WORK_MAX, ret_plain);
    assert_null(file);
    secret_free(key);
    return e;
}

static void
a_second_passphrase_opens_an_age_file_from_a_pipe(void **state)
{
    struct source *below = NULL, *plain = NULL;
    struct replay *r;
    struct buf b;

    (void)state;
    seal(LONG_LEN, &b);
    assert_ok(source_of_bytes(b.data, b.len, &below));
    r = over(below);
    assert_err(ERR_DENIED, open_with(r, "wrong", &plain));
    assert_err(ERR_DENIED, open_with(r, "wrong too", &plain));
    assert_ok(open_with(r, "right", &plain));
    replay_stop(r);
    assert_int_equal(read_up_to(plain, LONG_LEN, 10000), LONG_LEN);
    assert_memory_equal(got, long_bytes, LONG_LEN);
    assert_int_equal(read_up_to(plain, 1, 1), 0);
    source_free(plain);
    replay_free(r);
    source_free(below);
    buf_done(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_source_begins_at_the_beginning),
        cmocka_unit_test(one_byte_too_many_and_it_cannot_begin_again),
        cmocka_unit_test(a_read_across_the_limit_is_whole),
        cmocka_unit_test(after_stop_what_was_kept_is_still_given_first),
        cmocka_unit_test(what_is_short_or_empty_ends_each_time),
        cmocka_unit_test(an_error_below_comes_again),
        cmocka_unit_test(a_second_passphrase_opens_an_age_file_from_a_pipe),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
