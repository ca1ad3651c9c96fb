/* SPDX-License-Identifier: Apache-2.0 */
/* qr: a QR code drawn with block characters of UTF-8, two rows of modules a line, black on white
 * (SGR colours) so that it can be read on dark terminals too, with its quiet zone. The only user of
 * libqrencode. Pure. */
#ifndef MAYFLY_CLIENT_QR_H
#define MAYFLY_CLIENT_QR_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

/* Append the picture of `text` (1 to 1,024 bytes). Without `has_colours` no SGR is used, and light
 * is drawn as blocks, for a dark terminal. On error nothing was appended. ERR_FIELD: no text;
 * ERR_TOOBIG: too long, or the ceiling of `ret`; ERR_NOMEM. */
MUST_CHECK enum err qr_draw(const char *text, bool has_colours, struct buf *ret);

#endif
