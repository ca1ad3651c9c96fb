/* SPDX-License-Identifier: Apache-2.0 */
/* store: who may still download what. Holds no file bytes and no usable keys.
 * Backends: store_sqlite (embedded), store_redis (shared by several nodes).
 * Every call is one atomic step and thread-safe. Times are Unix seconds, UTC, passed in. An upload
 * is live while now_s < expires_at_s. Any call may fail with ERR_UNAVAIL (the backend does not
 * answer), ERR_IO, ERR_NOSPACE (its disk), ERR_INTEGRITY (its data is damaged) or ERR_NOMEM; the
 * step may or may not have been done. Outputs are untouched on error. */
#ifndef MAYFLY_STORE_STORE_H
#define MAYFLY_STORE_STORE_H

#include "base/err.h"
#include "base/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORD_SEALED_MAX = 6144, STORE_NAME_MAX = 127, LEASE_SPANS_MAX = 32 };
enum { STORE_REDIS_PASSWORD_MAX = 512 }; /* bytes */

struct store; /* opaque; see store_int.h for backends */

struct record {
    struct share_id id;
    struct blob_name blob;
    uint64_t size_bytes;   /* of the plaintext */
    uint64_t stored_bytes; /* of the blob */
    int64_t created_at_s, expires_at_s;
    uint32_t uses_total, uses_left;
    bool preview_taken;
    uint8_t burn_hash[SHA256_LEN];
    uint8_t sealed[RECORD_SEALED_MAX];
    size_t sealed_len;
};

enum ended_by { ENDED_USES, ENDED_EXPIRY, ENDED_REVOKED };

enum share_phase {
    SHARE_UNKNOWN, /* never issued, or its tombstone is gone too */
    SHARE_ACTIVE,
    SHARE_ENDED, /* ended_by and ended_at_s tell how and when */
};

struct share_state {
    enum share_phase phase;
    enum ended_by ended_by;
    int64_t ended_at_s;
    int64_t expires_at_s;
    uint32_t uses_total, uses_left;
};

/* ---- uploads ---- */

/* Add an upload. ERR_EXISTS: its id is in use, or has a tombstone at rec->created_at_s.
 * ERR_TOOBIG: `sealed` above RECORD_SEALED_MAX, or a size above INT64_MAX. */
MUST_CHECK enum err store_put(struct store *s, const struct record *rec);

/* Take one of the remaining uses of `id` for `client` and make a lease of it, to now_s + lease_s
 * but never past the upload's expiry. `ret_rec` is the record after the step. ERR_NOTFOUND: never
 * issued. ERR_GONE: expired or used up. */
struct store_claim {
    struct share_id id;
    struct client_id client;
    int64_t now_s, lease_s;
};
MUST_CHECK enum err store_claim(struct store *s, const struct store_claim *c,
                                struct record *ret_rec, struct lease_id *ret_lease);

/* Continue a claim: find the newest lease of that client on `id` that is not over and lacks the
 * byte `from`, and renew it as store_renew does. Takes no use. ERR_NOTFOUND: there is none
 * (or no such upload, or no such byte). */
MUST_CHECK enum err store_resume(struct store *s, const struct store_claim *c, uint64_t from,
                                 struct record *ret_rec, struct lease_id *ret_lease);

/* Nothing left: give the claim's use back and end its lease. ERR_NOTFOUND: no such lease (settled,
 * over and dropped by store_end_due, or its upload was destroyed), or it was resumed: whoever did
 * that may have had bytes. Nothing is then given back, and a resumed lease goes on. */
MUST_CHECK enum err store_release(struct store *s, const struct share_id *id,
                                  const struct lease_id *lease);

/* The lease's client has had the bytes from..to (to is not included; what lies beyond the end, and
 * an empty or reversed span, adds nothing). When all bytes of the upload are covered the lease
 * ends; when no other lease runs and no use is left, the upload ends (by uses, at the last claim)
 * and `ret_ended` is true. At most LEASE_SPANS_MAX separate spans are remembered; the smallest is
 * forgotten first. A lease that is over can be settled until store_end_due drops it.
 * ERR_NOTFOUND: no such lease. */
