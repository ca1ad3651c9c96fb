/* SPDX-License-Identifier: Apache-2.0 */
/* banned: calls that have a safer form in this house. Given to every file by the compiler's
 * -include; a use is an error that names the way out. */
#ifndef MAYFLY_BASE_BANNED_H
#define MAYFLY_BASE_BANNED_H

/* The system's own declarations come first; only our uses are poisoned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef sprintf /* macros of the fortified headers */
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf strtok srand localtime gmtime atoi atol
#pragma GCC poison system popen tmpnam mktemp gets strncpy strncat

/* Not poisoned, as libcrypto's headers have parameters of this name; a call is an error too. */
#ifdef __clang__
int rand(void) __attribute__((unavailable("banned: use base/rnd")));
#else
int rand(void) __attribute__((error("banned: use base/rnd")));
#endif

#endif
