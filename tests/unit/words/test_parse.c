/* SPDX-License-Identifier: Apache-2.0 */
/* words_parse: which spellings are a code, what a code's canonical text is, and what is refused. */
#include "testing.h"

#include "base/mem.h"
#include "words/words.h"

#include <string.h>

static void
reads_as(unsigned n_words, const char *text, const char *canonical)
{
    struct share_code code;

    assert_ok(words_parse(words_builtin(), n_words, text, &code));
    assert_string_equal(canonical, code.text);
    assert_int_equal(n_words, code.n_words);
    share_code_wipe(&code);
}

/* Refused, and the output is left alone. */
static void
is_refused(unsigned n_words, const char *text)
{
    struct share_code code, before;

    memset(&code, 0x5a, sizeof(code));
    before = code;
    if (words_parse(words_builtin(), n_words, text, &code) != ERR_NOTFOUND)
        fail_msg("\"%s\" was taken as a code of %u words", text, n_words);
    assert_memory_equal(&before, &code, sizeof(code));
}

static void
a_canonical_code_reads_as_itself(void **state)
{
    (void)state;
    reads_as(4, "velvet-canyon-oboe-thrift", "velvet-canyon-oboe-thrift");
    reads_as(3, "abacus-zoom-abdomen", "abacus-zoom-abdomen");
    reads_as(5, "zoom-zoom-zoom-zoom-zoom", "zoom-zoom-zoom-zoom-zoom");
    reads_as(6, "velvet-canyon-oboe-thrift-abacus-zoom", "velvet-canyon-oboe-thrift-abacus-zoom");
    reads_as(1, "abacus", "abacus");
}

static void
a_code_may_be_spelled_in_many_ways(void **state)
{
    static const char *const spellings[] = {
        "VELVET-CANYON-OBOE-THRIFT",       "Velvet Canyon Oboe Thrift",
        "velvet.canyon.oboe.thrift",       "velvet_canyon_oboe_thrift",
        "velvet - canyon - oboe - thrift", "  velvet   canyon\x20oboe thrift  ",
        "velvet--canyon..oboe__thrift",    "-velvet-canyon-oboe-thrift-",
        "vElVeT._- canyon OBOE.thrift.",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++)
        reads_as(4, spellings[i], "velvet-canyon-oboe-thrift");
}

