/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "base/env.h"

#include <string.h>

static void
a_variable_is_found_by_its_whole_name(void **state)
{
    char longer[] = "NAMES=no", other[] = "NAM=no", it[] = "NAME=yes=no", none[] = "NAME",
         empty[] = "E=";
    char *env[] = {longer, other, none, it, empty, NULL};

    (void)state;
    assert_ptr_equal(env_value(env, "NAME"), it + 5);
    assert_string_equal(env_value(env, "NAME"), "yes=no");
    assert_null(env_value(env, "E"));
    assert_null(env_value(env, "N"));
    assert_null(env_value(env, "name"));
}

static void
wiping_leaves_nothing_of_any_of_that_name(void **state)
{
    static const char nothing[6] = "";
    char first[] = "TOKEN=secret", second[] = "TOKEN=another", other[] = "TOKENS=kept";
    char *env[] = {first, other, second, NULL};

    (void)state;
    env_wipe(env, "TOKEN");
    assert_memory_equal(first + 6, nothing, 6);
    assert_memory_equal(second + 6, nothing, 6);
    assert_int_equal(second[12], 0);
    assert_string_equal(first, "TOKEN=");
    assert_string_equal(other, "TOKENS=kept");
    assert_null(env_value(env, "TOKEN"));
    env_wipe(env, "NONE");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_is_found_by_its_whole_name),
        cmocka_unit_test(wiping_leaves_nothing_of_any_of_that_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
