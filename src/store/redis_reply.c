/* SPDX-License-Identifier: Apache-2.0 */
/* redis_reply: replies read, strictly. */
#include "store/redis_int.h"

#include "base/text.h"

#include <string.h>

enum err
rd_damaged(void)
{
    return err_set(ERR_INTEGRITY, "what Redis holds is not what was stored");
}

bool
rd_parse_int(const char *text, size_t len, int64_t *ret_number)
{
    bool is_negative = len > 0 && text[0] == '-';
    uint64_t max = (uint64_t)INT64_MAX + is_negative, magnitude;

    if (text_u64(text + is_negative, len - is_negative, max, &magnitude) != ERR_OK)
        return false;
    *ret_number = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

struct rd_reader
rd_read(const redisReply *reply, size_t from)
{
    return (struct rd_reader){
        .reply = reply, .at = from, .is_bad = reply->type != REDIS_REPLY_ARRAY};
}

bool
rd_has(const struct rd_reader *r)
{
    return !r->is_bad && r->at < r->reply->elements &&
           r->reply->element[r->at]->type == REDIS_REPLY_STRING;
}

/* The next element's text; NULL when there is none. */
static const char *
next(struct rd_reader *r, size_t *ret_len)
{
    const redisReply *one;

    if (!rd_has(r)) {
        r->is_bad = true;
        return NULL;
    }
    one = r->reply->element[r->at++];
    *ret_len = (size_t)one->len;
    return one->str;
}

void
rd_skip(struct rd_reader *r)
{
    r->at++;
}

int64_t
rd_int(struct rd_reader *r)
{
    size_t len = 0;
    const char *text = next(r, &len);
    int64_t number = 0;

    if (text != NULL && !rd_parse_int(text, len, &number))
        r->is_bad = true;
    return number;
}

uint64_t
rd_u64(struct rd_reader *r, uint64_t max)
{
    size_t len = 0;
    const char *text = next(r, &len);
    uint64_t number = 0;

    if (text != NULL && text_u64(text, len, max, &number) != ERR_OK)
        r->is_bad = true;
    return number;
}

void
rd_hex(struct rd_reader *r, uint8_t ret_bytes[ID_LEN])
{
    size_t len = 0;
    const char *text = next(r, &len);

    if (text == NULL || len != HEX_LEN(ID_LEN) || hex_decode(text, ret_bytes, ID_LEN) != ERR_OK) {
        memset(ret_bytes, 0, ID_LEN);
        r->is_bad = true;
    }
}

void
rd_bytes(struct rd_reader *r, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    size_t len = 0;
    const char *bytes = next(r, &len);

    if (bytes == NULL || len > cap) {
        r->is_bad = true;
        len = 0;
    } else {
        memcpy(ret_bytes, bytes, len);
    }
    *ret_len = len;
}

enum err
rd_record(const redisReply *reply, const struct share_id *id, struct record *ret_rec)
{
    struct rd_reader r = rd_read(reply, 2);
    struct record *rec = ret_rec;
    size_t hash_len;

    rec->id = *id;
    rd_hex(&r, rec->blob.b);
    rec->size_bytes = rd_u64(&r, INT64_MAX);
    rec->stored_bytes = rd_u64(&r, INT64_MAX);
    rec->created_at_s = rd_int(&r);
    rec->expires_at_s = rd_int(&r);
    rec->uses_total = (uint32_t)rd_u64(&r, UINT32_MAX);
    rec->uses_left = (uint32_t)rd_u64(&r, UINT32_MAX);
    rec->preview_taken = rd_u64(&r, 1) != 0;
    rd_bytes(&r, rec->burn_hash, sizeof(rec->burn_hash), &hash_len);
    rd_bytes(&r, rec->sealed, sizeof(rec->sealed), &rec->sealed_len);
    return r.is_bad || hash_len != sizeof(rec->burn_hash) ? rd_damaged() : ERR_OK;
}
