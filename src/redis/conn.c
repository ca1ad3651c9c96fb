/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/conn.h"

#include "base/buf.h"
#include "base/mem.h"
#include "redis/error.h"
#include "redis/parser.h"

#include <string.h>

enum {
    READ_LEN = 16 * 1024,
    OUT_MAX = 16 * 1024 * 1024,
    OUT_KEEP = 64 * 1024, /* more is given back after it was sent */
};

struct rd_conn {
    struct dial *dial;
    struct rd_parser *parser;
    struct buf out;
};

void
rd_conn_free(struct rd_conn *c)
{
    if (c == NULL)
        return;
    dial_free(c->dial);
    rd_parser_free(c->parser);
    buf_done(&c->out);
    free(c);
}

enum err
rd_conn_add(struct rd_conn *c, const struct rd_command *command)
{
    const char **argv = (const char **)(uintptr_t)command->argv; /* only read from */
    char *bytes = NULL;
    enum err e;
    int len;

    len = redisFormatCommandArgv(&bytes, command->argc, argv, command->lens);
    if (len < 0)
        return err_set(ERR_NOMEM, "no memory for a command");
    e = buf_add(&c->out, bytes, (size_t)len);
    mem_wipe(bytes, (size_t)len); /* it may be AUTH */
    redisFreeCommand(bytes);
    return e;
}

enum err
rd_conn_send(struct rd_conn *c, int64_t deadline_ms)
{
    enum err e = ERR_OK;

    if (c->out.len > 0)
        e = dial_write(c->dial, c->out.data, c->out.len, deadline_ms);
    if (c->out.cap > OUT_KEEP) {
        buf_done(&c->out);
    } else {
        mem_wipe(c->out.data, c->out.len);
        c->out.len = 0;
    }
    return e;
}

enum err
rd_conn_reply(struct rd_conn *c, int64_t deadline_ms, redisReply **ret_reply)
{
    char bytes[READ_LEN];
    redisReply *reply = NULL;
    size_t len;
    enum err e;

    e = rd_parser_next(c->parser, &reply); /* it may have come with the one before */
    while (e == ERR_OK && reply == NULL) {
        e = dial_read(c->dial, bytes, sizeof(bytes), deadline_ms, &len);
        if (e == ERR_OK)
            e = rd_parser_feed(c->parser, bytes, len);
        if (e == ERR_OK)
            e = rd_parser_next(c->parser, &reply);
    }
    if (e == ERR_OK)
        *ret_reply = reply;
    return e;
}

bool
rd_conn_has_begun(const struct rd_conn *c)
{
    return !rd_parser_is_empty(c->parser);
}

bool
rd_conn_is_quiet(struct rd_conn *c)
{
    return rd_parser_is_empty(c->parser) && dial_is_quiet(c->dial);
}

/* ---- the login ---- */

static enum err
add_words(struct rd_conn *c, int n, const char *const *words)
{
    size_t lens[3];

    for (int i = 0; i < n; i++)
        lens[i] = strlen(words[i]);
    return rd_conn_add(c, &(struct rd_command){.argc = n, .argv = words, .lens = lens});
}

static enum err
add_auth(struct rd_conn *c, const struct rd_login *login)
{
    const char *words[3] = {"AUTH", login->user, login->password};

    if (login->user[0] != '\0')
        return add_words(c, 3, words);
    words[1] = login->password;
    return add_words(c, 2, words);
}

/* The reply to AUTH or SELECT. What is not refused for now is refused for good, as `refusal`. */
static enum err
take_consent(struct rd_conn *c, int64_t deadline_ms, enum err refusal)
{
    redisReply *reply = NULL;
    struct rd_error refused;
    enum err e;

    e = rd_conn_reply(c, deadline_ms, &reply);
    if (e != ERR_OK)
        return e;
    if (reply->type == REDIS_REPLY_ERROR) {
        rd_error_read(reply->str, reply->len, &refused);
        e = refused.is_denied ? ERR_DENIED : refused.err == ERR_UNAVAIL ? ERR_UNAVAIL : refusal;
        (void)err_set(e, "%s (Redis says %s)",
                      refusal == ERR_DENIED ? "it refuses our login" : "it refuses the database",
                      refused.word);
    } else if (reply->type != REDIS_REPLY_STATUS) {
        e = err_set(ERR_INTEGRITY, "what answers the login is no Redis");
    }
    freeReplyObject(reply);
    return e;
}

static enum err
log_in(struct rd_conn *c, const struct rd_login *login, int64_t deadline_ms)
{
    bool has_auth = login->user[0] != '\0' || login->password[0] != '\0';
    const char *words[2] = {"SELECT", NULL};
    char number[12];
    enum err e = ERR_OK;

    if (has_auth)
        e = add_auth(c, login);
    if (e == ERR_OK && login->database != 0) {
        (void)snprintf(number, sizeof(number), "%u", login->database);
        words[1] = number;
        e = add_words(c, 2, words);
    }
    if (e == ERR_OK)
        e = rd_conn_send(c, deadline_ms);
    if (e == ERR_OK && has_auth)
        e = take_consent(c, deadline_ms, ERR_DENIED);
    if (e == ERR_OK && login->database != 0)
        e = take_consent(c, deadline_ms, ERR_UNSUPPORTED);
    return e;
}

enum err
rd_conn_open(const struct rd_login *login, const struct dial_addr *addr, const char *host,
             int64_t deadline_ms, struct rd_conn **ret_conn)
{
    struct rd_conn *c = calloc(1, sizeof(*c));
    enum err e;

    if (c == NULL)
        return err_set(ERR_NOMEM, "no memory for a connection");
    buf_init(&c->out, OUT_MAX);
    e = rd_parser_new(&c->parser);
    if (e == ERR_OK)
        e = dial_open(addr, login->tls, host, deadline_ms, &c->dial);
    if (e == ERR_OK)
        e = log_in(c, login, deadline_ms);
    if (e != ERR_OK) {
        rd_conn_free(c);
        return e;
    }
    *ret_conn = c;
    return ERR_OK;
}
