/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pump.h"

#include "base/mem.h"
#include "client/interrupt.h"

#include <stdlib.h>

enum { PIECE_LEN = 256 * 1024 };

enum err
pump(struct source *source, struct sink *to)
{
    uint8_t *piece = malloc(PIECE_LEN);
    size_t n = 1;
    enum err e = ERR_OK;

    if (piece == NULL)
        return err_set(ERR_NOMEM, "no memory for a piece of the file");
    while (e == ERR_OK && n > 0) {
        e = interrupt_seen() ? err_set(ERR_CLOSED, "interrupted")
                             : source_read(source, piece, PIECE_LEN, &n);
        if (e == ERR_OK && n > 0)
            e = sink_write(to, piece, n);
    }
    if (e == ERR_OK)
        e = sink_finish(to);
    mem_wipe(piece, PIECE_LEN); /* plaintext */
    free(piece);
    return e;
}
