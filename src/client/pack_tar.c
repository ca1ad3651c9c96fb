/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pack_int.h"

#include "base/mem.h"
#include "client/spill.h"
#include "client/term.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PIECE_LEN = 128 * 1024,
    WAIT_MAX = 2 * PIECE_LEN, /* a piece, and a header with long names in front of it */
    BLOCK_LEN = 512,          /* of tar */
};

struct tar {
    struct source source;
    struct pack_roots roots;
    struct walk *walk;
    struct archive *archive;
    struct archive_entry *header;
    locale_t utf8;
    struct walk_entry file; /* its `fd` is -1 between files */
    uint64_t left;          /* of the file */
    bool is_ended, is_dropped;
    struct spill spill;
    enum err spill_error;
    uint8_t piece[PIECE_LEN];
};

/* ---- libarchive ---- */

static la_ssize_t
on_write(struct archive *a, void *ctx, const void *bytes, size_t len)
{
    struct tar *t = ctx;

    if (!t->is_dropped) {
        t->spill_error = spill_put(&t->spill, bytes, len);
        if (t->spill_error == ERR_OK)
            return (la_ssize_t)len;
    }
    archive_set_error(a, ENOMEM, "no room");
    return -1;
}

/* A warning is about a name that is no UTF-8; it is then stored as the bytes that it is. */
static enum err
check(const struct tar *t, la_ssize_t got)
{
    if (got >= ARCHIVE_WARN)
        return ERR_OK;
    if (t->spill_error != ERR_OK)
        return t->spill_error;
    return err_set(ERR_IO, "the tar cannot be made");
}

static enum err
open_archive(struct tar *t)
{
    enum err e;

    t->archive = archive_write_new();
    t->header = archive_entry_new();
    if (t->archive == NULL || t->header == NULL)
        return err_set(ERR_NOMEM, "no memory for a tar");
    e = check(t, archive_write_set_format_pax_restricted(t->archive));
    if (e == ERR_OK) /* hand on each piece as it comes, and add no block of zeros */
        e = check(t, archive_write_set_bytes_per_block(t->archive, 0));
    if (e == ERR_OK)
        e = check(t, archive_write_set_bytes_in_last_block(t->archive, 1));
    if (e == ERR_OK)
        e = check(t, archive_write_open(t->archive, t, NULL, on_write, NULL));
    return e;
}

static enum err
write_header(struct tar *t, const struct walk_entry *entry)
{
    static const unsigned types[] = {
        [WALK_FILE] = AE_IFREG, [WALK_FOLDER] = AE_IFDIR, [WALK_LINK] = AE_IFLNK};

    archive_entry_clear(t->header);
    archive_entry_set_pathname(t->header, entry->path);
    archive_entry_set_filetype(t->header, types[entry->kind]);
    archive_entry_set_perm(t->header, entry->st.st_mode & 0777);
    archive_entry_set_mtime(t->header, entry->st.st_mtim.tv_sec, 0);
    archive_entry_set_size(t->header, entry->kind == WALK_FILE ? entry->st.st_size : 0);
    if (entry->kind == WALK_LINK)
        archive_entry_set_symlink(t->header, entry->link);
    return check(t, archive_write_header(t->archive, t->header));
}

/* ---- one step ---- */

static enum err
fail(const struct tar *t, const char *what)
{
    char shown[TERM_SHOWN_LEN];

    term_shown(t->file.path, shown);
    return err_set(ERR_IO, "%s %s", shown, what);
}

static enum err
end_file(struct tar *t)
{
    struct stat st;
    enum err e = ERR_OK;

    if (fstat(t->file.fd, &st) != 0 || st.st_size != t->file.st.st_size)
        e = fail(t, "changed its size while it was read");
    (void)close(t->file.fd);
    t->file.fd = -1;
    return e;
}

static enum err
step_file(struct tar *t)
{
    size_t want = t->left < sizeof(t->piece) ? (size_t)t->left : sizeof(t->piece);
    ssize_t n;
    enum err e;

    if (want == 0)
        return end_file(t);
    n = read(t->file.fd, t->piece, want);
    if (n < 0)
        return errno == EINTR ? ERR_OK : fail(t, "cannot be read");
    if (n == 0)
        return fail(t, "changed its size while it was read");
    e = check(t, archive_write_data(t->archive, t->piece, (size_t)n));
    t->left -= (uint64_t)n;
    return e;
}

