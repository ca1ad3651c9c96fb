/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/age_int.h"

#include "base/mem.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

static const char version_line[] = "age-encryption.org/v1\n";
static const char stanza_mark[] = "-> ", mac_mark[] = "---", scrypt_name[] = "scrypt";

enum {
    VERSION_LEN = sizeof(version_line) - 1,
    N_ARGS = 3, /* of a scrypt stanza: the name, the salt, the work factor */
};

/* Bytes of the header; not terminated. */
struct span {
    const uint8_t *at;
    size_t len;
};

struct stanza {
    struct span args[N_ARGS]; /* the first of them */
    size_t n_args;
    uint8_t body[AGE_LINE_BYTES]; /* the first line of it */
    size_t body_len;              /* of all lines */
};

static bool
is_text(struct span s, const char *text)
{
    return s.len == strlen(text) && mem_equal(s.at, text, s.len);
}

static bool
begins_with(struct span s, const char *text)
{
    return s.len >= strlen(text) && mem_equal(s.at, text, strlen(text));
}

static struct span
without(struct span s, size_t len)
{
    return (struct span){s.at + len, s.len - len};
}

/* The next line without its LF; moves `rest` behind it. */
static enum age_form
take_line(struct span *rest, struct span *ret_line)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->at, '\n', rest->len);

    if (end == NULL)
        return AGE_PARTIAL;
    *ret_line = (struct span){rest->at, (size_t)(end - rest->at)};
    *rest = without(*rest, ret_line->len + 1);
    return AGE_WELL_FORMED;
}

/* Arguments are of visible ASCII characters, one blank between two. */
static bool
split_args(struct span line, struct stanza *ret)
{
    struct span arg = {line.at, 0};

    for (size_t i = 0; i <= line.len; i++) {
        if (i < line.len && line.at[i] != ' ') {
            if (line.at[i] < '!' || line.at[i] > '~')
                return false;
            arg.len++;
            continue;
        }
        if (arg.len == 0)
            return false;
        if (ret->n_args < N_ARGS)
            ret->args[ret->n_args] = arg;
        ret->n_args++;
        arg = (struct span){line.at + i + 1, 0};
    }
    return true;
}

/* The lines behind the arguments, up to one of less than 64 columns, which may be empty. */
static enum age_form
take_body(struct span *rest, struct stanza *ret)
{
    uint8_t bytes[AGE_LINE_BYTES];
    struct span line = {NULL, AGE_COLUMNS};
    size_t n = 0;

    while (line.len == AGE_COLUMNS) {
        if (take_line(rest, &line) == AGE_PARTIAL)
            return AGE_PARTIAL;
        if (line.len > AGE_COLUMNS ||
            b64_decode(line.at, line.len, bytes, sizeof(bytes), &n) != ERR_OK)
            return AGE_MALFORMED;
        if (ret->body_len == 0)
            memcpy(ret->body, bytes, n);
        ret->body_len += n;
    }
    return AGE_WELL_FORMED;
}

/* A decimal number of at least 1, without a sign or leading zeros; too large ones are all alike. */
static bool
read_work(struct span arg, unsigned *ret_work)
{
    unsigned work = 0;

    for (size_t i = 0; i < arg.len; i++) {
        if (arg.at[i] < '0' || arg.at[i] > '9' || arg.at[0] == '0')
            return false;
        work = work > (UINT_MAX - 9) / 10 ? UINT_MAX : work * 10 + (unsigned)(arg.at[i] - '0');
    }
    *ret_work = work;
    return true;
}

static bool
read_scrypt(const struct stanza *s, struct age_header *ret)
{
    size_t n = 0;

    if (s->n_args != N_ARGS || s->body_len != AGE_WRAPPED_LEN || !read_work(s->args[2], &ret->work))
        return false;
    if (b64_decode(s->args[1].at, s->args[1].len, ret->salt, AGE_SALT_LEN, &n) != ERR_OK ||
        n != AGE_SALT_LEN)
        return false;
    memcpy(ret->body, s->body, AGE_WRAPPED_LEN);
    ret->is_scrypt = true;
    return true;
}

