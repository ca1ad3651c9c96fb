/* SPDX-License-Identifier: Apache-2.0 */
/* buf: bytes that grow up to a ceiling, and no further; and errors that keep one sentence. */
#include "testing.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

static void
an_empty_buffer_is_an_empty_text(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    assert_string_equal("", buf_text(&b));
    assert_null(b.data);
    assert_ok(buf_add(&b, "", 0));
    assert_string_equal("", buf_text(&b));
    buf_done(&b);
    buf_done(&b); /* twice is as good as once */
    assert_int_equal(10, b.max);
}

static void
what_is_added_stands_in_its_order(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    assert_ok(buf_add_text(&b, "one "));
    assert_ok(buf_add(&b, "t\0wo", 4));
    assert_ok(buf_addf(&b, " %s %d", "three", 4));
    assert_int_equal(16, b.len);
    assert_memory_equal("one t\0wo three 4", b.data, 17); /* and the NUL */
    buf_done(&b);
    assert_int_equal(0, b.len);
}

static void
a_buffer_takes_its_ceiling_and_not_a_byte_more(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 5);
    assert_ok(buf_add(&b, "abcde", 5));
    assert_err(ERR_TOOBIG, buf_add(&b, "f", 1));
    assert_err(ERR_TOOBIG, buf_add_text(&b, "f"));
    assert_err(ERR_TOOBIG, buf_addf(&b, "%d", 7));
    assert_ok(buf_add(&b, "", 0));
    assert_string_equal("abcde", buf_text(&b));
    buf_done(&b);
    assert_err(ERR_TOOBIG, buf_add(&b, "abcdef", 6)); /* nothing of it is taken */
    assert_string_equal("", buf_text(&b));
    buf_done(&b);
}

static void
a_buffer_with_ceiling_nothing_takes_nothing(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    assert_ok(buf_add_text(&b, ""));
    assert_err(ERR_TOOBIG, buf_add_text(&b, "x"));
    assert_string_equal("", buf_text(&b));
    buf_done(&b);
}

static void
a_buffer_without_bounds_still_counts_right(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX);
    assert_ok(buf_add(&b, "abc", 3));
    assert_err(ERR_TOOBIG, buf_add(&b, "abc", SIZE_MAX - 3));
    assert_err(ERR_TOOBIG, buf_add(&b, "abc", SIZE_MAX));
    assert_string_equal("abc", buf_text(&b));
    buf_done(&b);
}

static void
growing_keeps_every_byte_and_little_more_memory(void **state)
{
    enum { N = 70000 };
    struct buf b;

    (void)state;
    buf_init(&b, N);
    for (int i = 0; i < N; i++) {
        uint8_t byte = (uint8_t)(i * 7);

        assert_ok(buf_add(&b, &byte, 1));
        assert_true(b.cap <= N + 1);
        assert_int_equal(0, b.data[b.len]);
    }
    for (int i = 0; i < N; i++)
        assert_int_equal((uint8_t)(i * 7), b.data[i]);
    buf_done(&b);
}

/* ---- err ---- */

static void
the_last_sentence_is_kept(void **state)
{
    (void)state;
    assert_int_equal(ERR_IO, err_set(ERR_IO, "disk %d", 7));
    assert_string_equal("disk 7", err_sentence());
    assert_int_equal(ERR_GONE, err_set(ERR_GONE, "gone"));
    assert_string_equal("gone", err_sentence());
}

static void
a_sentence_may_hold_the_one_before(void **state)
{
    char want[64] = "inner";

    (void)state;
    (void)err_set(ERR_SYNTAX, "inner");
    for (int i = 0; i < 3; i++) {
        (void)err_set(ERR_SYNTAX, "outer: %s", err_sentence());
        memmove(want + 7, want, strlen(want) + 1);
        memcpy(want, "outer: ", 7);
    }
    assert_string_equal(want, err_sentence());
}

static void
a_sentence_that_is_too_long_is_cut(void **state)
{
    char text[400];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)err_set(ERR_SYNTAX, "%s", text);
    assert_int_equal(255, strlen(err_sentence()));
}

static void
every_error_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_N; i++) {
        assert_non_null(err_name((enum err)i));
        assert_string_not_equal("?", err_name((enum err)i));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(err_name((enum err)k), err_name((enum err)i));
    }
    assert_string_equal("NOTFOUND", err_name(ERR_NOTFOUND));
    assert_string_equal("?", err_name(ERR_N));
    assert_string_equal("?", err_name((enum err)1000));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_an_empty_text),
        cmocka_unit_test(what_is_added_stands_in_its_order),
        cmocka_unit_test(a_buffer_takes_its_ceiling_and_not_a_byte_more),
        cmocka_unit_test(a_buffer_with_ceiling_nothing_takes_nothing),
        cmocka_unit_test(a_buffer_without_bounds_still_counts_right),
        cmocka_unit_test(growing_keeps_every_byte_and_little_more_memory),
        cmocka_unit_test(the_last_sentence_is_kept),
        cmocka_unit_test(a_sentence_may_hold_the_one_before),
        cmocka_unit_test(a_sentence_that_is_too_long_is_cut),
        cmocka_unit_test(every_error_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
