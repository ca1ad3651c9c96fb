/* SPDX-License-Identifier: Apache-2.0 */
/* sniffer: the part of the helper program that touches hostile bytes. Whoever uses it forks for
 * each question: sniffer_answer never returns, gives up everything but one socket first, and dies
 * after its answer, so that no file can leave anything behind for the next one. */
#ifndef MAYFLY_SNIFF_SNIFFER_H
#define MAYFLY_SNIFF_SNIFFER_H

#include <stdbool.h>
#include <sys/types.h>

struct sniffer;

/* Load libmagic's database, do what libmagic does only once, reserve the memory that an answer may
 * need, and make the system call filter. NULL: `*ret_status` is how the program should end. */
struct sniffer *sniffer_new(int *ret_status);

/* In a fresh child of process `parent`: confine it, read one question (sniff_wire.h) from `fd`,
 * write its type, end. */
_Noreturn void sniffer_answer(struct sniffer *s, int fd, pid_t parent);

#endif
