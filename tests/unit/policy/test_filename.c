/* SPDX-License-Identifier: Apache-2.0 */
/* filename_clean: a table of hostile names and what is left of them, the cut at 255 bytes, and
 * what must hold for any bytes at all. */
#include "testing.h"

#include "base/mem.h"
#include "base/rnd.h"
#include "base/text.h"
#include "policy/filename.h"

#include <stdbool.h>
#include <string.h>

static void
becomes(const char *raw, size_t len, const char *want)
{
    char name[FILENAME_TEXT_LEN];

    filename_clean(raw, len, name);
    if (strcmp(want, name) != 0)
        fail_msg("\"%s\" became \"%s\", not \"%s\"", raw, name, want);
}

static void
ordinary_names_stay_as_they_are(void **state)
{
    static const char *const names[] = {
        "report.pdf",
        "archive.tar.gz",
        "no extension",
        "r\xc3\xa9sum\xc3\xa9.pdf",
        "\xe6\x8a\xa5\xe5\x91\x8a.docx",
        "\xd8\xaa\xd9\x82\xd8\xb1\xd9\x8a\xd8\xb1.txt",
        "\xf0\x9f\x90\x9d mayfly.png",
        ".bashrc",
        "a",
        "x.",
        "..data",
        "100% (final) [v2] #3 + 'it' = \"x\" ~ ! @ ^ * ? { } , : _ -.txt",
        "-rf",
        "e\xcc\x81", /* a combining accent */
        "\xc2\xa0",  /* a no-break space */
        "\xef\xbf\xbd",
        "\xf4\x8f\xbf\xbd",
        "\xe2\x80\x8d\xe2\x80\x90", /* beside the direction marks: U+200D, U+2010 */
        "\xe2\x80\xa9\xe2\x80\xaf", /* U+2029, U+202F */
        "\xe2\x81\xa5\xe2\x81\xaa", /* U+2065, U+206A */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        becomes(names[i], strlen(names[i]), names[i]);
}

struct hostile {
    const char *raw;
    const char *clean;
};

static const struct hostile hostiles[] = {
    /* folders */
    {"../../etc/passwd", "passwd"},
    {"/etc/shadow", "shadow"},
    {"..\\..\\windows\\system32\\cmd.exe", "cmd.exe"},
    {"C:\\Users\\me\\report.pdf", "report.pdf"},
    {"\\\\server\\share\\x.doc", "x.doc"},
    {"a/b\\c/d.txt", "d.txt"},
    {"a\\b/c\\d.txt", "d.txt"},
    {"/", "file"},
    {"\\", "file"},
    {"folder/", "file"},
    {"folder\\", "file"},
    {"../", "file"},
    {"..\\", "file"},
    {"//x", "x"},
    {"./x", "x"},
    {"~/x", "x"},
    {"a/..", "file"},
    {"x/\xc0\xaf"
     "y",
     "y"}, /* an overlong slash is no slash, and no character */
    {"a\xe2\x88\x95"
     "b",
     "a\xe2\x88\x95"
     "b"}, /* U+2215 only looks like one */
    /* nothing left */
    {"", "file"},
    {".", "file"},
    {"..", "file"},
    {"...", "file"},
    {" ", "file"},
    {" . ", "file"},
    {". .", "file"},
    {";", "file"},
    {"\x01\x02", "file"},
    {"\xff\xfe", "file"},
    {"<>", "file"},
    {"..;", "file"},
    {".\xe2\x80\xae.", "file"},
    /* the shell */
    {"x;rm -rf ~", "xrm -rf ~"},
    {"x|y", "xy"},
    {"x&y", "xy"},
    {"$HOME", "HOME"},
    {"$(reboot)", "(reboot)"},
    {"`id`.txt", "id.txt"},
    {"<script>.html", "script.html"},
    {"a<b>c", "abc"},
    {"a&&b||c;d", "abcd"},
    {"<img src=x onerror=alert(1)>", "img src=x onerror=alert(1)"},
    /* control characters */
    {"a\nb", "ab"},
    {"a\r\nSet-Cookie: x=y", "aSet-Cookie: x=y"},
    {"a\tb.txt", "ab.txt"},
    {"a\x1b[31mred", "a[31mred"},
    {"a\x7f"
     "b",
     "ab"},
    {"a\xc2\x80"
     "b\xc2\x9b"
     "31m\xc2\x9f",
     "ab31m"}, /* C1 */
    {"a\xc2\x85"
     "b",
     "ab"},
    {"a\bb", "ab"},
    /* direction */
    {"invoice\xe2\x80\xae"
     "fdp.exe",
     "invoicefdp.exe"},
    {"\xe2\x80\x8e\xe2\x80\x8f"
     "a",
     "a"},
    {"a\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad"
     "b",
     "ab"},
    {"a\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9"
     "b",
     "ab"},
    {"\xe2\x80\xae.exe", ".exe"},
    /* blanks around, also when others go first */
    {"  a.txt  ", "a.txt"},
    {";  a.txt  ;", "a.txt"},
    {"a/  b", "b"},
    {"a b", "a b"},
    {"a .txt", "a .txt"},
    /* bytes that are no UTF-8 */
    {"r\xe9sum\xe9.pdf", "rsum.pdf"},
    {"a\xc3", "a"},
    {"a\xc3.txt", "a.txt"},
    {"a\xe2\x82", "a"},
    {"a\xed\xa0\x80"
     "b",
     "ab"}, /* a surrogate */
    {"a\xf4\x90\x80\x80"
     "b",
     "ab"}, /* above U+10FFFF */
    {"a\xf8\x88\x80\x80\x80"
     "b",
     "ab"}, /* five bytes */
    {"a\xc0\x80"
     "b",
     "ab"}, /* an overlong NUL */
    {"a\xe0\x80\xae"
     "b",
     "ab"}, /* an overlong dot */
    {"\x80\x80\x80", "file"},
    {"\xe2\x80;\xae", "file"}, /* taking ; out must not make a U+202E */
    {"\xc3\xa9\xa9", "\xc3\xa9"},
};

static void
hostile_names_are_made_harmless(void **state)
{
    (void)state;
    assert_true(ARRAY_LEN(hostiles) >= 50);
    for (size_t i = 0; i < ARRAY_LEN(hostiles); i++)
        becomes(hostiles[i].raw, strlen(hostiles[i].raw), hostiles[i].clean);
}

static void
nul_bytes_are_removed_and_end_nothing(void **state)
{
    (void)state;
    becomes("evil.sh\0.txt", 12, "evil.sh.txt");
    becomes("\0", 1, "file");
    becomes("a/\0b", 4, "b");
    becomes("a\0/b", 4, "b");
    becomes("report.pdf/../x", 10, "report.pdf"); /* `len` says where a name ends */
}

/* ---- the cut ---- */

static void
fill(char *name, size_t n, const char *piece)
{
    size_t len = strlen(piece);

    for (size_t i = 0; i < n; i++)
        memcpy(name + i * len, piece, len);
    name[n * len] = '\0';
}

static void
names_of_255_bytes_stay_and_longer_ones_are_cut(void **state)
{
    char raw[400], want[400];

    (void)state;
    fill(raw, 255, "x");
    becomes(raw, 255, raw);
    memcpy(want, raw, 256);
    fill(raw, 256, "x");
    becomes(raw, 256, want);
    fill(raw, 251, "x");
    memcpy(raw + 251, ".txt", 5);
    becomes(raw, 255, raw);
}

static void
the_extension_survives_the_cut(void **state)
{
    char raw[700], want[400];

    (void)state;
    fill(raw, 300, "x");
    memcpy(raw + 300, ".tar.gz", 8);
    fill(want, 252, "x");
    memcpy(want + 252, ".gz", 4);
    becomes(raw, 307, want);

    fill(raw, 300, "x"); /* of 32 bytes with its dot: the longest that is kept */
    raw[300] = '.';
    fill(raw + 301, 31, "y");
    fill(want, 223, "x");
    want[223] = '.';
    fill(want + 224, 31, "y");
    becomes(raw, 332, want);

    fill(raw + 301, 32, "y"); /* one more: a dot in a long name, no extension */
    fill(want, 255, "x");
    becomes(raw, 333, want);

    fill(raw, 300, "x");
    memcpy(raw + 300, ".p;d|f  ", 9); /* it counts as it is when cleaned */
    fill(want, 251, "x");
    memcpy(want + 251, ".pdf", 5);
    becomes(raw, 308, want);

    fill(raw, 300, "\xc3\xa9");
    memcpy(raw + 600, ".\xc3\xa9\xc3\xa9", 6);
    fill(want, 125, "\xc3\xa9"); /* 250 bytes and five */
    memcpy(want + 250, ".\xc3\xa9\xc3\xa9", 6);
    becomes(raw, 605, want);
}

static void
no_character_is_cut_in_two(void **state)
{
    char raw[1300], want[400];

    (void)state;
    fill(raw, 300, "\xf0\x9f\x90\x9d");
    fill(want, 63, "\xf0\x9f\x90\x9d"); /* 252 bytes */
    becomes(raw, 1200, want);
    raw[0] = 'x';
    fill(raw + 1, 300, "\xe6\x8a\xa5");
    want[0] = 'x';
    fill(want + 1, 84, "\xe6\x8a\xa5"); /* 253 bytes */
    becomes(raw, 901, want);
    fill(raw, 200, "\xc3\xa9");
    memcpy(raw + 400, ".pdf", 5);
    fill(want, 125, "\xc3\xa9"); /* 250 and four: one byte is left over */
    memcpy(want + 250, ".pdf", 5);
    becomes(raw, 404, want);
}

static void
what_the_cut_leaves_behind_is_cleaned_too(void **state)
{
    char raw[700], want[400];

    (void)state;
    fill(raw, 254, "x"); /* a blank would be the last byte */
    memcpy(raw + 254, " yyyy", 6);
    fill(want, 254, "x");
    becomes(raw, 259, want);

    fill(raw, 300, "."); /* only dots would be left */
    fill(raw + 300, 40, "x");
    becomes(raw, 340, "file");

    fill(raw, 300, ".");
    becomes(raw, 300, "file");
}

static void
removed_characters_do_not_count(void **state)
{
    static char raw[200000];
    char want[400];

    (void)state;
    memset(raw, ';', sizeof(raw));
    memcpy(raw + 1000, "report", 6);
    memcpy(raw + 199000, ".pdf", 4);
    becomes(raw, sizeof(raw), "report.pdf");
    memset(raw, ' ', sizeof(raw));
    memcpy(raw + 1000, "report.pdf", 10);
    becomes(raw, sizeof(raw), "report.pdf");
    memset(raw, 'x', sizeof(raw));
    fill(want, 255, "x");
    becomes(raw, sizeof(raw), want);
}

/* ---- any bytes at all ---- */

static bool
is_allowed(uint32_t c)
{
    static const uint32_t forbidden[] = {
        '/',    '\\',   ';',    '|',    '&',    '$',    '`',    '<',    '>',    0x200e,
        0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069,
    };

    for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
        if (c == forbidden[i])
            return false;
    }
    return c >= 0x20 && !(c >= 0x7f && c < 0xa0);
}