struct store_span {
    uint64_t from, to;
};
MUST_CHECK enum err store_settle(struct store *s, const struct share_id *id,
                                 const struct lease_id *lease, const struct store_span *span,
                                 int64_t now_s, bool *ret_ended);

/* Let a lease last to now_s + lease_s (also when that is less than before), never past the upload's
 * expiry. ERR_NOTFOUND: no such lease, or it is over. */
MUST_CHECK enum err store_renew(struct store *s, const struct share_id *id,
                                const struct lease_id *lease, int64_t now_s, int64_t lease_s);

/* Take the one preview. ERR_TAKEN: it was taken. ERR_NOTFOUND, ERR_GONE as store_claim (an upload
 * whose uses are all taken is gone). */
MUST_CHECK enum err store_take_preview(struct store *s, const struct share_id *id, int64_t now_s,
                                       struct record *ret_rec);

/* Read the record, take nothing. ERR_NOTFOUND: never issued. ERR_GONE: expired or removed; one
 * whose uses are all taken but that still has a lease is not gone for this call. */
MUST_CHECK enum err store_lookup(struct store *s, const struct share_id *id, int64_t now_s,
                                 struct record *ret_rec);

/* What anybody with the code may know. An upload whose last use is taken is SHARE_ENDED by uses,
 * at the time of that claim, though it may come back by store_release. Never ERR_NOTFOUND. */
MUST_CHECK enum err store_status(struct store *s, const struct share_id *id, int64_t now_s,
                                 struct share_state *ret_state);

/* ---- the end: record first, blob after ---- */

/* End an upload now: its record and leases are gone, a tombstone stays, its blob is doomed.
 * ERR_NOTFOUND, ERR_GONE (ended before, expired at now_s, or used up; while a lease still runs a
 * used-up upload can be ended). */
MUST_CHECK enum err store_remove(struct store *s, const struct share_id *id, enum ended_by how,
                                 int64_t now_s);

/* End up to `max` uploads that are due: expired, or used up without a lease that still runs. Drop
 * leases that are over, and tombstones and counters past their time. `ret_n` tells how many
 * uploads ended. An upload that expired ends at its expiry, whatever now_s is; one that is used up
 * ends by uses at its last claim, also when it has expired since. */
MUST_CHECK enum err store_end_due(struct store *s, int64_t now_s, unsigned max, unsigned *ret_n);

/* Make what was removed unrecoverable from the store's own files (its log, its free pages). Costs
 * nothing when nothing was removed since the last one that succeeded. */
MUST_CHECK enum err store_scrub(struct store *s);

/* The next doomed blob that nobody holds; hold it for `hold_s` so that no other node takes it.
 * ERR_NOTFOUND: none. */
struct doomed_blob {
    struct blob_name blob;
    uint64_t stored_bytes;
    int64_t ended_at_s;
    enum ended_by ended_by;
};
MUST_CHECK enum err store_take_doomed(struct store *s, int64_t now_s, int64_t hold_s,
                                      struct doomed_blob *ret_blob);

/* Hold a doomed blob until `until_s`, because destroying it takes longer. ERR_NOTFOUND: it is not
 * doomed, or was forgotten. */
MUST_CHECK enum err store_hold_doomed(struct store *s, const struct blob_name *blob,
                                      int64_t until_s);

/* That blob is destroyed: forget it. Forgetting twice is no error. */
MUST_CHECK enum err store_forget_doomed(struct store *s, const struct blob_name *blob);

/* When store_end_due or store_take_doomed next have something to do: a time that may have passed, 0
 * for at once; INT64_MAX: not known yet. Counters past their time may wait a minute longer. A
 * shared store may name a time that is too early, never one that is too late, and after
 * store_end_due one that has not passed unless there is more to do; what its own clock drops
 * (tombstones, counters) it does not call for. */
