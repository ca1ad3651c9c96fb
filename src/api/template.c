/* SPDX-License-Identifier: Apache-2.0 */
#include "api/template.h"

#include "api/api_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct slot *
find_slot(const struct slot *slots, size_t n, const char *name, size_t len)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(slots[i].name) == len && strncmp(slots[i].name, name, len) == 0)
            return &slots[i];
    }
    return NULL;
}

enum err
template_fill(const char *text, const struct slot *slots, size_t n, struct buf *ret)
{
    enum err e = ERR_OK;

    while (e == ERR_OK) {
        const char *open = strstr(text, "{{"), *close;
        const struct slot *s;

        if (open == NULL)
            return buf_add_text(ret, text);
        close = strstr(open, "}}");
        if (close == NULL)
            return err_set(ERR_IO, "a slot of a template does not end");
        s = find_slot(slots, n, open + 2, (size_t)(close - open) - 2);
        if (s == NULL)
            return err_set(ERR_IO, "a template has a slot that nothing fills: %.*s",
                           (int)(close - open), open + 2);
        e = buf_add(ret, text, (size_t)(open - text));
        if (e == ERR_OK)
            e = s->is_html ? buf_add_text(ret, s->value) : html_add(ret, s->value);
        text = close + 2;
    }
    return e;
}

void
size_text(uint64_t bytes, char ret_text[SIZE_TEXT_LEN])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = 0, tenths;
    uint64_t whole;

    while (unit < 6 && bytes >> (10 * (unit + 1)) > 0)
        unit++;
    whole = bytes >> (10 * unit);
    tenths = unit == 0 ? 0 : (unsigned)((bytes >> (10 * (unit - 1)) & 1023) * 10 / 1024);
    if (tenths == 0)
        (void)snprintf(ret_text, SIZE_TEXT_LEN, "%" PRIu64 " %s", whole, units[unit]);
    else
        (void)snprintf(ret_text, SIZE_TEXT_LEN, "%" PRIu64 ".%u %s", whole, tenths, units[unit]);
}
