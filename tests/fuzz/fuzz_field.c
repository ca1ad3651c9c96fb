/* SPDX-License-Identifier: Apache-2.0 */
/* One text, read as each of the header values, and written as a file name: what is written is plain
 * ASCII, cannot leave its quotes or its line, and gives the name back. */
#include "base/buf.h"
#include "base/text.h"
#include "http/field.h"
#include "http/multipart.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool claim)
{
    if (!claim)
        abort();
}

static enum err
on_begin(void *ctx, const struct multipart_part *part)
{
    return buf_add_text(ctx, part->filename);
}

static enum err
on_data(void *ctx, const uint8_t *bytes, size_t len)
{
    (void)ctx;
    (void)bytes;
    (void)len;
    return ERR_OK;
}

static enum err
on_end(void *ctx)
{
    (void)ctx;
    return ERR_OK;
}

/* Our own form reader, strict as it is, reads the same parameters; where it must refuse (lengths)
 * nothing is claimed. */
static void
check_read_back(const char *name, const char *parameters)
{
    struct multipart_events events = {NULL, on_begin, on_data, on_end};
    struct multipart *m = NULL;
    struct buf form, back;

    buf_init(&form, 1 << 16);
    buf_init(&back, MULTIPART_FILENAME_MAX);
    events.ctx = &back;
    must(buf_addf(&form, "--b\r\nContent-Disposition: form-data; name=n%s\r\n\r\n\r\n--b--",
                  parameters) == ERR_OK);
    must(multipart_new("multipart/form-data; boundary=b", &events, &m) == ERR_OK);
    must(multipart_push(m, form.data, form.len) == ERR_OK && multipart_finish(m) == ERR_OK);
    must(strcmp(buf_text(&back), name) == 0);
    multipart_free(m);
    buf_done(&form);
    buf_done(&back);
}

static bool
is_clean_utf8(const char *name)
{
    size_t left = strlen(name), n;

    for (; left > 0; name += n, left -= n) {
        n = text_utf8((const uint8_t *)name, left, NULL);
        if (n == 0 || (unsigned char)*name < 0x20 || *name == 0x7f)
            return false;
    }
    return true;
}

static void
check_disposition(const char *name)
{
    static const char front[] = "attachment; filename=\"";
    const char *s, *quote;
    struct buf b;

    buf_init(&b, 1 << 20);
    must(field_disposition(name, &b) == ERR_OK);
    s = buf_text(&b);
    for (size_t i = 0; i < b.len; i++)
        must(s[i] >= 0x20 && s[i] < 0x7f);
    must(strncmp(s, front, sizeof(front) - 1) == 0);
    quote = strchr(s + sizeof(front) - 1, '"');
    must(quote != NULL && strchr(quote + 1, '"') == NULL && strchr(s, '\\') == NULL);
    must(quote[1] == '\0' || strncmp(quote + 1, "; filename*=UTF-8''", 19) == 0);
    if (is_clean_utf8(name) && strlen(name) <= MULTIPART_FILENAME_MAX)
        check_read_back(name, s + strlen("attachment"));
    buf_done(&b);
}

static void
check_readers(const char *text)
{
    const char *token = field_bearer(text);
    char with[600];

    must(token == NULL ||
         (token[0] != '\0' && strpbrk(token, " \t\r\n") == NULL && text_begins(text, "bearer ")));
    if (field_is_authority(text)) {
        must(strlen(text) <= FIELD_AUTHORITY_MAX && strpbrk(text, "/?#@\\ \t\r\n\"'<>%,;") == NULL);
        must(text[0] == '[' || strchr(text, ':') == NULL ||
             strchr(text, ':') == strrchr(text, ':'));
    }
    if (strlen(text) > 500)
        return;
    if (field_names_json(text)) { /* what is worth more than all else cannot lose by company */
        (void)snprintf(with, sizeof(with), "text/html;q=0.001, %s", text);
        must(field_names_json(with));
    }
    (void)snprintf(with, sizeof(with), "application/json, text/html;q=0.999, %s", text);
    must(field_names_json(with) && !field_prefers_html(with));
    (void)snprintf(with, sizeof(with), "close, %s", text);
    must(field_list_has(with, "CLOSE"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size > 8192 || (text = malloc(size + 1)) == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check_disposition(text);
    check_readers(text);
    free(text);
    return 0;
}
