/* SPDX-License-Identifier: Apache-2.0 */
/* sniff_wire: what the daemon and its helper program say to each other over one SOCK_SEQPACKET
 * socket, the helper's descriptor 3.
 *
 * daemon to helper: a question is a 4-byte number and the first bytes of a file, 0 to 8192 of
 * them; any shorter packet means: give up the question that you have.
 * helper to daemon: an answer is the question's number and its type, 0 to 127 characters; none
 * when no type was found. Every question is answered once. The first packet of all has the number
 * 0 and no type: the helper is ready. When either end closes, the other ends too. */
#ifndef MAYFLY_SNIFF_SNIFF_WIRE_H
#define MAYFLY_SNIFF_SNIFF_WIRE_H

#include "sniff/sniff.h"

enum {
    SNIFF_WIRE_FD = 3,
    SNIFF_NUMBER_LEN = 4,
    SNIFF_QUESTION_MAX = SNIFF_NUMBER_LEN + SNIFF_BYTES_MAX,
    SNIFF_ANSWER_MAX = SNIFF_NUMBER_LEN + MIME_TEXT_LEN - 1,
};

/* How the helper ends when it cannot begin. */
enum { SNIFF_EXIT_NOT_FROM_DAEMON = 2, SNIFF_EXIT_NO_DATABASE = 3, SNIFF_EXIT_NO_SANDBOX = 4 };

#endif
