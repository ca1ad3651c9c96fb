/* SPDX-License-Identifier: Apache-2.0 */
/* What an upload brings beside its file: each term alone, and which of them need each other. */
#include "testing.h"

#include <string.h>

#include "api/terms.h"
#include "base/mem.h"

#define ID "abcdefghijklmnopqrstuvwxy4"

static const struct app app = {.max_expiry_min = 60, .max_uses = 5};

static int
setup(void **state)
{
    static struct terms t;

    terms_init(&t);
    *state = &t;
    return 0;
}

static int
teardown(void **state)
{
    terms_done(*state);
    return 0;
}

/* Begin anew with up to three fields; a NULL name ends the list. */
static enum err
read_of(struct terms *t, const char *const fields[][2], struct wish *ret_wish,
        char ret_sentence[TERM_SENTENCE_LEN])
{
    terms_done(t);
    terms_init(t);
    for (size_t i = 0; i < 3 && fields[i][0] != NULL; i++) {
        enum term term = terms_find(fields[i][0]);

        assert_int_not_equal(term, TERM_N);
        assert_ok(terms_begin(t, term));
        assert_ok(terms_add(t, term, fields[i][1], strlen(fields[i][1])));
    }
    return terms_read(t, &app, false, ret_wish, ret_sentence);
}

static void
nothing_is_the_defaults(void **state)
{
    static const struct app strict = {.max_expiry_min = 3, .max_uses = 1};
    char sentence[TERM_SENTENCE_LEN] = "";
    struct wish wish;

    assert_ok(terms_read(*state, &app, false, &wish, sentence));
    assert_int_equal(wish.expiry_min, 10);
    assert_int_equal(wish.uses, 1);
    assert_false(wish.is_e2e);
    assert_ok(terms_read(*state, &strict, false, &wish, sentence));
    assert_int_equal(wish.expiry_min, 3);
    assert_string_equal(sentence, "");
}

static void
only_our_fields_are_terms(void **state)
{
    static const char *const others[] = {"", "Id", "file", "metadata", "encryption ", "X-Uses"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(terms_find(others[i]), TERM_N);
    assert_int_equal(terms_find("expiry"), TERM_EXPIRY);
    assert_int_equal(terms_find("meta"), TERM_META);
}

static void
the_three_of_an_end_to_end_upload_are_taken_in_any_order(void **state)
{
    static const char *const right[][3][2] = {
        {{"id", ID}, {"encryption", "age"}, {"meta", "AZaz09-_"}},
        {{"meta", "AZaz09-_"}, {"encryption", "age"}, {"id", ID}},
        {{"encryption", "age"}, {"id", ID}},
    };
    char sentence[TERM_SENTENCE_LEN];
    struct wish wish;

    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        assert_ok(read_of(*state, right[i], &wish, sentence));
        assert_true(wish.is_e2e);
        assert_string_equal(wish.id.text, ID);
        assert_string_equal(wish.e2e_meta, i < 2 ? "AZaz09-_" : "");
    }
}

