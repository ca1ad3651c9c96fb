/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads by script: one step a connection, what it answers and how it ends. */
#ifndef MAYFLY_TESTS_SCRIPT_DOWNLOAD_H
#define MAYFLY_TESTS_SCRIPT_DOWNLOAD_H

#include "script_server.h"

#include "base/mem.h"

enum { SIZE = 3000000 };

/* How a connection ends after `n` bytes of its body. */
enum end { WELL, CUT, RESET, STALL };

struct step {
    const char *head; /* without the blank line; NULL: nothing is said */
    uint64_t from;
    size_t n;
    enum end end;
};

struct script {
    const struct step *steps;
    unsigned n;
};

static inline void
serve(struct server *s, int fd, unsigned nth)
{
    const struct script *script = s->ctx;
    const struct step *step = &script->steps[nth < script->n ? nth : script->n - 1];
    char *body;

    if (!hear_head(s, fd))
        return;
    if (step->head != NULL) {
        say(fd, step->head);
        say(fd, "\r\n\r\n");
    }
    body = malloc(step->n + 1);
    for (size_t i = 0; body != NULL && i < step->n; i++)
        body[i] = (char)byte_at(step->from + i);
    if (body != NULL)
        say_bytes(fd, body, step->n);
    free(body);
    if (step->end == RESET)
        reset(fd);
    if (step->end == STALL)
        while (more(s, fd))
            ;
}

#define FULL                                                                                       \
    "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\nETag: \"e1\"\r\n"                               \
    "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=\"a.txt\"\r\n"          \
    "X-SHA256: 0123\r\nX-Uses-Remaining: 4\r\nX-Mayfly-Meta: bWV0YQ"
#define PART(from) /* from there to the end of 3,000,000 */                                        \
    "HTTP/1.1 206 Partial\r\nETag: \"e1\"\r\nContent-Range: bytes " from "-2999999/3000000"

struct result {
    enum err opened, read; /* of the end of reading */
    unsigned status, n_resumed;
    uint64_t got;
    bool is_right; /* each byte */
    struct net_file file;
    char sentence[256];
};

/* The whole of a download, in reads of `cap` bytes. */
static inline void
fetch(struct net *n, size_t cap, struct result *ret)
{
    uint8_t *piece = malloc(cap);
    struct net_download *d = NULL;
    struct net_reply r;
    size_t len = 1;

    *ret = (struct result){.is_right = true};
    net_reply_init(&r);
    assert_non_null(piece);
    ret->opened = net_download_open(n, "velvet-canyon-oboe", &d, &r);
    ret->status = r.status;
    if (ret->opened == ERR_OK && d != NULL) {
        ret->file = *net_download_file(d);
        while (ret->read == ERR_OK && len > 0) {
            ret->read = source_read(net_download_source(d), piece, cap, &len);
            for (size_t i = 0; ret->read == ERR_OK && i < len; i++)
                ret->is_right &= piece[i] == byte_at(ret->got + i);
            ret->got += ret->read == ERR_OK ? len : 0;
        }
        ret->n_resumed = net_download_n_resumed(d);
    }
    (void)snprintf(ret->sentence, sizeof(ret->sentence), "%s", err_sentence());
    net_download_free(d);
    net_reply_done(&r);
    free(piece);
}

static inline struct server *
play(const struct step *steps, unsigned n, size_t cap, struct result *ret)
{
    struct script *script = malloc(sizeof(*script));
    struct server *s;
    struct net *net;

    assert_non_null(script);
    *script = (struct script){steps, n};
    s = server_start(serve, script);
    net = quick_net(s->url);
    net->limits.stall_ms = 300;
    fetch(net, cap, ret);
    net_free(net);
    server_stop(s);
    free(script);
    return s;
}

/* A script, what it must come to, and how many requests that takes. */
#define PLAY(steps, cap, ret) play(steps, ARRAY_LEN(steps), cap, ret)

static inline void
is_whole(const struct result *r, uint64_t size)
{
    if (r->opened != ERR_OK || r->read != ERR_OK)
        fail_msg("opened %s, read %s: %s", err_name(r->opened), err_name(r->read), r->sentence);
    assert_int_equal(r->got, size);
    assert_true(r->is_right);
}

/* Range of the requests, in order; "" for none. */
static inline void
asked_ranges(const struct server *s, const char *const *ranges, unsigned n)
{
    char line[256], want[64];

    assert_int_equal(s->n_heads, n);
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(want, sizeof(want), "%s%s", ranges[i][0] != '\0' ? "Range: bytes=" : "",
                       ranges[i]);
        assert_string_equal(asked(s, i, "Range", line), want);
        assert_string_equal(asked(s, i, "If-Range", line), "");
        assert_int_equal(strncmp(s->heads[i], "GET /download/velvet-canyon-oboe HTTP/1.1\r\n", 43),
                         0);
    }
}

#endif
