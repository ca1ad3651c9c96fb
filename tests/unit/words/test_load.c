/* SPDX-License-Identifier: Apache-2.0 */
/* words_load: lists from files, those of the diceware package among them, and damaged ones. */
#include "testing.h"

#include "words/words.h"
#include "words/words_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACKAGED "/usr/lib/python3/dist-packages/diceware/wordlists/"

static char folder[] = "/tmp/mayfly-words-XXXXXX";

static int
make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

/* The word of a number: four letters, unlike for every number below 65,536. */
static void
spell(unsigned number, char ret_word[5])
{
    for (unsigned i = 0; i < 4; i++, number /= 16)
        ret_word[3 - i] = (char)('a' + number % 16);
    ret_word[4] = '\0';
}

/* Load a list of `n` made-up words, of which line `at` (0: none) is `line` instead. */
static enum err
load(unsigned n, unsigned at, const char *line, const char *line_end, struct words **ret_words)
{
    char path[64], word[5];
    FILE *f;
    enum err e;

    (void)snprintf(path, sizeof(path), "%s/list", folder);
    f = fopen(path, "w");
    assert_non_null(f);
    for (unsigned i = 1; i <= n; i++) {
        spell(i - 1, word);
        assert_true(fprintf(f, "%s%s", i == at ? line : word, line_end) >= 0);
    }
    assert_int_equal(0, fclose(f));
    e = words_load(path, ret_words);
    assert_int_equal(0, unlink(path));
    return e;
}

/* As load, which is refused with a sentence that names the line. */
static void
is_refused(unsigned n, unsigned at, const char *line, const char *sentence_part)
{
    struct words *w = NULL;

    assert_err(ERR_SYNTAX, load(n, at, line, "\n", &w));
    assert_null(w);
    if (strstr(err_sentence(), sentence_part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err_sentence(), sentence_part);
}

static void
can_read(const struct words *w, const char *word, enum err want)
{
    struct share_code code;

    assert_err(want, words_parse(w, 1, word, &code));
}

static void
the_package_s_list_is_the_built_in_one(void **state)
{
    struct words *w = NULL;

    (void)state;
    assert_ok(words_load(PACKAGED "wordlist_en_eff.txt", &w));
    assert_int_equal(words_n(words_builtin()), words_n(w));
    assert_memory_equal(words_builtin_list, w->list, sizeof(words_builtin_list));
    words_free(w);
}

static void
other_lists_of_the_package_can_be_used(void **state)
{
    struct words *w = NULL;
    struct share_code code;

    (void)state;
    assert_ok(words_load(PACKAGED "wordlist_en_adjectives.txt", &w));
    assert_int_equal(1296, words_n(w));
    can_read(w, "abrupt", ERR_OK);
    can_read(w, "abacus", ERR_NOTFOUND);
    can_read(words_builtin(), "abrupt", ERR_NOTFOUND);
    words_free(w);

    assert_ok(words_load(PACKAGED "wordlist_en_nouns.txt", &w));
    assert_int_equal(7776, words_n(w));
    for (unsigned i = 0; i < 100; i++) {
        assert_ok(words_draw(w, CODE_WORDS_MAX, &code));
        assert_ok(words_parse(w, CODE_WORDS_MAX, code.text, &code));
    }
    words_free(w);
}

static void
files_that_are_no_list_are_refused(void **state)
{
    struct words *w = NULL;

    (void)state;
    assert_err(ERR_SYNTAX, words_load(PACKAGED "wordlist_en_securedrop.asc", &w));
    assert_err(ERR_SYNTAX, words_load("/etc/passwd", &w));
    assert_err(ERR_SYNTAX, words_load("/proc/self/exe", &w)); /* larger than any, or not text */
    assert_err(ERR_NOTFOUND, words_load("/nowhere/at/all", &w));
    assert_err(ERR_IO, words_load("/etc", &w));
    assert_err(ERR_IO, words_load("/dev/zero", &w));
    assert_null(w);
}

static void
a_list_has_1296_to_65536_words(void **state)
{
    struct words *w = NULL;

    (void)state;
    assert_ok(load(1296, 0, "", "\n", &w));
    assert_int_equal(1296, words_n(w));
    words_free(w);
    assert_ok(load(65536, 0, "", "\n", &w));
    assert_int_equal(65536, words_n(w));
    can_read(w, "aaaa", ERR_OK);
    can_read(w, "pppp", ERR_OK);
    can_read(w, "pppq", ERR_NOTFOUND);
    words_free(w);
    is_refused(1295, 0, "", "1295 lines");
    is_refused(0, 0, "", "0 lines");
    is_refused(65537, 65537, "zz", "line 65537:");
}

static void
lines_may_have_dice_numbers_blanks_and_carriage_returns(void **state)
{
    static const char *const lines[] = {"11111 zebra", "66666\tzebra", "1234 \t zebra  ",
                                        "zebra \t",    "zebra",        "ze-bra",
                                        "-zebra-",     " zebra"};
    struct words *w = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_ok(load(1296, 700, lines[i], "\r\n", &w));
        assert_int_equal(1296, words_n(w));
        can_read(w, "zebra", ERR_OK);
        can_read(w, "aacp", ERR_OK);
        words_free(w);
    }
}