static void
check_clean(const char *name)
{
    size_t len = strnlen(name, FILENAME_TEXT_LEN), n;
    char again[FILENAME_TEXT_LEN];
    uint32_t c;

    assert_in_range(len, 1, FILENAME_TEXT_LEN - 1);
    for (size_t at = 0; at < len; at += n) {
        n = text_utf8((const uint8_t *)name + at, len - at, &c);
        assert_in_range(n, 1, 4);
        assert_true(is_allowed(c));
    }
    assert_true(name[0] != ' ' && name[len - 1] != ' ');
    assert_true(strspn(name, ".") < len);
    filename_clean(name, len, again);
    assert_string_equal(name, again);
}

/* Bytes that meet the rules often: pieces of the grammar, and plain noise. */
static size_t
random_name(char *ret_raw, size_t max)
{
    static const char *const pieces[] = {
        ".",
        "..",
        " ",
        "/",
        "\\",
        ";",
        "x",
        "txt",
        "\xc3\xa9",
        "\xe2\x80\xae",
        "\xf0\x9f\x90\x9d",
        "\xe2\x80",
        "\xae",
        "\n",
        "\xc2\x9b",
        "report",
        "\xff",
        "$",
        ".pdf",
        "   ",
    };
    size_t len = 0;
    uint32_t n, which;
    uint8_t byte;

    assert_ok(rnd_below(300, &n));
    for (uint32_t i = 0; i < n && len + 8 < max; i++) {
        assert_ok(rnd_below(ARRAY_LEN(pieces) + 2, &which));
        if (which < ARRAY_LEN(pieces)) {
            memcpy(ret_raw + len, pieces[which], strlen(pieces[which]));
            len += strlen(pieces[which]);
        } else {
            assert_ok(rnd_bytes(&byte, 1));
            ret_raw[len++] = (char)byte;
        }
    }
    return len;
}

static void
whatever_comes_in_a_harmless_name_comes_out(void **state)
{
    static char raw[4096];
    char name[FILENAME_TEXT_LEN];
    unsigned n_named = 0;

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        size_t len = random_name(raw, sizeof(raw));

        filename_clean(raw, len, name);
        check_clean(name);
        n_named += strcmp(name, "file") != 0;
    }
    assert_in_range(n_named, 1000, 3000); /* and not always the same */
    for (size_t i = 0; i < ARRAY_LEN(hostiles); i++)
        check_clean(hostiles[i].clean);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_names_stay_as_they_are),
        cmocka_unit_test(hostile_names_are_made_harmless),
        cmocka_unit_test(nul_bytes_are_removed_and_end_nothing),
        cmocka_unit_test(names_of_255_bytes_stay_and_longer_ones_are_cut),
        cmocka_unit_test(the_extension_survives_the_cut),
        cmocka_unit_test(no_character_is_cut_in_two),
        cmocka_unit_test(what_the_cut_leaves_behind_is_cleaned_too),
        cmocka_unit_test(removed_characters_do_not_count),
        cmocka_unit_test(whatever_comes_in_a_harmless_name_comes_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
