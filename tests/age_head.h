/* SPDX-License-Identifier: Apache-2.0 */
/* age_head: how an age file for a passphrase begins: the version, one scrypt stanza, a MAC. Nobody
 * can open what it is the head of. */
#ifndef MAYFLY_TESTS_AGE_HEAD_H
#define MAYFLY_TESTS_AGE_HEAD_H

#define AGE_HEAD                                                                                   \
    "age-encryption.org/v1\n"                                                                      \
    "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 15\n"                                                        \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"                                                \
    "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"

#endif
