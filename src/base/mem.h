/* SPDX-License-Identifier: Apache-2.0 */
/* mem: wiping, and comparing without telling where the first difference is. Thread-safe. */
#ifndef MAYFLY_BASE_MEM_H
#define MAYFLY_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct of type `type` whose member `member` is at `ptr`. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Overwrite `len` bytes with zeros in a way that the compiler keeps. NULL with 0 is a no-op. */
void mem_wipe(void *p, size_t len);

/* Whether two ranges of `len` bytes are the same; takes the same time wherever they differ. */
bool mem_equal(const void *a, const void *b, size_t len);

#endif
