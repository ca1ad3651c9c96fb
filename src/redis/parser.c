/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/parser.h"

struct rd_parser {
    redisReader *reader;
    redisReplyObjectFunctions make; /* hiredis' own, with our createArray */
    void *(*create_array)(const redisReadTask *task, int n);
    size_t n_bytes;    /* taken in of the reply that is not whole yet */
    size_t n_elements; /* of its arrays so far */
    bool is_over;      /* it passes a limit */
};

/* hiredis allocates an array when it has read its length, long before the elements are there. */
static void *
create_array(const redisReadTask *task, int n)
{
    struct rd_parser *p = task->privdata;

    p->n_elements += (size_t)n;
    if (n > RD_ARRAY_MAX || p->n_elements > RD_ELEMENTS_MAX) {
        p->is_over = true;
        return NULL;
    }
    return p->create_array(task, n);
}

enum err
rd_parser_new(struct rd_parser **ret_parser)
{
    struct rd_parser *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return err_set(ERR_NOMEM, "no memory for a parser");
    p->reader = redisReaderCreate();
    if (p->reader == NULL) {
        free(p);
        return err_set(ERR_NOMEM, "no memory for a parser");
    }
    p->make = *p->reader->fn;
    p->create_array = p->make.createArray;
    p->make.createArray = create_array;
    p->reader->fn = &p->make;
    p->reader->privdata = p;
    *ret_parser = p;
    return ERR_OK;
}

void
rd_parser_free(struct rd_parser *p)
{
    if (p == NULL)
        return;
    redisReaderFree(p->reader);
    free(p);
}

static enum err
failure(const struct rd_parser *p)
{
    if (p->is_over)
        return err_set(ERR_INTEGRITY, "a reply of Redis passes our limits");
    if (p->reader->err == REDIS_ERR_OOM)
        return err_set(ERR_NOMEM, "no memory for a reply of Redis");
    return err_set(ERR_INTEGRITY, "what Redis sent is no reply");
}

enum err
rd_parser_feed(struct rd_parser *p, const void *bytes, size_t len)
{
    if (p->is_over || redisReaderFeed(p->reader, bytes, len) != REDIS_OK)
        return failure(p);
    p->n_bytes += len;
    return ERR_OK;
}

enum err
rd_parser_next(struct rd_parser *p, redisReply **ret_reply)
{
    size_t left;
    void *reply = NULL;

    if (p->is_over || redisReaderGetReply(p->reader, &reply) != REDIS_OK)
        return failure(p);
    if (reply == NULL) {
        p->is_over = p->n_bytes > RD_REPLY_MAX;
        if (p->is_over)
            return failure(p);
        *ret_reply = NULL;
        return ERR_OK;
    }
    left = p->reader->len - p->reader->pos;
    p->is_over = p->n_bytes - left > RD_REPLY_MAX;
    p->n_bytes = left;
    p->n_elements = 0;
    if (p->is_over) {
        freeReplyObject(reply);
        return failure(p);
    }
    *ret_reply = reply;
    return ERR_OK;
}

bool
rd_parser_is_empty(const struct rd_parser *p)
{
    return p->n_bytes == 0;
}
