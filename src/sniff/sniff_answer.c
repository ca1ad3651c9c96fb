/* SPDX-License-Identifier: Apache-2.0 */
#include "sniff/sniff_int.h"

#include "base/text.h"

#include <stdbool.h>
#include <string.h>

static bool
is_name_char(char c, bool first)
{
    if (text_is_alpha(c) || text_is_digit(c))
        return true;
    return !first && c != '\0' && strchr("!#$&-^_.+", c) != NULL;
}

enum err
sniff_answer_read(const uint8_t *text, size_t len, char ret_type[MIME_TEXT_LEN])
{
    char type[MIME_TEXT_LEN];
    bool first = true, slash = false;

    if (len >= sizeof(type))
        return err_set(ERR_SYNTAX, "a type of more than %zu characters", sizeof(type) - 1);
    for (size_t i = 0; i < len; i++) {
        char c = (char)text[i];

        if (c == '/' && !slash && !first) {
            slash = true;
            first = true;
        } else if (is_name_char(c, first)) {
            first = false;
        } else {
            return err_set(ERR_SYNTAX, "not a type: a wrong character at %zu", i);
        }
        type[i] = text_lower(c);
    }
    if (!slash || first)
        return err_set(ERR_SYNTAX, "not a type: no type/subtype");
    type[len] = '\0';
    memcpy(ret_type, type, len + 1);
    return ERR_OK;
}
