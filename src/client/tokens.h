/* SPDX-License-Identifier: Apache-2.0 */
/* tokens: the burn tokens of what was sent from here, so that `mayfly burn CODE` works later. One
 * file (0600) an upload in a private folder (0700): $XDG_STATE_HOME/mayfly/uploads, else
 * ~/.local/state/mayfly/uploads. Its name is a hash of the key, so that a listing shows no code;
 * inside are the server, the token and when the upload ends. What has ended is removed. */
#ifndef MAYFLY_CLIENT_TOKENS_H
#define MAYFLY_CLIENT_TOKENS_H

#include "base/err.h"
#include "client/target.h"
#include "crypt/crypt.h"

#include <stdint.h>

/* Keep it. ERR_IO: there is no home folder, the folder or file cannot be made, or others may write
 * to it. */
MUST_CHECK enum err tokens_put(const char *server, const char *key, const char *burn_token,
                               int64_t expires_at_s);

/* The token, and the server that it is for. ERR_NOTFOUND: not sent from here, or forgotten since;
 * ERR_IO: as above, or the file is damaged. The caller frees. */
MUST_CHECK enum err tokens_get(const char *key, char ret_server[SERVER_TEXT_LEN],
                               struct secret **ret_token);

/* `server` says that the upload has ended: forget its token, if it is for that server. No error
 * when it is not there. */
void tokens_forget(const char *key, const char *server);

/* Forget all that ended before `now_s`, what is damaged beyond reading, and what a killed process
 * left half written an hour ago. Files whose names are none of ours stay. */
void tokens_sweep(int64_t now_s);

#endif
