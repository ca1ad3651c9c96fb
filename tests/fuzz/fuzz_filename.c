/* SPDX-License-Identifier: Apache-2.0 */
/* File names: whatever comes in, what comes out is valid UTF-8 of 1 to 255 bytes without a
 * forbidden character or a blank at its ends, is more than dots, and comes out of itself. */
#include "base/text.h"
#include "policy/filename.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_char(uint32_t c)
{
    assert(c >= 0x20 && !(c >= 0x7f && c <= 0x9f));
    assert(c >= 0x80 || strchr("/\\;|&$`<>", (int)c) == NULL);
    assert(c != 0x200e && c != 0x200f);
    assert(!(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[FILENAME_TEXT_LEN], again[FILENAME_TEXT_LEN];
    size_t len, n;
    uint32_t c;

    filename_clean((const char *)data, size, name);
    len = strnlen(name, sizeof(name));
    assert(len >= 1 && len < sizeof(name));
    for (size_t at = 0; at < len; at += n) {
        n = text_utf8((const uint8_t *)name + at, len - at, &c);
        assert(n > 0);
        check_char(c);
    }
    assert(name[0] != ' ' && name[len - 1] != ' ');
    assert(strspn(name, ".") < len);
    filename_clean(name, len, again);
    assert(strcmp(name, again) == 0);
    return 0;
}
