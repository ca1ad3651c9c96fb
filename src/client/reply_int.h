/* SPDX-License-Identifier: Apache-2.0 */
/* Private to reply: the JSON of an answer. */
#ifndef MAYFLY_CLIENT_REPLY_INT_H
#define MAYFLY_CLIENT_REPLY_INT_H

#include "client/reply.h"

#include <jansson.h>

/* The object that the body is; NULL when it is none. json_decref wipes what it frees: receipts hold
 * codes and tokens. */
json_t *reply_object(const struct net_reply *r);

/* The text of a member; NULL when there is none. */
const char *reply_text(const json_t *object, const char *name);

#endif
