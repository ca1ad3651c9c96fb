/* SPDX-License-Identifier: Apache-2.0 */
/* What strangers' text may do to a terminal (nothing), and how sizes and spans read. */
#include "testing.h"

#include "base/buf.h"
#include "client/term.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
shown_as(const char *want, const char *text, size_t len, size_t max_chars)
{
    struct buf b;

    buf_init(&b, 4096);
    assert_ok(term_show(&b, text, len, max_chars));
    assert_string_equal(want, buf_text(&b));
    buf_done(&b);
}

#define SHOWN_AS(want, text) shown_as(want, text, sizeof(text) - 1, 1000)

static void
letters_of_all_scripts_are_shown_as_they_are(void **state)
{
    (void)state;
    SHOWN_AS("", "");
    SHOWN_AS("report 1.pdf ~", "report 1.pdf ~");
    SHOWN_AS("Z\xc3\xbcrich \xd0\x96 \xe6\xbc\xa2 \xf0\x9f\x98\x80",
             "Z\xc3\xbcrich \xd0\x96 \xe6\xbc\xa2 \xf0\x9f\x98\x80");
}

static void
every_control_character_becomes_a_question_mark(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 0x20; c++) {
        char one = (char)c;

        shown_as("?", &one, 1, 10);
    }
    SHOWN_AS("?", "\x7f");
    for (unsigned c = 0x80; c < 0xa0; c++) {
        char two[2] = {(char)0xc2, (char)c};

        shown_as("?", two, 2, 10);
    }
    SHOWN_AS("a?[31mb", "a\x1b[31mb");
    SHOWN_AS("\xc2\xa0", "\xc2\xa0"); /* the first one behind them */
}

static void
what_turns_or_hides_text_becomes_a_question_mark(void **state)
{
    (void)state;
    SHOWN_AS("a?fdp.exe", "a\xe2\x80\xae"
                          "fdp.exe"); /* U+202E */
    SHOWN_AS("????", "\xe2\x81\xa6\xe2\x81\xa9\xe2\x80\x8e\xe2\x80\x8f");
    SHOWN_AS("??", "\xe2\x80\xa8\xe2\x80\xa9");          /* line and paragraph separators */
    SHOWN_AS("???", "\xe2\x80\x8b\xef\xbb\xbf\xc2\xad"); /* no width */
    SHOWN_AS("??", "\xf3\xa0\x81\x81\xef\xbf\xbe");      /* a tag, a non-character */
    SHOWN_AS("\xe2\x80\x90\xe2\x80\xaf", "\xe2\x80\x90\xe2\x80\xaf"); /* beside them */
}

static void
bytes_that_are_no_utf8_become_question_marks(void **state)
{
    (void)state;
    SHOWN_AS("?", "\xff");
    SHOWN_AS("a?b", "a\xc3"
                    "b");
    SHOWN_AS("??", "\xc0\x9b");           /* an overlong escape */
    SHOWN_AS("???", "\xed\xa0\x80");      /* a surrogate */
    SHOWN_AS("??", "\xe6\xbc");           /* cut off */
    SHOWN_AS("????", "\xf4\x90\x80\x80"); /* above the last */
}

static void
long_text_is_cut_by_characters(void **state)
{
    (void)state;
    shown_as("abc", "abc", 3, 3);
    shown_as("ab...", "abc", 3, 2);
    shown_as("...", "a", 1, 0);
    shown_as("\xe6\xbc\xa2...", "\xe6\xbc\xa2\xe6\xbc\xa2", 6, 1);
}

static void
a_full_buffer_is_left_as_it_was(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 4);
    assert_ok(buf_add_text(&b, "ab"));
    assert_err(ERR_TOOBIG, term_show(&b, "cdefg", 5, 100));
    assert_string_equal("ab", buf_text(&b));
    buf_done(&b);
}

static void
the_widest_characters_fit_the_fixed_text(void **state)
{
    char text[4 * 500 + 1] = "", shown[TERM_SHOWN_LEN];

    (void)state;
    for (size_t i = 0; i < 500; i++)
        memcpy(text + 4 * i, "\xf0\x9f\x98\x80", 5);
    term_shown(text, shown);
    assert_int_equal(strlen(shown), TERM_SHOW_MAX * 4 + 3);
    assert_string_equal(shown + TERM_SHOW_MAX * 4, "...");
    term_shown("a\nb", shown);
    assert_string_equal(shown, "a?b");
}

static void
sizes_read_like_people_say_them(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } all[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {1024 * 1024 - 1, "1023.9 KiB"},
        {1024 * 1024, "1.0 MiB"},
        {5ULL << 30, "5.0 GiB"},
        {UINT64_MAX, "15.9 EiB"},
    };
    char text[TERM_SIZE_LEN];

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        term_size(all[i].bytes, text);
        assert_string_equal(text, all[i].text);
    }
}

static void
spans_read_like_a_clock(void **state)
{
    static const struct {
        int64_t s;
        const char *text;
    } all[] = {
        {-5, "0:00"},          {0, "0:00"},
        {59, "0:59"},          {60, "1:00"},
        {3599, "59:59"},       {3600, "1:00:00"},
        {360000, "100:00:00"}, {INT64_MAX, "2562047788015215:30:07"},
    };
    char text[TERM_SPAN_LEN];

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        term_span(all[i].s, text);
        assert_string_equal(text, all[i].text);
    }
}

/* What the messages below write to stderr. */
static size_t
messages(bool quiet, char *ret_text, size_t size)
{
    int pipe_fds[2], was;
    ssize_t n;

    assert_int_equal(pipe(pipe_fds), 0);
    (void)fflush(stderr);
    was = dup(STDERR_FILENO);
    assert_int_equal(dup2(pipe_fds[1], STDERR_FILENO), STDERR_FILENO);
    term_set_quiet(quiet);
    assert_int_equal(term_is_quiet(), quiet);
    term_note("%d downloads left", 2);
    term_fail("a\x1b"
              "b",
              "it cannot be read");
    term_fail(NULL, "no answer");
    assert_null(progress_new("Sending", 10)); /* no terminal */
    (void)fflush(stderr);
    term_set_quiet(false);
    assert_int_equal(dup2(was, STDERR_FILENO), STDERR_FILENO);
    (void)close(was);
    (void)close(pipe_fds[1]);
    n = read(pipe_fds[0], ret_text, size - 1);
    (void)close(pipe_fds[0]);
    assert_true(n >= 0);
    ret_text[n] = '\0';
    return (size_t)n;
}

static void
failures_are_told_even_when_notes_are_not(void **state)
{
    static const char failures[] = "mayfly: a?b: it cannot be read\nmayfly: no answer\n";
    char text[512];

    (void)state;
    (void)messages(true, text, sizeof(text));
    assert_string_equal(text, failures);
    (void)messages(false, text, sizeof(text));
    assert_memory_equal(text, "2 downloads left\n", 17);
    assert_string_equal(text + 17, failures);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_of_all_scripts_are_shown_as_they_are),
        cmocka_unit_test(every_control_character_becomes_a_question_mark),
        cmocka_unit_test(what_turns_or_hides_text_becomes_a_question_mark),
        cmocka_unit_test(bytes_that_are_no_utf8_become_question_marks),
        cmocka_unit_test(long_text_is_cut_by_characters),
        cmocka_unit_test(a_full_buffer_is_left_as_it_was),
        cmocka_unit_test(the_widest_characters_fit_the_fixed_text),
        cmocka_unit_test(sizes_read_like_people_say_them),
        cmocka_unit_test(spans_read_like_a_clock),
        cmocka_unit_test(failures_are_told_even_when_notes_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