static void
what_is_missing_or_not_allowed_is_said(void **state)
{
    static const struct {
        const char *fields[3][2];
        const char *said;
    } wrong[] = {
        {{{"id", ID}}, "id and encryption need each other"},
        {{{"encryption", "age"}}, "id and encryption need each other"},
        {{{"meta", "AAAA"}}, "id and encryption need each other"},
        {{{"meta", "AAAA"}, {"id", ID}}, "id and encryption need each other"},
        {{{"meta", "AAAA"}, {"encryption", "age"}}, "id and encryption need each other"},
        {{{"id", ID}, {"encryption", "Age"}}, "encryption must be age."},
        {{{"id", ID}, {"encryption", "age "}}, "encryption must be age."},
        {{{"id", ID}, {"encryption", ""}}, "encryption must be age."},
        {{{"id", ID}, {"encryption", "none"}}, "encryption must be age."},
        {{{"id", ""}, {"encryption", "age"}}, "id must be"},
        {{{"id", "abcdefghijklmnopqrstuvwxy"}, {"encryption", "age"}}, "id must be"},
        {{{"id", ID "a"}, {"encryption", "age"}}, "id must be"},
        {{{"id", "ABCDEFGHIJKLMNOPQRSTUVWXY4"}, {"encryption", "age"}}, "id must be"},
        {{{"id", "abcdefghijklmnopqrstuvwxyz"}, {"encryption", "age"}}, "id must be"},
        {{{"id", "zoom-zoom-zoom-zoom"}, {"encryption", "age"}}, "id must be"},
        {{{"id", ID}, {"encryption", "age"}, {"meta", ""}}, "meta must be"},
        {{{"id", ID}, {"encryption", "age"}, {"meta", "AAA="}}, "meta must be"},
        {{{"id", ID}, {"encryption", "age"}, {"meta", "AA+A"}}, "meta must be"},
        {{{"id", ID}, {"encryption", "age"}, {"meta", "AA/A"}}, "meta must be"},
        {{{"id", ID}, {"encryption", "age"}, {"meta", "AAAA\r\nX-Evil: 1"}}, "meta must be"},
        {{{"expiry", "61"}}, "expiry must be a whole number from 1 to 60."},
        {{{"uses", "0"}}, "uses must be a whole number from 1 to 5."},
    };
    struct wish wish = {.uses = 77};

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char sentence[TERM_SENTENCE_LEN] = "";

        assert_err(ERR_FIELD, read_of(*state, wrong[i].fields, &wish, sentence));
        if (strncmp(sentence, wrong[i].said, strlen(wrong[i].said)) != 0)
            fail_msg("case %zu says: %s", i, sentence);
        assert_int_equal(sentence[strlen(sentence) - 1], '.');
        assert_int_equal(wish.uses, 77); /* untouched */
    }
}

static void
metadata_has_more_room_than_the_others(void **state)
{
    static char text[VAULT_E2E_META_MAX + 1];
    struct terms *t = *state;

    memset(text, 'm', sizeof(text));
    assert_ok(terms_begin(t, TERM_META));
    for (size_t i = 0; i < VAULT_E2E_META_MAX; i += 64)
        assert_ok(terms_add(t, TERM_META, text, 64));
    assert_err(ERR_FIELD, terms_add(t, TERM_META, text, 1));
    assert_int_equal(t->values[TERM_META].text.len, VAULT_E2E_META_MAX);
    for (int i = 0; i < TERM_N; i++) {
        if (i == TERM_META)
            continue;
        assert_null(t->values[i].text.data); /* what does not come takes nothing */
        assert_ok(terms_add(t, (enum term)i, text, 512));
        assert_err(ERR_FIELD, terms_add(t, (enum term)i, text, 1));
    }
}

static void
a_term_twice_and_a_nul_are_refused(void **state)
{
    struct terms *t = *state;

    for (int i = 0; i < TERM_N; i++) {
        assert_ok(terms_begin(t, (enum term)i));
        assert_err(ERR_FIELD, terms_begin(t, (enum term)i));
        assert_err(ERR_FIELD, terms_add(t, (enum term)i, "a\0b", 3));
    }
}

static void
a_header_stands_for_a_field(void **state)
{
    char sentence[TERM_SENTENCE_LEN] = "", longer[600];
    struct terms *t = *state;
    struct wish wish;

    memset(longer, '1', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_ok(terms_header(t, TERM_USES, NULL));
    assert_ok(terms_header(t, TERM_USES, "3"));
    assert_ok(terms_header(t, TERM_EXPIRY, "0"));
    assert_err(ERR_FIELD, terms_read(t, &app, true, &wish, sentence));
    assert_string_equal(sentence, "X-Expiry must be a whole number from 1 to 60.");
    assert_err(ERR_FIELD, terms_header(t, TERM_TOKEN, longer));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_the_defaults),
        TEST(only_our_fields_are_terms),
        TEST(the_three_of_an_end_to_end_upload_are_taken_in_any_order),
        TEST(what_is_missing_or_not_allowed_is_said),
        TEST(metadata_has_more_room_than_the_others),
        TEST(a_term_twice_and_a_nul_are_refused),
        TEST(a_header_stands_for_a_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
