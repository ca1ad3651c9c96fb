/* SPDX-License-Identifier: Apache-2.0 */
#include "client/settings_file.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

enum kind { KIND_SERVER, KIND_PATH, KIND_TEXT, KIND_NUMBER };

#define FIELD(f) offsetof(struct settings_file, f)

static const struct known {
    const char *name;
    size_t offset;
    enum kind kind;
    unsigned max; /* as the options have it */
} known[] = {
    {"server", FIELD(server), KIND_SERVER, 0},
    {"cacert", FIELD(ca_file), KIND_PATH, 0},
    {"proxy", FIELD(proxy), KIND_TEXT, 0},
    {"expiry", FIELD(expiry_min), KIND_NUMBER, OPTIONS_EXPIRY_MAX},
    {"uses", FIELD(uses), KIND_NUMBER, OPTIONS_USES_MAX},
    {"token-file", FIELD(token_file), KIND_PATH, 0},
};

struct span {
    const char *at;
    size_t len;
};

static struct span
trim(struct span s)
{
    while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t')) {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static enum err
set_value(const struct known *k, const char *text, struct settings_file *f)
{
    void *field = (char *)f + k->offset;
    uint64_t n = 0;

    switch (k->kind) {
    case KIND_SERVER:
        return server_parse(text, field);
    case KIND_NUMBER:
        if (text_u64(text, strlen(text), k->max, &n) != ERR_OK || n == 0)
            return err_set(ERR_FIELD, "%s takes a number from 1 to %u", k->name, k->max);
        *(unsigned *)field = (unsigned)n;
        return ERR_OK;
    case KIND_PATH:
        if (text[0] != '/' && (text[0] != '~' || text[1] != '/'))
            return err_set(ERR_FIELD, "%s takes a path that begins with / or ~/", k->name);
        break;
    case KIND_TEXT:
        break;
    }
    memcpy(field, text, strlen(text) + 1);
    return ERR_OK;
}

static enum err
read_pair(struct span name, struct span value, unsigned *seen, struct settings_file *f)
{
    char text[SETTINGS_PATH_LEN];

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strlen(known[i].name) != name.len || strncmp(known[i].name, name.at, name.len) != 0)
            continue;
        if ((*seen & 1U << i) != 0)
            return err_set(ERR_FIELD, "%s stands there twice", known[i].name);
        *seen |= 1U << i;
        if (value.len == 0)
            return err_set(ERR_FIELD, "%s has no value", known[i].name);
        if (value.at[0] == '"' || value.at[0] == '\'')
            return err_set(ERR_FIELD, "a value begins with a quote: write it without");
        if (value.len >= sizeof(text))
            return err_set(ERR_FIELD, "the value of %s is too long", known[i].name);
        memcpy(text, value.at, value.len);
        text[value.len] = '\0';
        return set_value(&known[i], text, f);
    }
    return err_set(ERR_FIELD, "the names are server, cacert, proxy, expiry, uses and token-file");
}

static bool
has_control(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (((unsigned char)s.at[i] < 0x20 && s.at[i] != '\t') || s.at[i] == 0x7f)
            return true;
    }
    return false;
}

static enum err
read_line(struct span line, unsigned *seen, struct settings_file *f)
{
    const char *equals;
    struct span name, value;

    if (has_control(line))
        return err_set(ERR_FIELD, "there is a control character");
    line = trim(line);
    if (line.len == 0 || line.at[0] == '#')
        return ERR_OK;
    equals = memchr(line.at, '=', line.len);
    if (equals == NULL)
        return err_set(ERR_FIELD, "this is not NAME=value");
    name = (struct span){line.at, (size_t)(equals - line.at)};
    value = (struct span){equals + 1, line.len - name.len - 1};
    return read_pair(trim(name), trim(value), seen, f);
}

enum err
settings_file_parse(const char *bytes, size_t len, struct settings_file *ret)
{
    struct settings_file f = {0};
    unsigned seen = 0, n_lines = 0;

    while (len > 0) {
        const char *end = memchr(bytes, '\n', len);
        size_t whole = end != NULL ? (size_t)(end - bytes) + 1 : len;
        struct span line = {bytes, end != NULL ? whole - 1 : whole};
        enum err e;

        if (end != NULL && line.len > 0 && line.at[line.len - 1] == '\r')
            line.len--;
        n_lines++;
        e = read_line(line, &seen, &f);
        if (e != ERR_OK)
            return err_set(e, "line %u: %s", n_lines, err_sentence());
        bytes += whole;
        len -= whole;
    }
    *ret = f;
    return ERR_OK;
}
