/* SPDX-License-Identifier: Apache-2.0 */
/* Age files of outside bytes, under the passphrase of tests/data/age/make.py, which makes the
 * seeds. The first byte says what the rest is: 0: a file as it comes, binary or armored. Whatever
 * the pieces, it comes to one end. When it opens, its plaintext sealed again opens to itself; and a
 * look at it had said yes. 1: a header as it comes. When it is one for a passphrase, writing its
 * parts gives its bytes: it has no other form. No prefix of it is malformed, and none is more than
 * partial. 2: a payload as it comes, behind a header that holds. It opens only when every chunk
 * holds. 3: bytes as they come, armored and not: the armor stage gives them back. 4: where and how
 * to damage (a position in two bytes, a mask), and a plaintext. Sealed, it opens to itself; sealed
 * and damaged, never, and gives nothing but whole chunks. */
#include "crypt/age_int.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 18, ROOM_MAX = 4 * INPUT_MAX, WORK_MAX = 4 };

static struct secret *phrase;

static void
require(bool claim)
{
    if (!claim)
        abort();
}

static void
set_up(void)
{
    static const char text[] = "cargo velvet canyon oboe thrift nine";
    bool locked;

    if (phrase != NULL)
        return;
    require(crypt_init(&locked) == ERR_OK);
    require(secret_copy(text, strlen(text), &phrase) == ERR_OK);
}

/* A source that gives at most `step` bytes at a time. */
struct trickle {
    struct source source;
    const uint8_t *bytes;
    size_t len, step;
};

static enum err
trickle_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct trickle *t = (struct trickle *)s;
    size_t n = t->len < t->step ? t->len : t->step;

    n = n < cap ? n : cap;
    if (n > 0)
        memcpy(ret_bytes, t->bytes, n);
    t->bytes += n;
    t->len -= n;
    *ret_len = n;
    return ERR_OK;
}

static void
trickle_free(struct source *s)
{
    (void)s;
}

static const struct source_ops trickling = {trickle_read, trickle_free};

/* Read `s` by pieces of `cap` (at most 256), and free it. */
static enum err
drain(struct source *s, size_t cap, struct buf *ret)
{
    uint8_t piece[256];
    size_t n = 1;
    enum err e = ERR_OK;

    while (e == ERR_OK && n > 0) {
        e = source_read(s, piece, cap, &n);
        require(e != ERR_OK || n <= cap);
        if (e == ERR_OK)
            e = buf_add(ret, piece, n);
    }
    source_free(s);
    return e;
}

static enum err
open_by(const uint8_t *bytes, size_t len, size_t step, size_t cap, struct buf *ret)
{
    struct trickle t = {{&trickling}, bytes, len, step};
    struct source *file = &t.source, *plain = NULL;
    enum err e = age_source_new(&file, phrase, WORK_MAX, &plain);

    require(file == NULL && (e == ERR_OK) == (plain != NULL));
    return e == ERR_OK ? drain(plain, cap, ret) : e;
}

/* Every way to read comes to the same end with the same plaintext. */
static enum err
open_all(const uint8_t *bytes, size_t len, struct buf *ret)
{
    enum err e = open_by(bytes, len, SIZE_MAX, 256, ret), other;
    struct buf again;

    require(e == ERR_OK || e == ERR_SYNTAX || e == ERR_DENIED || e == ERR_TOOBIG ||
            e == ERR_INTEGRITY);
    require(e == ERR_OK || ret->len % AGE_CHUNK_LEN == 0);
    buf_init(&again, ROOM_MAX);
    other = open_by(bytes, len, 1 + len % 97, 1 + len % 255, &again);
    require(other == e && again.len == ret->len);
    require(ret->len == 0 || mem_equal(again.data, ret->data, ret->len));
    buf_done(&again);
    return e;
}

static void
seal(const uint8_t *plain, size_t len, struct buf *ret)
{
    struct sink *end = NULL, *sealer = NULL;

    require(sink_to_buf(ret, &end) == ERR_OK);
    require(age_sealer_new(phrase, 1, &end, &sealer) == ERR_OK);
    require(sink_write(sealer, plain, len) == ERR_OK && sink_finish(sealer) == ERR_OK);
    sink_free(sealer);
    require(ret->len == age_file_len(len, 1));
}

/* Sealed, `plain` opens to itself. */
static void
comes_back(const uint8_t *plain, size_t len, struct buf *ret_file)
{
    struct buf opened;

    seal(plain, len, ret_file);
    require(age_look(ret_file->data, ret_file->len) == AGE_LOOK_YES);
    buf_init(&opened, ROOM_MAX);
    require(open_all(ret_file->data, ret_file->len, &opened) == ERR_OK);
    require(opened.len == len && (len == 0 || mem_equal(opened.data, plain, len)));
    buf_done(&opened);
}

static void
file_as_it_comes(const uint8_t *data, size_t size)
{
    struct buf opened, file;

    buf_init(&opened, ROOM_MAX);
    buf_init(&file, ROOM_MAX);
    if (open_all(data, size, &opened) == ERR_OK) {
        require(age_is_armor(data[0]) || age_look(data, size) == AGE_LOOK_YES);
        comes_back(opened.data, opened.len, &file);
    }
    buf_done(&opened);
    buf_done(&file);
}

