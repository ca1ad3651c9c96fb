/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "base/mem.h"
#include "client/exit.h"

static void
only_no_error_ends_with_0(void **state)
{
    (void)state;
    assert_int_equal(exit_of(ERR_OK), 0);
    for (int e = ERR_OK + 1; e <= ERR_N; e++)
        assert_in_range(exit_of((enum err)e), 1, 7);
}

static void
each_error_ends_as_the_header_says(void **state)
{
    static const struct {
        enum err e;
        int code;
    } cases[] = {
        {ERR_FIELD, 1},   {ERR_NOTFOUND, 2}, {ERR_GONE, 3},    {ERR_TAKEN, 3},     {ERR_DENIED, 4},
        {ERR_LIMITED, 4}, {ERR_BLOCKED, 4},  {ERR_TOOBIG, 4},  {ERR_TYPE, 4},      {ERR_NOSPACE, 4},
        {ERR_EXISTS, 4},  {ERR_UNAVAIL, 5},  {ERR_TIMEOUT, 5}, {ERR_CLOSED, 5},    {ERR_SYNTAX, 5},
        {ERR_IO, 7},      {ERR_NOMEM, 7},    {ERR_N, 7},       {ERR_INTEGRITY, 6},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(exit_of(cases[i].e), cases[i].code);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_no_error_ends_with_0),
        cmocka_unit_test(each_error_ends_as_the_header_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
