/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/look.h"

#include "base/mem.h"
#include "base/text.h"
#include "redis/error.h"

#include <string.h>

/* ---- INFO ---- */

/* The value of a line that begins with `name`, up to the line's end; false when it does not. */
static bool
value_of(const char *line, size_t len, const char *name, const char **ret_value, size_t *ret_len)
{
    size_t n = strlen(name);

    if (len < n || memcmp(line, name, n) != 0)
        return false;
    *ret_value = line + n;
    *ret_len = len - n;
    return true;
}

static bool
says(const char *value, size_t len, const char *what)
{
    return len == strlen(what) && memcmp(value, what, len) == 0;
}

static void
read_line(const char *line, size_t len, struct rd_info *info)
{
    const char *value, *dot;
    uint64_t major = 0;
    size_t n;

    if (value_of(line, len, "redis_version:", &value, &n)) {
        dot = memchr(value, '.', n);
        if (dot != NULL && text_u64(value, (size_t)(dot - value), 9999, &major) == ERR_OK)
            info->major = (unsigned)major;
    } else if (value_of(line, len, "role:", &value, &n)) {
        info->is_master = says(value, n, "master");
    } else if (value_of(line, len, "loading:", &value, &n)) {
        info->is_loading = !says(value, n, "0");
    } else if (value_of(line, len, "cluster_enabled:", &value, &n)) {
        info->is_cluster = says(value, n, "1");
    }
}

void
rd_info_read(const char *text, size_t len, struct rd_info *ret_info)
{
    struct rd_info info = {0};
    const char *end;
    size_t n;

    while (len > 0) {
        end = memchr(text, '\n', len);
        n = end != NULL ? (size_t)(end - text) : len;
        read_line(text, n > 0 && text[n - 1] == '\r' ? n - 1 : n, &info);
        n += end != NULL;
        text += n;
        len -= n;
    }
    *ret_info = info;
}

/* ---- asking ---- */

static enum err
add_command(struct rd_conn *c, const char *verb, const char *arg)
{
    const char *argv[2] = {verb, arg};
    size_t lens[2] = {strlen(verb), arg != NULL ? strlen(arg) : 0};
    struct rd_command command = {.argc = arg != NULL ? 2 : 1, .argv = argv, .lens = lens};

    return rd_conn_add(c, &command);
}

/* An error reply is an answer too, unless it says that the server is of no use to us. */
static enum err
judge_ping(const redisReply *reply)
{
    struct rd_error said;

    if (reply->type == REDIS_REPLY_STATUS)
        return ERR_OK;
    if (reply->type != REDIS_REPLY_ERROR)
        return err_set(ERR_UNAVAIL, "what answers is no Redis");
    rd_error_read(reply->str, reply->len, &said);
    if (said.is_denied)
        return err_set(ERR_DENIED, "it refuses our user or password (Redis says %s)", said.word);
    if (said.is_away)
        return err_set(ERR_UNAVAIL, "Redis says %s", said.word);
    return ERR_OK;
}

static enum err
judge_info(const redisReply *reply, struct rd_info *ret_info)
{
    struct rd_info info;
    struct rd_error said;

    if (reply->type == REDIS_REPLY_ERROR) {
        rd_error_read(reply->str, reply->len, &said);
        return err_set(said.is_denied ? ERR_DENIED : ERR_UNAVAIL,
                       "it does not tell its version (Redis says %s)", said.word);
    }
    if (reply->type != REDIS_REPLY_STRING)
        return err_set(ERR_UNAVAIL, "what answers is no Redis");
    rd_info_read(reply->str, reply->len, &info);
    if (info.major == 0)
        return err_set(ERR_UNAVAIL, "what answers is no Redis");
    if (info.major < RD_MAJOR_MIN)
        return err_set(ERR_UNAVAIL, "Redis %u is older than %d", info.major, RD_MAJOR_MIN);
    if (info.is_loading)
        return err_set(ERR_UNAVAIL, "Redis is loading its data");
    if (!info.is_master)
        return err_set(ERR_UNAVAIL, "Redis is a replica");
    *ret_info = info;
    return ERR_OK;
}

enum err
rd_look(struct rd_conn *c, int64_t deadline_ms, struct rd_info *ret_info)
{
    redisReply *ping = NULL, *info = NULL;
    enum err e;

    e = add_command(c, "PING", NULL);
    if (e == ERR_OK)
        e = add_command(c, "INFO", NULL);
    if (e == ERR_OK)
        e = rd_conn_send(c, deadline_ms);
    if (e == ERR_OK)
        e = rd_conn_reply(c, deadline_ms, &ping);
    if (e == ERR_OK)
        e = judge_ping(ping);
    if (e == ERR_OK)
        e = rd_conn_reply(c, deadline_ms, &info);
    if (e == ERR_OK)
        e = judge_info(info, ret_info);
    freeReplyObject(ping);
    freeReplyObject(info);
    return e;
}

/* ---- strangers ---- */

/* The next of a stranger's replies: ERR_OK when it refuses, ERR_DENIED when it serves. */
static enum err
take_refusal(struct rd_conn *c, int64_t deadline_ms)
{
    redisReply *reply = NULL;
    struct rd_error said;
    enum err e;

    e = rd_conn_reply(c, deadline_ms, &reply);
    if (e == ERR_CLOSED || e == ERR_IO)
        return ERR_OK; /* the protected mode hangs up */
    if (e != ERR_OK)
        return e;
    if (reply->type != REDIS_REPLY_ERROR) {
        e = err_set(ERR_DENIED, "it serves anybody on the network without a password, which only "
                                "REDIS_ALLOW_OPEN=on allows");
    } else {
        rd_error_read(reply->str, reply->len, &said);
        if (!said.is_denied)
            e = err_set(ERR_UNAVAIL, "it does not tell whom it serves (Redis says %s)", said.word);
    }
    freeReplyObject(reply);
    return e;
}

enum err
rd_look_closed(const struct rd_login *login, const struct dial_addr *addr, const char *host,
               int64_t deadline_ms)
{
    const struct rd_login stranger = {.tls = login->tls, .user = "", .password = ""};
    struct rd_conn *c = NULL;
    enum err e, first, second;

    e = rd_conn_open(&stranger, addr, host, deadline_ms, &c);
    if (e != ERR_OK)
        return e;
    e = add_command(c, "PING", NULL);
    if (e == ERR_OK)
        e = add_command(c, "EXISTS", "upload:{0}"); /* who may not PING may still have our keys */
    if (e == ERR_OK)
        e = rd_conn_send(c, deadline_ms);
    if (e == ERR_CLOSED)
        e = ERR_OK; /* by what it has said before, which can still be read */
    if (e == ERR_OK) {
        first = take_refusal(c, deadline_ms);
        second = first == ERR_OK || first == ERR_UNAVAIL ? take_refusal(c, deadline_ms) : first;
        e = second != ERR_OK ? second : first;
    }
    rd_conn_free(c);
    return e;
}
