/* SPDX-License-Identifier: Apache-2.0 */
/* multipart/form-data, as curl, browsers and libraries send it and as nobody should. */
#include "forms.h"

/* ---- forms ---- */

static void
parts_come_in_their_order(void **state)
{
    (void)state;
    assert_form("--XbX\r\n" CD "name=\"expiry\"\r\n\r\n15\r\n"
                "--XbX\r\n" CD "name=\"file\"; filename=\"a.txt\"\r\n"
                "Content-Type: text/plain\r\n\r\nhello\r\nworld\r\n\r\n"
                "--XbX\r\n" CD "name=\"uses\"\r\n\r\n2\r\n--XbX--\r\n",
                "<expiry>15.<file|a.txt>hello\r\nworld\r\n.<uses>2.");
}

static void
a_part_may_be_empty(void **state)
{
    (void)state;
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n\r\n--XbX--", "<a>.");
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n--XbX--", "<a>."); /* RFC 2046: no body at all */
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n--XbX\r\n" CD "name=b\r\n\r\n\r\n--XbX--",
                "<a>.<b>.");
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n\r\n\r\n--XbX--", "<a>\r\n.");
}

static void
a_form_may_have_no_part_but_must_have_an_end(void **state)
{
    (void)state;
    assert_form("--XbX--", "");
    assert_form("--XbX--\r\n", "");
    assert_refused("");
    assert_refused("\r\n");
    assert_refused("--XbX");
    assert_refused("--XbX-");
    assert_refused("--XbX\r\n");
    assert_refused("--XbX--\r");
}

static void
what_only_begins_like_a_boundary_is_data(void **state)
{
    (void)state;
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n-\r\n--XbX--", "<a>-.");
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n--Xb\r\n--XbX--", "<a>--Xb.");
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n\r\n--Xb\r\r\n--Xb\r\n--X\r\n--XbX--",
                "<a>\r\n--Xb\r\r\n--Xb\r\n--X.");
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n\r\r\n\n--XbX\n--XbX--\r\n--XbX--",
                "<a>\r\r\n\n--XbX\n--XbX--.");
    assert_form("--XbX\r\n" CD "name=a\r\n\r\nx--XbX--\r\n--xbx--\r\n--XbX--",
                "<a>x--XbX--\r\n--xbx--.");
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n\r\n\r\n\r\n--XbX--", "<a>\r\n\r\n.");
}

static void
a_boundary_that_goes_on_otherwise_is_refused(void **state)
{
    (void)state;
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbXy\r\n--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX-\r\n--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX-x\r\n--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX \t--\r\n");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX--x\r\n");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX---\r\n");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX--\n");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX--\rx");
    assert_refused("--XbX\n" CD "name=a\r\n\r\nx\r\n--XbX--");
    assert_refused("--XbX\rx" CD "name=a\r\n\r\nx\r\n--XbX--");
    assert_refused("--XbXy\r\n--XbX--");
}

static void
only_crlf_ends_a_line(void **state)
{
    (void)state;
    assert_refused("--XbX\n" CD "name=a\n\nx\n--XbX--\n");
    assert_refused("--XbX\r\n" CD "name=a\n\r\nx\r\n--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\r\n\nx\r\n--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\r\nX: yz\n\r\nx\r\n--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\n--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\rX: y\r\n\r\nx\r\n--XbX--");
}

static void
blanks_may_follow_a_boundary(void **state)
{
    (void)state;
    assert_form("--XbX \t \r\n" CD "name=a\r\n\r\nx\r\n--XbX\t\r\n" CD "name=b\r\n\r\ny"
                "\r\n--XbX-- \t\r\n",
                "<a>x.<b>y.");
    assert_form("--XbX-- ", "");
}

static void
preamble_and_epilogue_are_ignored(void **state)
{
    (void)state;
    assert_form("This is\r\n--Xb\r\nno part.\r\n--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX--\r\n"
                "nor this\r\n--XbX\r\n" CD "name=b\r\n\r\ny\r\n--XbX--",
                "<a>x.");
    assert_form("\r\n--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX--", "<a>x.");
    assert_refused("x--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX--x");
}