MUST_CHECK enum err store_next_due(struct store *s, int64_t *ret_at_s);

/* Whether a record or a doomed entry names this blob. For finding orphans. */
MUST_CHECK enum err store_knows_blob(struct store *s, const struct blob_name *blob,
                                     bool *ret_known);

/* ---- counters of the policies; names of up to STORE_NAME_MAX characters, else ERR_TOOBIG ---- */

struct counter {
    uint64_t value;
    int64_t resets_at_s; /* 0 when the value is 0 */
};

/* Add `n` to the counter. A counter that is new, or past its time, starts again at `n` and then
 * lasts `window_s`: it is past its time at now_s + window_s. Adding never prolongs it. With n = 0
 * this is store_peek. Values stop at INT64_MAX. `ret_counter` is the state after. */
MUST_CHECK enum err store_count(struct store *s, const char *name, uint64_t n, int64_t window_s,
                                int64_t now_s, struct counter *ret_counter);

/* Read a counter; one that is not there, or past its time, is 0. Cheap when it is not there. */
MUST_CHECK enum err store_peek(struct store *s, const char *name, int64_t now_s,
                               struct counter *ret_counter);

/* ---- the store itself ---- */

struct store_stats {
    uint64_t n_live;       /* uploads with a record */
    uint64_t stored_bytes; /* their blobs and the doomed ones */
};
MUST_CHECK enum err store_stats(struct store *s, struct store_stats *ret_stats);

/* Whether the store answers, with a real write. */
MUST_CHECK enum err store_ping(struct store *s);

/* The name that the store keeps of itself; a shared one that has none yet takes `want`. Storages
 * are marked with it, so that a node with a wrong store destroys nobody's blobs. One that was
 * emptied has forgotten it. An embedded store has the name of zeros: those of one storage succeed
 * each other. */
MUST_CHECK enum err store_identity(struct store *s, const struct store_name *want,
                                   struct store_name *ret_name);

/* Whether other nodes may use it too: then uploads can end without this node's doing. */
bool store_is_shared(const struct store *s);

void store_free(struct store *s); /* NULL is a no-op */

/* ---- backends ---- */

/* Open, or make, `mayfly.db` in the folder `dir` (mode 0600; the folder is made, mode 0700).
 * Tombstones last `tombstone_s`. ERR_DENIED: the folder is another user's, or group or others can
 * write to it; ERR_UNAVAIL: another process has it open; ERR_IO: not usable; ERR_INTEGRITY: not
 * our database, damaged, or of a newer version. Do not fork while it is open: a child that lives
 * on would keep the lock. Opens everything it needs at once, reads /dev/urandom later. */
MUST_CHECK enum err store_sqlite_open(const char *dir, int64_t tombstone_s,
                                      struct store **ret_store);

/* A Redis, or Valkey, from version 6 on, or a Cluster of them. Nothing is waited for longer than
 * about a second; while the server is away every call fails at once with ERR_UNAVAIL, and it is
 * used again as soon as it is back. What is sealed goes there sealed; names and types, hashes and
 * keys never do. Peeks at counters that other nodes change may be up to a second old.
 * `url`: see redis/url.h; texts are copied. Errors as rd_link_open's, and ERR_SYNTAX: the URL. */
struct store_redis_opts {
    const char *url;
    const char *password; /* instead of one in the URL; NULL: that one, or none */
    const char *ca_file;  /* PEM, for TLS; NULL: the system's */
    bool allow_open;      /* take a server that answers strangers over a network */
    int64_t tombstone_s;
};
MUST_CHECK enum err store_redis_open(const struct store_redis_opts *opts, struct store **ret_store);

/* What a URL says of itself. Pure: nothing is connected or looked up. ERR_SYNTAX: it is none; the
 * sentence never holds a part of it. */
struct store_redis_facts {
    bool is_tls, has_user, has_password;
};
MUST_CHECK enum err store_redis_check_url(const char *url, struct store_redis_facts *ret_facts);

#endif