static enum err
step_entry(struct tar *t)
{
    struct walk_entry entry;
    enum err e;

    e = walk_next(t->walk, &entry);
    if (e != ERR_OK)
        return e;
    if (entry.kind == WALK_END) {
        t->is_ended = true;
        return check(t, archive_write_close(t->archive));
    }
    if (entry.kind == WALK_FILE) {
        t->file = entry;
        t->left = (uint64_t)entry.st.st_size;
        (void)posix_fadvise(entry.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    return write_header(t, &entry);
}

static enum err
tar_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct tar *t = (struct tar *)source;
    locale_t old = t->utf8 != (locale_t)0 ? uselocale(t->utf8) : (locale_t)0;
    enum err e = ERR_OK;
    size_t n;

    spill_begin(&t->spill, ret_bytes, cap);
    while (e == ERR_OK && t->spill.given < cap && !t->is_ended)
        e = t->file.fd >= 0 ? step_file(t) : step_entry(t);
    n = spill_end(&t->spill);
    if (old != (locale_t)0)
        (void)uselocale(old);
    if (e == ERR_OK)
        *ret_len = n;
    return e;
}

/* ---- making and freeing ---- */

static void
tar_free(struct source *source)
{
    struct tar *t = (struct tar *)source;

    t->is_dropped = true; /* freeing would fill the entry up, and write an end */
    if (t->archive != NULL)
        (void)archive_write_free(t->archive);
    archive_entry_free(t->header);
    if (t->utf8 != (locale_t)0)
        freelocale(t->utf8);
    if (t->file.fd >= 0)
        (void)close(t->file.fd);
    walk_free(t->walk);
    pack_roots_free(&t->roots);
    spill_done(&t->spill);
    mem_wipe(t->piece, sizeof(t->piece));
    free(t);
}

enum err
tar_source_new(struct pack_roots *roots, struct source **ret_source)
{
    static const struct source_ops ops = {tar_read, tar_free};
    struct tar *t = malloc(sizeof(*t));
    enum err e;

    if (t == NULL)
        return err_set(ERR_NOMEM, "no memory for a tar");
    memset(t, 0, offsetof(struct tar, piece));
    t->source.ops = &ops;
    t->file.fd = -1;
    spill_init(&t->spill, WAIT_MAX);
    /* Whatever the user's locale is: names of the tar are UTF-8. Without it they are bytes. */
    t->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    e = open_archive(t);
    if (e == ERR_OK)
        e = walk_new(&t->roots, true, &t->walk);
    if (e != ERR_OK) {
        tar_free(&t->source);
        return e;
    }
    t->roots = *roots;
    *roots = (struct pack_roots){NULL, 0};
    *ret_source = &t->source;
    return ERR_OK;
}

/* ---- before it is made ---- */

enum err
tar_measure(const struct pack_roots *roots, uint64_t *ret_len, uint64_t *ret_n_left_out,
            size_t *ret_failed)
{
    uint64_t len = 2 * BLOCK_LEN, size; /* the end of a tar */
    struct walk_entry entry;
    struct walk *w = NULL;
    enum err e;

    e = walk_new(roots, false, &w);
    while (e == ERR_OK) {
        e = walk_next(w, &entry);
        if (e == ERR_IO)
            *ret_failed = walk_root(w);
        if (e != ERR_OK || entry.kind == WALK_END)
            break;
        size = entry.kind == WALK_FILE ? (uint64_t)entry.st.st_size : 0;
        len += BLOCK_LEN + (size + BLOCK_LEN - 1) / BLOCK_LEN * BLOCK_LEN;
    }
    if (e == ERR_OK && len == 2 * BLOCK_LEN)
        e = err_set(ERR_IO, "there is nothing that can be sent");
    if (e == ERR_OK) {
        *ret_len = len;
        *ret_n_left_out = walk_n_left_out(w);
    }
    walk_free(w);
    return e;
}
