/* SPDX-License-Identifier: Apache-2.0 */
#include "client/qr.h"

#include "base/mem.h"

#include <errno.h>
#include <qrencode.h>
#include <string.h>

enum {
    TEXT_MAX = 1024,
    QUIET = 4, /* modules of margin (ISO/IEC 18004) */
    PICTURE_MAX = 256 * 1024,
};

/* Black and white of the 256 colours: the first sixteen are whatever the user made of them. */
static const char *const ink = "\033[38;5;16;48;5;231m";
static const char *const ink_end = "\033[0m";

static bool
is_dark(const QRcode *code, int x, int y)
{
    if (x < 0 || y < 0 || x >= code->width || y >= code->width)
        return false;
    return (code->data[y * code->width + x] & 1) != 0;
}

/* Two modules, one above the other. The ink of a block is dark with colours, light without. */
static const char *
block(bool top, bool bottom)
{
    if (top && bottom)
        return "\xe2\x96\x88";
    if (top)
        return "\xe2\x96\x80";
    return bottom ? "\xe2\x96\x84" : " ";
}

static enum err
draw(const QRcode *code, bool has_colours, struct buf *ret)
{
    enum err e = ERR_OK;

    for (int y = -QUIET; e == ERR_OK && y < code->width + QUIET; y += 2) {
        if (has_colours)
            e = buf_add_text(ret, ink);
        for (int x = -QUIET; e == ERR_OK && x < code->width + QUIET; x++) {
            bool top = is_dark(code, x, y), bottom = is_dark(code, x, y + 1);

            e = buf_add_text(ret, block(top == has_colours, bottom == has_colours));
        }
        if (e == ERR_OK && has_colours)
            e = buf_add_text(ret, ink_end);
        if (e == ERR_OK)
            e = buf_add_text(ret, "\n");
    }
    return e;
}

enum err
qr_draw(const char *text, bool has_colours, struct buf *ret)
{
    size_t len = strlen(text);
    struct buf picture;
    QRcode *code;
    enum err e;

    if (len > TEXT_MAX)
        return err_set(ERR_TOOBIG, "a text of %zu bytes is too long for a QR code", len);
    if (len == 0)
        return err_set(ERR_FIELD, "there is no text to draw");
    /* The lowest correction: a screen has no dirt, and a small picture fits more terminals. */
    code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    if (code == NULL && errno == ENOMEM)
        return err_set(ERR_NOMEM, "no memory for a QR code");
    if (code == NULL)
        return err_set(ERR_TOOBIG, "the text does not fit a QR code");
    buf_init(&picture, PICTURE_MAX);
    e = draw(code, has_colours, &picture);
    if (e == ERR_OK)
        e = buf_add(ret, picture.data, picture.len);
    buf_done(&picture);
    mem_wipe(code->data, (size_t)code->width * (size_t)code->width); /* a link holds the words */
    QRcode_free(code);
    return e;
}
