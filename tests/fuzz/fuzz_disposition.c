/* SPDX-License-Identifier: Apache-2.0 */
/* A Content-Disposition: the name that is read is UTF-8 of at most 255 bytes, as the caller has
 * room for; and what the header's own server writes of a name is read as that name again. */
#include "base/text.h"
#include "client/reply.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool claim)
{
    if (!claim)
        abort();
}

static void
check_utf8(const char *name)
{
    const uint8_t *s = (const uint8_t *)name;
    size_t left = strlen(name), n;

    for (; left > 0; s += n, left -= n) {
        n = text_utf8(s, left, NULL);
        must(n > 0);
    }
}

/* `name`, percent-encoded or quoted, comes out as it is. */
static void
check_again(const char *name)
{
    char header[2048], again[256], *at;

    at = header + snprintf(header, sizeof(header), "attachment; filename=x; filename*=UTF-8''");
    for (const char *c = name; *c != '\0'; c++)
        at += snprintf(at, 4, "%%%02x", (unsigned)(uint8_t)*c);
    reply_filename(header, again);
    must(strcmp(again, name) == 0);

    at = header + snprintf(header, sizeof(header), "attachment; filename=\"");
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            *at++ = '\\';
        *at++ = *c;
    }
    (void)snprintf(at, 8, "\"; x=y");
    reply_filename(header, again);
    must(strcmp(again, name) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *header = malloc(size + 1), name[256];

    if (header == NULL)
        return 0;
    if (size > 0)
        memcpy(header, data, size);
    header[size] = '\0';
    memset(name, 'x', sizeof(name));
    reply_filename(header, name);
    must(memchr(name, '\0', sizeof(name)) != NULL);
    check_utf8(name);
    if (name[0] != '\0')
        check_again(name);
    free(header);
    return 0;
}
