/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "client/names.h"

#include <stdio.h>

static void
names_are_kept_in_their_order_and_sorted_by_their_bytes(void **state)
{
    static const char *const given[] = {"b", "a", "\xc3\xa4", "B", "aa"};
    static const char *const sorted[] = {"B", "a", "aa", "b", "\xc3\xa4"};
    struct names l = {0};

    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_ok(names_add(&l, given[i]));
    assert_int_equal(l.n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(l.v[i], given[i]);
    names_sort(&l);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(l.v[i], sorted[i]);
    names_done(&l);
    assert_int_equal(l.n, 0);
}

static void
a_list_grows_and_an_empty_one_may_be_sorted_and_ended(void **state)
{
    struct names l = {0};
    char name[16];

    (void)state;
    names_sort(&l);
    names_done(&l);
    for (unsigned i = 1000; i-- > 0;) {
        (void)snprintf(name, sizeof(name), "%04u", i);
        assert_ok(names_add(&l, name));
    }
    names_sort(&l);
    assert_string_equal(l.v[0], "0000");
    assert_string_equal(l.v[999], "0999");
    names_done(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_kept_in_their_order_and_sorted_by_their_bytes),
        cmocka_unit_test(a_list_grows_and_an_empty_one_may_be_sorted_and_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
