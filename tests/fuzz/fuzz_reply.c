/* SPDX-License-Identifier: Apache-2.0 */
/* Two bytes of status, one of flags, then a body (or a Location): a refusal has an error and a
 * sentence that a terminal may show; what is read of a success has its form, and what is not read
 * leaves its place alone. */
#include "base/text.h"
#include "client/reply.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool claim)
{
    if (!claim)
        abort();
}

/* Printable, whole UTF-8, and so short that nothing was cut by err_set. */
static void
check_sentence(void)
{
    const uint8_t *s = (const uint8_t *)err_sentence();
    size_t left = strlen(err_sentence()), n;
    uint32_t c = 0;

    must(left > 0 && left < 255);
    for (; left > 0; s += n, left -= n) {
        n = text_utf8(s, left, &c);
        must(n > 0 && c >= 0x20 && (c < 0x7f || c > 0x9f));
        must(c != 0x200e && c != 0x200f && (c < 0x2028 || c > 0x202e));
        must(c < 0x2066 || c > 0x2069);
    }
}

/* A text in its array, of characters that may be shown, compared with 0x21 to 0x7e. */
static void
check_text(const char *text, size_t cap, size_t min)
{
    must(memchr(text, '\0', cap) != NULL && strlen(text) >= min);
    for (; *text != '\0'; text++)
        must(*text >= 0x20 && *text < 0x7f);
}

static void
check_time(const char *text)
{
    int64_t at_s;

    must(text[0] == '\0' || reply_time(text, &at_s) == ERR_OK);
}

static void
check_receipt(const struct net_reply *r)
{
    struct receipt got = {.uses = 77};
    size_t len;

    if (reply_receipt(r, &got) != ERR_OK) {
        check_sentence();
        must(got.uses == 77 && got.key[0] == '\0' && got.burn_token[0] == '\0');
        return;
    }
    check_text(got.key, sizeof(got.key), 3);
    must(strspn(got.key, "abcdefghijklmnopqrstuvwxyz234567-") == strlen(got.key));
    check_text(got.burn_token, sizeof(got.burn_token), 1);
    check_text(got.sha256, sizeof(got.sha256), REPLY_SHA256_LEN);
    check_text(got.server, sizeof(got.server), 0);
    len = strlen(got.server);
    must(len == 0 || (len > 7 && strncasecmp(got.server, "http", 4) == 0));
    must(strchr(got.server, ' ') == NULL);
    must(got.expiry[0] != '\0');
    check_time(got.expiry);
    receipt_wipe(&got);
}

static void
check_status(const struct net_reply *r)
{
    struct reply_status got = {.uses_left = 77};

    if (reply_status(r, &got) != ERR_OK) {
        check_sentence();
        must(got.uses_left == 77 && got.status[0] == '\0');
        return;
    }
    check_text(got.status, sizeof(got.status), 6);
    check_text(got.ended_by, sizeof(got.ended_by), 0);
    check_time(got.expires_at);
    check_time(got.ended_at);
}

static void
check_preview(const struct net_reply *r)
{
    struct reply_preview *got = calloc(1, sizeof(*got));

    if (got == NULL)
        return;
    if (reply_preview(r, got) != ERR_OK) {
        check_sentence();
        must(got->name[0] == '\0' && got->size_bytes == 0);
    } else {
        must(memchr(got->name, '\0', sizeof(got->name)) != NULL && got->name[0] != '\0');
        check_text(got->type, sizeof(got->type), 0);
        check_text(got->sha256, sizeof(got->sha256), REPLY_SHA256_LEN);
        check_text(got->meta, sizeof(got->meta), 0);
        check_time(got->expiry);
        must(got->size_bytes <= INT64_MAX);
    }
    free(got);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct net_reply r = {0};

    if (size < 3 || size > NET_BODY_MAX)
        return 0;
    buf_init(&r.body, NET_BODY_MAX);
    r.status = (unsigned)(data[0] << 8 | data[1]) % 1000;
    r.retry_after_s = (data[2] & 2) != 0 ? (int64_t)data[2] << (data[2] % 56) : 0;
    if ((data[2] & 1) != 0 && size - 3 < sizeof(r.location))
        memcpy(r.location, data + 3, size - 3);
    if (buf_add(&r.body, data + 3, size - 3) != ERR_OK)
        return 0;
    must(reply_error(&r) != ERR_OK);
    check_sentence();
    check_receipt(&r);
    check_status(&r);
    check_preview(&r);
    buf_done(&r.body);
    return 0;
}