/* `line` is the first of a stanza. */
static enum age_form
take_stanza(struct span line, struct span *rest, struct age_header *ret)
{
    struct stanza s = {.n_args = 0};
    enum age_form form;

    if (!begins_with(line, stanza_mark) || !split_args(without(line, strlen(stanza_mark)), &s))
        return AGE_MALFORMED;
    form = take_body(rest, &s);
    if (form == AGE_WELL_FORMED && is_text(s.args[0], scrypt_name) && !read_scrypt(&s, ret))
        return AGE_MALFORMED;
    return form;
}

/* `line` begins with the mark of the MAC. */
static enum age_form
read_mac(struct span line, struct age_header *ret)
{
    size_t n = 0;

    line = without(line, strlen(mac_mark));
    if (line.len != 1 + B64URL_LEN(AGE_MAC_LEN) || line.at[0] != ' ' ||
        b64_decode(line.at + 1, line.len - 1, ret->mac, AGE_MAC_LEN, &n) != ERR_OK)
        return AGE_MALFORMED;
    return AGE_WELL_FORMED;
}

enum age_form
age_header_read(const uint8_t *bytes, size_t len, struct age_header *ret_header)
{
    size_t known = len < VERSION_LEN ? len : VERSION_LEN, n_stanzas = 0;
    struct span rest = {bytes, len}, line = {NULL, 0};
    struct age_header h = {.is_scrypt = false};
    enum age_form form;

    if (known > 0 && !mem_equal(bytes, version_line, known))
        return AGE_MALFORMED; /* told before the line is whole */
    form = take_line(&rest, &line);
    while (form == AGE_WELL_FORMED) {
        h.maced_len = (size_t)(rest.at - bytes) + strlen(mac_mark);
        form = take_line(&rest, &line);
        if (form != AGE_WELL_FORMED || begins_with(line, mac_mark))
            break;
        form = take_stanza(line, &rest, &h);
        n_stanzas++;
        if (form == AGE_WELL_FORMED && h.is_scrypt && n_stanzas > 1)
            form = AGE_MALFORMED; /* who may open it would not be one who knows the passphrase */
    }
    if (form == AGE_WELL_FORMED)
        form = n_stanzas == 0 ? AGE_MALFORMED : read_mac(line, &h);
    if (form == AGE_WELL_FORMED) {
        h.len = (size_t)(rest.at - bytes);
        *ret_header = h;
    }
    return form;
}

enum age_look
age_look(const uint8_t *bytes, size_t len)
{
    struct age_header h = {.is_scrypt = false};
    size_t n = len < AGE_HEAD_LEN_MAX ? len : AGE_HEAD_LEN_MAX;
    enum age_form form = age_header_read(bytes, n, &h);

    if (form == AGE_PARTIAL && n < AGE_HEAD_LEN_MAX)
        return AGE_LOOK_MORE;
    return form == AGE_WELL_FORMED && h.is_scrypt && h.work <= AGE_WORK_LIMIT ? AGE_LOOK_YES
                                                                              : AGE_LOOK_NO;
}

static size_t
add_text(uint8_t *text, size_t at, const char *more)
{
    memcpy(text + at, more, strlen(more));
    return at + strlen(more);
}

size_t
age_header_write(const struct age_header *header, uint8_t *ret_text)
{
    char work[8];
    size_t n;

    assert(header->work >= 1 && header->work <= AGE_WORK_LIMIT);
    (void)snprintf(work, sizeof(work), " %u\n", header->work);
    n = add_text(ret_text, 0, version_line);
    n = add_text(ret_text, n, stanza_mark);
    n = add_text(ret_text, n, scrypt_name);
    n = add_text(ret_text, n, " ");
    n += b64_encode(header->salt, AGE_SALT_LEN, ret_text + n);
    n = add_text(ret_text, n, work);
    n += b64_encode(header->body, AGE_WRAPPED_LEN, ret_text + n);
    n = add_text(ret_text, n, "\n");
    return add_text(ret_text, n, mac_mark);
}

size_t
age_header_write_mac(const uint8_t mac[AGE_MAC_LEN], uint8_t *ret_text)
{
    size_t n = add_text(ret_text, 0, " ");

    n += b64_encode(mac, AGE_MAC_LEN, ret_text + n);
    return add_text(ret_text, n, "\n");
}
