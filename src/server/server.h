/* SPDX-License-Identifier: Apache-2.0 */
/* server: wires everything together, in order, and takes it apart the other way round. The only
 * place that knows all modules. Call from the main thread. */
#ifndef MAYFLY_SERVER_SERVER_H
#define MAYFLY_SERVER_SERVER_H

#include "base/err.h"
#include "server/config.h"
#include "sniff/sniff.h"

#include <stdbool.h>

struct server;

/* Start the MIME helper that lies beside this program, or in the place where `make install` puts
 * it. Before threads and secrets. ERR_NOTFOUND, ERR_UNAVAIL. */
MUST_CHECK enum err server_sniff_new(struct sniff **ret_sniff);

/* Open store and storage, start threads, listen. Takes `*sniff` and sets it NULL, on failure too.
 * `c` is borrowed as long as the server is. The sentence tells what stopped it. */
MUST_CHECK enum err server_open(struct config *c, struct sniff **sniff, struct server **ret_server);

/* Where its records are, for the log: "sqlite" or "redis". */
const char *server_store_kind(const struct server *s);

/* SIGHUP: read TLS certificates anew. What cannot be read is logged, and the old ones stay. */
void server_reload(struct server *s);

/* Stop accepting, answer what runs within `timeout_ms`, end all threads, close all. False: a blob
 * is still being overwritten after 5 s; nothing that it needs was closed, and the process should
 * exit without more ado: the next start destroys that blob. */
bool server_close(struct server *s, unsigned timeout_ms);

#endif
