/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings ask the store about a REDIS_URL. */
#include "testing.h"

#include "base/mem.h"
#include "store/store.h"

static void
what_a_url_says_of_itself_is_told(void **state)
{
    static const struct {
        const char *text;
        struct store_redis_facts want;
    } cases[] = {
        {"redis://h", {.is_tls = false}},
        {"rediss://h", {.is_tls = true}},
        {"rediss+sentinel://h/m", {.is_tls = true}},
        {"unix:///s", {.is_tls = false}},
        {"redis://:pw@h", {.has_password = true}},
        {"unix://ann:pw@/s", {.has_user = true, .has_password = true}},
        {"rediss://ann:@h", {.is_tls = true, .has_user = true}},
    };
    struct store_redis_facts facts = {.has_user = true};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_ok(store_redis_check_url(cases[i].text, &facts));
        assert_int_equal(facts.is_tls, cases[i].want.is_tls);
        assert_int_equal(facts.has_user, cases[i].want.has_user);
        assert_int_equal(facts.has_password, cases[i].want.has_password);
    }
    assert_err(ERR_SYNTAX, store_redis_check_url("redis://h:x", &facts));
    assert_true(facts.has_user); /* untouched */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_url_says_of_itself_is_told),
    };

    return cmocka_run_group_tests_name("store redis_facts", tests, NULL, NULL);
}
