/* SPDX-License-Identifier: Apache-2.0 */
/* testing: what every cmocka test includes. */
#ifndef MAYFLY_TESTS_TESTING_H
#define MAYFLY_TESTS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

/* The call succeeds; on failure the test shows the error and its sentence. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        enum err e_ = (call);                                                                      \
        if (e_ != ERR_OK)                                                                          \
            fail_msg("%s: %s (%s)", #call, err_name(e_), err_sentence());                          \
    } while (0)

/* The call fails with exactly this error. */
#define assert_err(want, call)                                                                     \
    do {                                                                                           \
        enum err e_ = (call), w_ = (want);                                                         \
        if (e_ != w_)                                                                              \
            fail_msg("%s: %s (%s), expected %s", #call, err_name(e_), err_sentence(),              \
                     err_name(w_));                                                                \
    } while (0)

#endif