static void
header_as_it_comes(const uint8_t *data, size_t size)
{
    struct age_header h, ignored;
    uint8_t text[AGE_HEAD_LEN_MAX];
    enum age_form form = age_header_read(data, size, &h);
    enum age_look look = age_look(data, size);
    size_t n;

    require(look != AGE_LOOK_MORE || size < AGE_HEAD_LEN_MAX);
    if (form != AGE_WELL_FORMED) {
        require(look != AGE_LOOK_YES);
        return;
    }
    require(h.len <= size && h.maced_len + 45 == h.len);
    for (size_t len = 0; len < h.len; len += 1 + h.len / 100)
        require(age_header_read(data, len, &ignored) == AGE_PARTIAL);
    require((look == AGE_LOOK_YES) == (h.is_scrypt && h.work <= AGE_WORK_LIMIT));
    if (look != AGE_LOOK_YES)
        return;
    n = age_header_write(&h, text);
    require(n == h.maced_len);
    n += age_header_write_mac(h.mac, text + n);
    require(n == h.len && mem_equal(text, data, n));
}

/* The header of a file under a fixed file key, which `ret_file_key` gets. */
static void
fixed_header(struct buf *ret, struct secret **ret_file_key)
{
    struct age_header h = {.work = 1};
    uint8_t text[AGE_HEAD_LEN_MAX];
    size_t n;

    require(secret_copy("0123456789abcdef", AGE_FILE_KEY_LEN, ret_file_key) == ERR_OK);
    require(age_wrap(phrase, *ret_file_key, &h) == ERR_OK);
    n = age_header_write(&h, text);
    require(age_header_mac(*ret_file_key, text, n, h.mac) == ERR_OK);
    n += age_header_write_mac(h.mac, text + n);
    require(buf_add(ret, text, n) == ERR_OK);
}

static void
payload_as_it_comes(const uint8_t *data, size_t size)
{
    struct secret *file_key = NULL;
    struct buf file, opened;
    enum err e;

    buf_init(&file, ROOM_MAX);
    buf_init(&opened, ROOM_MAX);
    fixed_header(&file, &file_key);
    require(buf_add(&file, data, size) == ERR_OK);
    e = open_all(file.data, file.len, &opened);
    require(e == ERR_OK || e == ERR_INTEGRITY);
    require(e != ERR_OK || age_file_len(opened.len, 1) == file.len);
    secret_free(file_key);
    buf_done(&file);
    buf_done(&opened);
}

static void
bytes_in_armor(const uint8_t *data, size_t size)
{
    struct trickle t = {.source = {&trickling}, .step = 1 + size % 200};
    struct source *file = &t.source, *binary = NULL;
    struct buf text, got;
    uint8_t line[AGE_COLUMNS];

    buf_init(&text, ROOM_MAX);
    buf_init(&got, ROOM_MAX);
    require(buf_add_text(&text, "-----BEGIN AGE ENCRYPTED FILE-----\n") == ERR_OK);
    for (size_t at = 0; at < size; at += AGE_LINE_BYTES) {
        size_t step = size - at < AGE_LINE_BYTES ? size - at : AGE_LINE_BYTES;
        size_t n = b64_encode(data + at, step, line);

        while (n % 4 != 0)
            line[n++] = '=';
        require(buf_add(&text, line, n) == ERR_OK && buf_add_text(&text, "\n") == ERR_OK);
    }
    require(buf_add_text(&text, "-----END AGE ENCRYPTED FILE-----\n") == ERR_OK);
    t.bytes = text.data;
    t.len = text.len;
    require(age_armor_new(&file, NULL, 0, &binary) == ERR_OK);
    require(drain(binary, 1 + size % 255, &got) == ERR_OK && got.len == size);
    require(size == 0 || mem_equal(got.data, data, size));
    buf_done(&text);
    buf_done(&got);
}

static void
sealed_then_damaged(const uint8_t *data, size_t size)
{
    struct buf file, opened;
    size_t at;

    if (size < 3)
        return;
    buf_init(&file, ROOM_MAX);
    buf_init(&opened, ROOM_MAX);
    comes_back(data + 3, size - 3, &file);
    at = (size_t)(data[0] << 8 | data[1]) % file.len;
    if (data[2] == 0)
        file.len = at; /* no bit to flip: cut there */
    else
        file.data[at] ^= data[2];
    require(open_all(file.data, file.len, &opened) != ERR_OK);
    require(opened.len == 0 || mem_equal(opened.data, data + 3, opened.len));
    buf_done(&file);
    buf_done(&opened);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const ways[])(const uint8_t *data, size_t size) = {
        file_as_it_comes, header_as_it_comes, payload_as_it_comes, bytes_in_armor,
        sealed_then_damaged};

    if (size == 0 || size > INPUT_MAX)
        return 0;
    set_up();
    ways[data[0] % ARRAY_LEN(ways)](data + 1, size - 1);
    return 0;
}