static void
other_characters_do_not_separate_words(void **state)
{
    static const char *const texts[] = {
        "velvet+canyon+oboe+thrift",   "velvet/canyon/oboe/thrift",
        "velvet,canyon,oboe,thrift",   "velvet\tcanyon\toboe\tthrift",
        "velvet-canyon-oboe-thrift\n", "velvet\\canyon-oboe-thrift-",
        "velvet%20canyon-oboe-thrift", "velvet-canyon-oboe-thrift\x01",
        "velvetcanyonoboethrift",      "velvet-canyon-oboethrift",
        "velvet-canyon-oboe-thrift!",  "velvet-canyon-oboe-thrift-1",
        "4velvet-canyon-oboe-thrift",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        is_refused(4, texts[i]);
}

static void
a_wrong_number_of_words_is_refused(void **state)
{
    (void)state;
    is_refused(4, "");
    is_refused(4, "-");
    is_refused(4, "velvet");
    is_refused(4, "velvet-canyon-oboe");
    is_refused(4, "velvet-canyon-oboe-thrift-abacus");
    is_refused(3, "velvet-canyon-oboe-thrift");
    is_refused(5, "velvet-canyon-oboe-thrift");
    is_refused(6, "velvet-canyon-oboe-thrift");
    is_refused(6, "zoom-zoom-zoom-zoom-zoom-zoom-zoom");
}

static void
one_word_outside_the_list_spoils_the_code_wherever_it_stands(void **state)
{
    (void)state;
    is_refused(4, "velvetx-canyon-oboe-thrift");
    is_refused(4, "velvet-canyo-oboe-thrift");
    is_refused(4, "velvet-canyon-qqqq-thrift");
    is_refused(4, "velvet-canyon-oboe-thrif");
    is_refused(4, "a-canyon-oboe-thrift");
    is_refused(4, "velvet-canyon-oboe-zzzzzzzzzzzzzzzz");
    is_refused(4, "aaaaaaaaaaaaaaaa-canyon-oboe-thrift");
}

static void
the_hyphenated_words_are_spelled_joined(void **state)
{
    (void)state;
    reads_as(4, "dropdown-felttip-tshirt-yoyo", "dropdown-felttip-tshirt-yoyo");
    reads_as(4, "DropDown FeltTip TShirt YoYo", "dropdown-felttip-tshirt-yoyo");
}

static void
a_hyphen_inside_a_word_makes_two_words_of_it(void **state)
{
    (void)state;
    is_refused(4, "drop-down-canyon-oboe-thrift"); /* five */
    is_refused(4, "canyon-oboe-t-shirt");          /* four, but "t" is no word */
    is_refused(4, "canyon-oboe-thrift-yo-yo");
    is_refused(4, "canyon-oboe-thrift-felt-tip");
}

static void
words_longer_than_any_are_refused_however_long(void **state)
{
    static char text[200001];

    (void)state;
    is_refused(4, "velvet-canyon-oboe-abcdefghijklmnop");  /* 16 letters */
    is_refused(4, "velvet-canyon-oboe-abcdefghijklmnopq"); /* 17 */
    memset(text, 'a', sizeof(text) - 1);
    is_refused(4, text);
    memcpy(text, "zoom-zoom-zoom-", 15);
    is_refused(4, text);
}

static void
any_number_of_separators_is_one(void **state)
{
    static char text[100032];

    (void)state;
    memset(text, '-', sizeof(text) - 1);
    is_refused(4, text);
    memcpy(text + 10, "velvet", 6);
    memcpy(text + 50000, "canyon", 6);
    memcpy(text + 50010, "oboe", 4);
    memcpy(text + 100020, "thrift", 6);
    reads_as(4, text, "velvet-canyon-oboe-thrift");
    is_refused(3, text);
}

static void
a_nul_ends_the_text(void **state)
{
    (void)state;
    is_refused(4, "velvet-canyon-oboe-\0thrift");
    reads_as(3, "velvet-canyon-oboe\0-thrift", "velvet-canyon-oboe");
}

static void
letters_outside_ascii_are_no_letters(void **state)
{
    (void)state;
    is_refused(4, "velvet-canyon-oboe-thr\xc3\xad"
                  "ft");                                   /* i with acute */
    is_refused(4, "velvet-canyon-oboe-thri\xef\xac\x81t"); /* the ligature fi */
    is_refused(4, "velvet\xe2\x80\x90"
                  "canyon-oboe-thrift"); /* U+2010 HYPHEN */
    is_refused(4, "velvet\xc2\xa0"
                  "canyon-oboe-thrift");                    /* no-break space */
    is_refused(4, "\xef\xbb\xbfvelvet-canyon-oboe-thrift"); /* byte order mark */
    is_refused(4, "velvet-canyon-\xd0\xbe"
                  "boe-thrift");                        /* Cyrillic o */
    is_refused(4, "velvet-canyon-oboe-thrift\xff");     /* no UTF-8 at all */
    is_refused(4, "velvet-canyon-oboe-\xc1\x80thrift"); /* an overlong form */
    is_refused(4, "\xd6"
                  "elvet-canyon-oboe-thrift"); /* 'V' with the high bit */
}

static void
wiping_leaves_nothing_of_a_code(void **state)
{
    struct share_code code, zero;

    (void)state;
    memset(&zero, 0, sizeof(zero));
    assert_ok(words_parse(words_builtin(), 4, "velvet-canyon-oboe-thrift", &code));
    assert_memory_not_equal(&code, &zero, sizeof(code));
    share_code_wipe(&code);
    assert_memory_equal(&code, &zero, sizeof(code));
}

static void
words_of_an_unknown_list_are_read_when_any_will_do(void **state)
{
    static const char *const refused[] = {"",
                                          "velvet",
                                          "abba-xyzzy",
                                          "one-two-three-four-five-six",
                                          "abba-x-qux",
                                          "abba-qux-b4r",
                                          "abba-qux-abcdefghijklmnopq"};
    struct share_code code, before;

    (void)state;
    assert_ok(words_parse_any(3, 5, " Abba.XYZZY_qux ", &code));
    assert_string_equal("abba-xyzzy-qux", code.text);
    assert_int_equal(3, code.n_words);
    assert_ok(words_parse_any(3, 5, "abba-abcdefghijklmnop-qux-ab-cd", &code));
    assert_int_equal(5, code.n_words);
    before = code;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (words_parse_any(3, 5, refused[i], &code) != ERR_NOTFOUND)
            fail_msg("\"%s\" was taken as a code", refused[i]);
    }
    assert_memory_equal(&before, &code, sizeof(code));
}

