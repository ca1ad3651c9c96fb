/* SPDX-License-Identifier: Apache-2.0 */
/* Eight bytes of a file's size, then a Range header: whatever fits lies in the file and is never
 * empty where a range was asked for, and a range that is read can be written and read again. */
#include "http/range.h"

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
check_again(const struct range_spec *spec)
{
    struct range_spec again;
    char text[64];

    if (spec->kind == RANGE_SUFFIX)
        (void)snprintf(text, sizeof(text), "bytes=-%ju", (uintmax_t)spec->last);
    else
        (void)snprintf(text, sizeof(text), "bytes=%ju-%ju", (uintmax_t)spec->first,
                       (uintmax_t)spec->last);
    must(range_parse(text, &again) == ERR_OK);
    must(again.kind == spec->kind && again.last == spec->last);
    must(spec->kind == RANGE_SUFFIX || again.first == spec->first);
}

static void
check_fit(const struct range_spec *spec, uint64_t size)
{
    uint64_t from = 77, len = 78;

    if (range_fit(spec, size, &from, &len) != ERR_OK) {
        must(from == 77 && len == 78);
        must(size == 0 || (spec->kind == RANGE_FROM ? spec->first >= size : spec->last == 0));
        return;
    }
    must(from <= size && len <= size - from);
    switch (spec->kind) {
    case RANGE_NONE:
        must(from == 0 && len == size);
        break;
    case RANGE_FROM:
        must(len > 0 && from == spec->first && from + (len - 1) <= spec->last);
        break;
    case RANGE_SUFFIX:
        must(len > 0 && len <= spec->last && from + len == size);
        break;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct range_spec spec = {.kind = RANGE_SUFFIX, .first = 77, .last = 78};
    uint64_t file_size;
    char *header;

    if (size < sizeof(file_size) || (header = malloc(size - sizeof(file_size) + 1)) == NULL)
        return 0;
    memcpy(&file_size, data, sizeof(file_size));
    memcpy(header, data + sizeof(file_size), size - sizeof(file_size));
    header[size - sizeof(file_size)] = '\0';
    if (range_parse(header, &spec) != ERR_OK) {
        must(spec.kind == RANGE_SUFFIX && spec.first == 77 && spec.last == 78);
        must(strcasestr(header, "bytes") != NULL);
    } else {
        if (spec.kind == RANGE_FROM)
            must(spec.first <= spec.last);
        if (spec.kind != RANGE_NONE)
            check_again(&spec);
        check_fit(&spec, file_size);
        check_fit(&spec, file_size >> 56);
    }
    must(range_if(header, header) == (header[0] == '"' && header[strlen(header) - 1] != ' ' &&
                                      header[strlen(header) - 1] != '\t'));
    must(!range_if("W/\"a\"", header));
    free(header);
    return 0;
}
