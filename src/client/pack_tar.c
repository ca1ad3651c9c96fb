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
    uint64_t promised, n_written;
    bool is_closed, is_dropped;
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
        t->spill_error = t->n_written + len > t->promised
                             ? err_set(ERR_IO, "there is more in it than before it was read")
                             : spill_put(&t->spill, bytes, len);
        t->n_written += len;
        if (t->spill_error == ERR_OK)
            return (la_ssize_t)len;
    }
    archive_set_error(a, ENOMEM, "no room");
    return -1;
}

static enum err
cannot(void)
{
    return err_set(ERR_IO, "the tar cannot be made");
}

/* A warning is about a name that the locale has no words for: it is stored as the bytes it is. */
static enum err
check(const struct tar *t, la_ssize_t got)
{
    if (got >= ARCHIVE_WARN)
        return ERR_OK;
    return t->spill_error != ERR_OK ? t->spill_error : cannot();
}

/* A writer that hands on each piece as it comes, and adds no block of zeros. */
static enum err
open_archive(archive_write_callback *write, void *ctx, struct archive **ret_archive)
{
    struct archive *a = archive_write_new();

    if (a == NULL)
        return err_set(ERR_NOMEM, "no memory for a tar");
    if (archive_write_set_format_pax_restricted(a) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(a, 0) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
        archive_write_open(a, ctx, NULL, write, NULL) != ARCHIVE_OK) {
        (void)archive_write_free(a);
        return cannot();
    }
    *ret_archive = a;
    return ERR_OK;
}

static la_ssize_t
write_header(struct archive *a, struct archive_entry *header, const struct walk_entry *entry)
{
    static const unsigned types[] = {
        [WALK_FILE] = AE_IFREG, [WALK_FOLDER] = AE_IFDIR, [WALK_LINK] = AE_IFLNK};

    archive_entry_clear(header);
    archive_entry_set_pathname(header, entry->path);
    archive_entry_set_filetype(header, types[entry->kind]);
    archive_entry_set_perm(header, entry->st.st_mode & 0777);
    archive_entry_set_mtime(header, entry->st.st_mtim.tv_sec, 0);
    archive_entry_set_size(header, entry->kind == WALK_FILE ? entry->st.st_size : 0);
    if (entry->kind == WALK_LINK)
        archive_entry_set_symlink(header, entry->link);
    return archive_write_header(a, header);
}

/* Whatever the user's locale is: names of the tar are UTF-8. Without such a one they are bytes. */
static locale_t
new_utf8(void)
{
    return newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
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
        t->is_closed = true;
        return check(t, archive_write_close(t->archive));
    }
    if (entry.kind == WALK_FILE) {
        t->file = entry;
        t->left = (uint64_t)entry.st.st_size;
        (void)posix_fadvise(entry.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    return check(t, write_header(t->archive, t->header, &entry));
}

/* What has gone since it was measured is made up for with zeros, which a tar may end with. */
static enum err
step_fill(struct tar *t)
{
    uint64_t left = t->promised - t->n_written;
    size_t n = left < sizeof(t->piece) ? (size_t)left : sizeof(t->piece);

    memset(t->piece, 0, n);
    t->n_written += n;
    return spill_put(&t->spill, t->piece, n);
}

static enum err
step(struct tar *t)
{
    if (t->is_closed)
        return step_fill(t);
    return t->file.fd >= 0 ? step_file(t) : step_entry(t);
}

static enum err
tar_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct tar *t = (struct tar *)source;
    locale_t old = t->utf8 != (locale_t)0 ? uselocale(t->utf8) : (locale_t)0;
    enum err e = ERR_OK;
    size_t n;

    spill_begin(&t->spill, ret_bytes, cap);
    while (e == ERR_OK && t->spill.given < cap && !(t->is_closed && t->n_written == t->promised))
        e = step(t);
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
tar_source_new(struct pack_roots *roots, uint64_t len, struct source **ret_source)
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
    t->promised = len;
    t->utf8 = new_utf8();
    t->header = archive_entry_new();
    e = t->header == NULL ? err_set(ERR_NOMEM, "no memory for a tar")
                          : open_archive(on_write, t, &t->archive);
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

static la_ssize_t
on_count(struct archive *a, void *ctx, const void *bytes, size_t len)
{
    uint64_t *n = ctx;

    (void)a;
    (void)bytes;
    *n += len;
    return (la_ssize_t)len;
}

/* Write the headers; libarchive makes up for the files with zeros. */
static enum err
measure(struct walk *w, struct archive *a, struct archive_entry *header, uint64_t *ret_n_entries)
{
    struct walk_entry entry;
    uint64_t n = 0;
    enum err e;

    for (;; n++) {
        e = walk_next(w, &entry);
        if (e != ERR_OK || entry.kind == WALK_END)
            break;
        if (write_header(a, header, &entry) < ARCHIVE_WARN)
            return cannot();
    }
    if (e == ERR_OK && archive_write_close(a) < ARCHIVE_WARN)
        e = cannot();
    *ret_n_entries = n;
    return e;
}

enum err
tar_measure(const struct pack_roots *roots, uint64_t *ret_len, uint64_t *ret_n_left_out,
            size_t *ret_failed)
{
    locale_t utf8 = new_utf8(), old = utf8 != (locale_t)0 ? uselocale(utf8) : (locale_t)0;
    struct archive_entry *header = archive_entry_new();
    struct archive *a = NULL;
    struct walk *w = NULL;
    uint64_t len = 0, n = 0;
    enum err e;

    e = header == NULL ? err_set(ERR_NOMEM, "no memory for a tar")
                       : open_archive(on_count, &len, &a);
    if (e == ERR_OK)
        e = walk_new(roots, false, &w);
    if (e == ERR_OK) {
        e = measure(w, a, header, &n);
        if (e == ERR_IO)
            *ret_failed = walk_root(w);
    }
    if (e == ERR_OK && n == 0)
        e = err_set(ERR_IO, "there is nothing that can be sent");
    if (e == ERR_OK) {
        *ret_len = len;
        *ret_n_left_out = walk_n_left_out(w);
    }
    walk_free(w);
    if (a != NULL)
        (void)archive_write_free(a);
    archive_entry_free(header);
    if (utf8 != (locale_t)0) {
        (void)uselocale(old);
        freelocale(utf8);
    }
    return e;
}