static void
an_end_to_end_id_takes_the_place_of_a_code(void **state)
{
    struct share_code code;

    (void)state;
    assert_ok(words_parse_id("abcdefghijklmnopqrstuvwxy4", &code));
    assert_string_equal("abcdefghijklmnopqrstuvwxy4", code.text);
    assert_int_equal(0, code.n_words);
    assert_ok(words_parse_id("aaaaaaaaaaaaaaaaaaaaaaaaaa", &code));
}

static void
what_is_not_exactly_an_id_is_refused(void **state)
{
    static const char *const refused[] = {
        "",
        "abcdefghijklmnopqrstuvwxy",         /* short */
        "abcdefghijklmnopqrstuvwxy4a",       /* long */
        "abcdefghijklmnopqrstuvwxyz",        /* bits beyond the 128th */
        "abcdefghijklmnopqrstuvwxy2",        /* the same */
        "Abcdefghijklmnopqrstuvwxy4",        /* upper case */
        "abcdefghijklmnopqrstuvwx14",        /* 1 is not in the alphabet */
        "abcdefghijklmnopqrstuvwx-4",        /* nor is - */
        " abcdefghijklmnopqrstuvwxy4",       /* a blank */
        "abcdefghijklmnopqrstuvwxy4\n",      /* a line end */
        "abcdefghijklmnopqrstuvwxy\xc3\xa4", /* above ASCII */
    };
    struct share_code code, before;

    (void)state;
    memset(&code, 0x5a, sizeof(code));
    before = code;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (words_parse_id(refused[i], &code) != ERR_NOTFOUND)
            fail_msg("\"%s\" was taken as an id", refused[i]);
    }
    assert_memory_equal(&before, &code, sizeof(code));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_canonical_code_reads_as_itself),
        cmocka_unit_test(a_code_may_be_spelled_in_many_ways),
        cmocka_unit_test(other_characters_do_not_separate_words),
        cmocka_unit_test(a_wrong_number_of_words_is_refused),
        cmocka_unit_test(one_word_outside_the_list_spoils_the_code_wherever_it_stands),
        cmocka_unit_test(the_hyphenated_words_are_spelled_joined),
        cmocka_unit_test(a_hyphen_inside_a_word_makes_two_words_of_it),
        cmocka_unit_test(words_longer_than_any_are_refused_however_long),
        cmocka_unit_test(any_number_of_separators_is_one),
        cmocka_unit_test(a_nul_ends_the_text),
        cmocka_unit_test(letters_outside_ascii_are_no_letters),
        cmocka_unit_test(words_of_an_unknown_list_are_read_when_any_will_do),
        cmocka_unit_test(an_end_to_end_id_takes_the_place_of_a_code),
        cmocka_unit_test(what_is_not_exactly_an_id_is_refused),
        cmocka_unit_test(wiping_leaves_nothing_of_a_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
