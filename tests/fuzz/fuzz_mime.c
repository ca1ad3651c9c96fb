/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of types: a list that is taken allows each type that it names, and says no to what is no
 * type, unless it is empty. The input is a list, or a list and a type with a line feed between. */
#include "base/text.h"
#include "policy/mime.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const char *list, const char *type)
{
    struct mime_rules r = {0};

    if (mime_rules_parse(list, &r) != ERR_OK) {
        assert(r.patterns == NULL && r.n == 0);
        return;
    }
    assert((r.n == 0) == text_is_blank(list));
    for (size_t i = 0; i < r.n; i++) {
        const char *p = r.patterns[i];

        assert(strchr(p, '/') != NULL && strpbrk(p, " \t,;ABCXYZ") == NULL);
        if (strchr(p, '*') == NULL)
            assert(mime_is_allowed(&r, p));
    }
    if (r.n > 0 && mime_is_allowed(&r, type))
        assert(strchr(type, '/') != NULL && strpbrk(type, "* \t,;\"") == NULL);
    mime_rules_done(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *list = malloc(size + 1), *type;

    if (list == NULL)
        return 0;
    if (size > 0)
        memcpy(list, data, size);
    list[size] = '\0';
    type = strchr(list, '\n');
    if (type != NULL)
        *type++ = '\0';
    check(list, type == NULL ? list : type);
    free(list);
    return 0;
}