static void
what_is_ignored_has_a_ceiling(void **state)
{
    const size_t max = MULTIPART_SKIP_MAX;

    (void)state;
    assert_filled("", 'p', max, "\r\n--XbX--", ERR_OK);
    assert_filled("", 'p', max + 1, "\r\n--XbX--", ERR_SYNTAX);
    assert_filled("--XbX--\r\n", 'e', max, "", ERR_OK);
    assert_filled("--XbX--\r\n", 'e', max + 1, "", ERR_SYNTAX);
    assert_filled("--XbX", ' ', max, "\r\n" CD "name=a\r\n\r\n--XbX--", ERR_OK);
    assert_filled("--XbX", ' ', max + 1, "\r\n" CD "name=a\r\n\r\n--XbX--", ERR_SYNTAX);
    assert_filled("--XbX--", ' ', max, "\r\n", ERR_OK);
    assert_filled("--XbX--", ' ', max + 1, "\r\n", ERR_SYNTAX);
}

static void
data_of_any_size_and_kind_passes_whole(void **state)
{
    static const char front[] = "--XbX\r\n" CD "name=a\r\n\r\n", back[] = "\r\n--XbX--\r\n";
    static const size_t steps[] = {1, 2, 5, 64, 1000, 65536};
    enum { N = 100000 };
    size_t front_len = sizeof(front) - 1, len = front_len + N + sizeof(back) - 1;
    char *body = malloc(len);
    uint32_t x = 1;

    (void)state;
    assert_non_null(body);
    memcpy(body, front, front_len);
    for (size_t i = 0; i < N; i++) { /* mostly bytes of the delimiter, some NUL and 0xff */
        x = x * 1664525 + 1013904223;
        body[front_len + i] = "\r\n-Xb\0\xff\r\n-"[(x >> 16) % 10];
        if (i >= 4 && memcmp(body + front_len + i - 4, "--XbX", 5) == 0)
            body[front_len + i] = 'Y';
    }
    memcpy(body + front_len + N, back, sizeof(back) - 1);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct recorder r;

        recorder_init(&r);
        assert_ok(run(TYPE, body, len, steps[i], steps[i], &r));
        assert_int_equal(r.log.len, N + 4);
        assert_memory_equal(r.log.data + 3, body + front_len, N);
        buf_done(&r.log);
    }
    free(body);
}

/* ---- errors ---- */

static void
the_error_of_an_event_ends_all(void **state)
{
    static const char body[] =
        "--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX\r\n" CD "name=b\r\n\r\ny\r\n--XbX--";

    (void)state;
    for (int at = 1; at <= 6; at++) {
        struct recorder r;

        recorder_init(&r);
        r.fail_at = at;
        assert_err(ERR_NOSPACE, run(TYPE, body, sizeof(body) - 1, 1, 1, &r));
        assert_int_equal(r.n, at);
        buf_done(&r.log);
    }
}

static void
nothing_goes_on_after_an_error(void **state)
{
    static const char bad[] = "--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX!",
                      more[] = "\r\n--XbX--\r\n";
    struct multipart_events ev = events;
    struct multipart *m = NULL;
    struct recorder r;

    (void)state;
    recorder_init(&r);
    ev.ctx = &r;
    assert_ok(multipart_new(TYPE, &ev, &m));
    assert_err(ERR_SYNTAX, multipart_push(m, (const uint8_t *)bad, sizeof(bad) - 1));
    assert_err(ERR_SYNTAX, multipart_push(m, (const uint8_t *)more, sizeof(more) - 1));
    assert_err(ERR_SYNTAX, multipart_finish(m));
    assert_string_equal(buf_text(&r.log), "<a>x"); /* its end was not told */
    multipart_free(m);
    buf_done(&r.log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_come_in_their_order),
        cmocka_unit_test(a_part_may_be_empty),
        cmocka_unit_test(a_form_may_have_no_part_but_must_have_an_end),
        cmocka_unit_test(what_only_begins_like_a_boundary_is_data),
        cmocka_unit_test(a_boundary_that_goes_on_otherwise_is_refused),
        cmocka_unit_test(only_crlf_ends_a_line),
        cmocka_unit_test(blanks_may_follow_a_boundary),
        cmocka_unit_test(preamble_and_epilogue_are_ignored),
        cmocka_unit_test(what_is_ignored_has_a_ceiling),
        cmocka_unit_test(data_of_any_size_and_kind_passes_whole),
        cmocka_unit_test(the_error_of_an_event_ends_all),
        cmocka_unit_test(nothing_goes_on_after_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
