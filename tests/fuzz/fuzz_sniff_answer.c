/* SPDX-License-Identifier: Apache-2.0 */
/* What the type helper says, byte by byte hostile: a type that passes is one token, a slash, one
 * token, in lower case, and reads back as itself. */
#include "base/text.h"
#include "sniff/sniff_int.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int holds)
{
    if (!holds)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char type[MIME_TEXT_LEN], again[MIME_TEXT_LEN];
    size_t len, n_slashes = 0;

    memset(type, '~', sizeof(type));
    if (sniff_answer_read(data, size, type) != ERR_OK) {
        for (size_t i = 0; i < sizeof(type); i++)
            check(type[i] == '~');
        return 0;
    }
    len = strnlen(type, sizeof(type));
    check(len == size && len < sizeof(type));
    for (size_t i = 0; i < len; i++) {
        check(type[i] > ' ' && type[i] < 0x7f &&
              strchr("\"(),:;<=>?@[\\]{}%*'`~|", type[i]) == NULL);
        check(!(type[i] >= 'A' && type[i] <= 'Z'));
        check(type[i] == text_lower((char)data[i]));
        n_slashes += type[i] == '/';
    }
    check(n_slashes == 1 && type[0] != '/' && type[len - 1] != '/');
    check(sniff_answer_read((const uint8_t *)type, len, again) == ERR_OK);
    check(strcmp(type, again) == 0);
    return 0;
}
