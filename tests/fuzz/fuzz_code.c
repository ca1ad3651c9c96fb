/* SPDX-License-Identifier: Apache-2.0 */
/* Share codes: any text either is refused, and the output left alone, or has one canonical form
 * that is made of the alphabet, has the number of words asked for, and reads as itself. An id is
 * no code, and is read as it stands or not at all. */
#include "base/err.h"
#include "base/mem.h"
#include "words/words.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_canonical(const struct share_code *code, unsigned n_words)
{
    struct share_code again;
    size_t len = strnlen(code->text, sizeof(code->text));
    unsigned n = 1;

    assert(code->n_words == n_words && len < sizeof(code->text) && len > 0);
    assert(strspn(code->text, "abcdefghijklmnopqrstuvwxyz-") == len);
    assert(code->text[0] != '-' && code->text[len - 1] != '-');
    assert(strstr(code->text, "--") == NULL);
    for (const char *at = code->text; (at = strchr(at, '-')) != NULL; at++)
        n++;
    assert(n == n_words);
    assert(words_parse(words_builtin(), n_words, code->text, &again) == ERR_OK);
    assert(strcmp(again.text, code->text) == 0);
}

/* Returns whether the text is an id. */
static unsigned
check_id(const char *text)
{
    struct share_code code, before;

    memset(&code, 0xa5, sizeof(code));
    before = code;
    if (words_parse_id(text, &code) != ERR_OK) {
        assert(mem_equal(&code, &before, sizeof(code)));
        return 0;
    }
    assert(code.n_words == 0 && strcmp(code.text, text) == 0 && strlen(text) == CODE_ID_LEN);
    assert(strspn(text, "abcdefghijklmnopqrstuvwxyz234567") == CODE_ID_LEN);
    return 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    unsigned n_taken = 0;

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    for (unsigned n = 1; n <= CODE_WORDS_E2E; n++) {
        struct share_code code, before;

        memset(&code, 0xa5, sizeof(code));
        before = code;
        if (words_parse(words_builtin(), n, text, &code) == ERR_OK) {
            n_taken++;
            check_canonical(&code, n);
        } else {
            assert(mem_equal(&code, &before, sizeof(code)));
        }
    }
    n_taken += check_id(text);
    assert(n_taken <= 1); /* a text has one number of words, or is an id */
    free(text);
    return 0;
}
