/* SPDX-License-Identifier: Apache-2.0 */
/* words_draw and the built-in list: every word once, each drawn as often as the next, at every
 * place, whatever stands before it. The bounds lie six standard deviations out, so that chance
 * alone fails a run once in hundreds of millions. */
#include "testing.h"

#include "words/words.h"
#include "words/words_int.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { N_CODES = 40000, WORDS_A_CODE = 4, CLASSES = 16 };

/* Whether counts that should all be the same are: their chi-squared statistic lies within six
 * standard deviations of its mean. */
static bool
is_fair(const unsigned *counts, size_t n, double total)
{
    double expected = total / (double)n, sum = 0, freedom = (double)n - 1;

    for (size_t i = 0; i < n; i++)
        sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    return (sum - freedom) * (sum - freedom) < 36 * 2 * freedom;
}

static int
by_text(const void *wanted, const void *word)
{
    const struct word *w = word;

    return strncmp(wanted, w->text, WORD_LEN_MAX);
}

static unsigned
index_of(const char *text)
{
    const struct word *w = bsearch(text, words_builtin_list, WORDS_BUILTIN_N, sizeof(*w), by_text);

    assert_non_null(w);
    return (unsigned)(w - words_builtin_list);
}

/* Draw a code and look its words up without the module's help. */
static void
draw(unsigned n_words, unsigned *ret_indices)
{
    struct share_code code;
    char *rest = code.text, *word;
    unsigned n = 0;

    assert_ok(words_draw(words_builtin(), n_words, &code));
    assert_int_equal(n_words, code.n_words);
    while ((word = strsep(&rest, "-")) != NULL) {
        assert_true(n < n_words);
        ret_indices[n++] = index_of(word);
    }
    assert_int_equal(n_words, n);
}

static void
the_list_is_sorted_and_holds_each_word_once(void **state)
{
    (void)state;
    assert_int_equal(WORDS_BUILTIN_N, words_n(words_builtin()));
    for (size_t i = 0; i < WORDS_BUILTIN_N; i++) {
        const char *text = words_builtin_list[i].text;

        assert_in_range(strnlen(text, WORD_LEN_MAX), 3, 9); /* the EFF's promise */
        assert_int_equal(strnlen(text, WORD_LEN_MAX), strspn(text, "abcdefghijklmnopqrstuvwxyz"));
        if (i > 0)
            assert_true(strncmp(words_builtin_list[i - 1].text, text, WORD_LEN_MAX) < 0);
    }
    assert_string_equal("abacus", words_builtin_list[0].text);
    assert_string_equal("zoom", words_builtin_list[WORDS_BUILTIN_N - 1].text);
}

static void
every_word_of_the_list_can_be_read(void **state)
{
    struct share_code code;

    (void)state;
    for (size_t i = 0; i < WORDS_BUILTIN_N; i++) {
        assert_ok(words_parse(words_builtin(), 1, words_builtin_list[i].text, &code));
        assert_string_equal(words_builtin_list[i].text, code.text);
    }
}

static void
a_word_with_a_letter_added_or_cut_is_none(void **state)
{
    struct share_code code;

    (void)state;
    for (size_t i = 0; i < WORDS_BUILTIN_N; i++) {
        char text[WORD_LEN_MAX + 2] = {0};
        size_t len = strnlen(words_builtin_list[i].text, WORD_LEN_MAX);

        memcpy(text, words_builtin_list[i].text, len);
        text[len] = 'q';
        assert_err(ERR_NOTFOUND, words_parse(words_builtin(), 1, text, &code));
        text[len - 1] = '\0'; /* no word of this list is the beginning of another */
        assert_err(ERR_NOTFOUND, words_parse(words_builtin(), 1, text, &code));
    }
}

static void
a_drawn_code_reads_as_itself(void **state)
{
    struct share_code drawn, code;

    (void)state;
    for (unsigned n = 1; n <= CODE_WORDS_E2E; n++) {
        for (unsigned i = 0; i < 200; i++) {
            assert_ok(words_draw(words_builtin(), n, &drawn));
            assert_ok(words_parse(words_builtin(), n, drawn.text, &code));
            assert_string_equal(drawn.text, code.text);
        }
    }
}

static void
every_word_is_drawn_as_often_at_every_place(void **state)
{
    static unsigned all[WORDS_BUILTIN_N], at_place[WORDS_A_CODE][WORDS_BUILTIN_N];
    unsigned index[WORDS_A_CODE];

    (void)state;
    for (unsigned i = 0; i < N_CODES; i++) {
        draw(WORDS_A_CODE, index);
        for (unsigned p = 0; p < WORDS_A_CODE; p++) {
            all[index[p]]++;
            at_place[p][index[p]]++;
        }
    }
    assert_true(is_fair(all, WORDS_BUILTIN_N, N_CODES * WORDS_A_CODE));
    for (unsigned p = 0; p < WORDS_A_CODE; p++)
        assert_true(is_fair(at_place[p], WORDS_BUILTIN_N, N_CODES));
}

static void
a_word_tells_nothing_of_the_next(void **state)
{
    static unsigned pairs[WORDS_A_CODE - 1][CLASSES * CLASSES];
    unsigned index[WORDS_A_CODE], n_same = 0;

    (void)state;
    for (unsigned i = 0; i < N_CODES; i++) {
        draw(WORDS_A_CODE, index);
        for (unsigned p = 0; p + 1 < WORDS_A_CODE; p++) {
            pairs[p][index[p] % CLASSES * CLASSES + index[p + 1] % CLASSES]++;
            n_same += index[p] == index[p + 1];
        }
    }
    for (unsigned p = 0; p + 1 < WORDS_A_CODE; p++)
        assert_true(is_fair(pairs[p], (size_t)CLASSES * CLASSES, N_CODES));
    assert_in_range(n_same, 1, 60); /* 15.4 are expected: words may repeat, but rarely do */
}

/* The twin of the two above: the measure finds a generator that is not fair. */
static void
the_measure_finds_a_bias_of_a_thirty_second(void **state)
{
    static unsigned counts[WORDS_BUILTIN_N];
    unsigned total = 0;

    (void)state;
    for (unsigned i = 0; i < WORDS_BUILTIN_N; i++) {
        counts[i] = i % 32 == 0 ? 40 : 20; /* one word in 32 comes twice as often */
        total += counts[i];
    }
    assert_false(is_fair(counts, WORDS_BUILTIN_N, total));
    memset(counts, 0, sizeof(counts));
    counts[0] = total; /* and one that always says the same */
    assert_false(is_fair(counts, WORDS_BUILTIN_N, total));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_sorted_and_holds_each_word_once),
        cmocka_unit_test(every_word_of_the_list_can_be_read),
        cmocka_unit_test(a_word_with_a_letter_added_or_cut_is_none),
        cmocka_unit_test(a_drawn_code_reads_as_itself),
        cmocka_unit_test(every_word_is_drawn_as_often_at_every_place),
        cmocka_unit_test(a_word_tells_nothing_of_the_next),
        cmocka_unit_test(the_measure_finds_a_bias_of_a_thirty_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