static void
a_line_that_is_not_one_word_is_refused_with_its_number(void **state)
{
    static const char *const lines[] = {
        "",           "z",           "-z-",         "Zebra",
        "ze bra",     "ze1bra",      "zebra1",      "11111",
        "11111zebra", "77777 zebra", "11-11 zebra", "z\xc3\xa4hler",
        "ze'bra",     "zebra#",      "# zebra",     "zebrazebrazebraze",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        is_refused(1296, 1000, lines[i], "line 1000:");
}

static void
words_of_2_and_of_16_letters_are_words(void **state)
{
    struct words *w = NULL;
    struct share_code code;

    (void)state;
    assert_ok(load(1296, 3, "zz", "\n", &w));
    can_read(w, "zz", ERR_OK);
    can_read(w, "z", ERR_NOTFOUND);
    words_free(w);
    assert_ok(load(1296, 3, "zebrazebrazebraz", "\n", &w));
    can_read(w, "ZebraZebraZebraZ", ERR_OK);
    can_read(w, "zebrazebrazebra", ERR_NOTFOUND);
    can_read(w, "zebrazebrazebray", ERR_NOTFOUND);
    assert_ok(words_parse(w, 2, "zebrazebrazebraz-aaaa", &code));
    assert_err(ERR_NOTFOUND, words_parse(w, 2, "zebrazebrazebrazaaaa", &code));
    words_free(w);
}

static void
the_same_word_twice_is_refused(void **state)
{
    (void)state;
    is_refused(1296, 1200, "aaaa", "line 1200: the word of line 1 again");
    is_refused(1296, 2, "12345 aaac", "line 3: the word of line 2 again");
}

static void
words_that_differ_in_hyphens_only_are_one(void **state)
{
    struct words *w = NULL;

    (void)state;
    assert_ok(load(1297, 1200, "a-aaa", "\n", &w));
    assert_int_equal(1296, words_n(w));
    can_read(w, "aaaa", ERR_OK);
    words_free(w);
    is_refused(1296, 1200, "a-aaa", "1295 different words");
}

static void
freeing_nothing_is_nothing(void **state)
{
    (void)state;
    words_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_package_s_list_is_the_built_in_one),
        cmocka_unit_test(other_lists_of_the_package_can_be_used),
        cmocka_unit_test(files_that_are_no_list_are_refused),
        cmocka_unit_test(a_list_has_1296_to_65536_words),
        cmocka_unit_test(lines_may_have_dice_numbers_blanks_and_carriage_returns),
        cmocka_unit_test(a_line_that_is_not_one_word_is_refused_with_its_number),
        cmocka_unit_test(words_of_2_and_of_16_letters_are_words),
        cmocka_unit_test(the_same_word_twice_is_refused),
        cmocka_unit_test(words_that_differ_in_hyphens_only_are_one),
        cmocka_unit_test(freeing_nothing_is_nothing),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
