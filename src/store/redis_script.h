/* SPDX-License-Identifier: Apache-2.0 */
/* redis_script: the Lua scripts of src/store/lua, put into the program by scripts/embed-lua. What
 * each does, and its arguments, is told there. Constants. */
#ifndef MAYFLY_STORE_REDIS_SCRIPT_H
#define MAYFLY_STORE_REDIS_SCRIPT_H

struct rd_script {
    const char *sha1; /* of the text, 40 hex digits: how EVALSHA names it */
    const char *text;
};

/* Of one upload's keys; see upload.lua. */
extern const struct rd_script rd_put, rd_claim, rd_resume, rd_renew, rd_release, rd_settle,
    rd_preview, rd_lookup, rd_remove, rd_end;

/* Of the index's keys; see index.lua. */
extern const struct rd_script rd_index_add, rd_index_drop, rd_index_change, rd_doomed_take,
    rd_doomed_hold, rd_doomed_forget;

/* Of one counter's key. */
extern const struct rd_script rd_count;

#endif
