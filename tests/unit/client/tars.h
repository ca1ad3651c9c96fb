/* SPDX-License-Identifier: Apache-2.0 */
/* tars: tars made for a test, entry by entry, right and wrong ones. */
#ifndef MAYFLY_TESTS_CLIENT_TARS_H
#define MAYFLY_TESTS_CLIENT_TARS_H

#include "testing.h"

#include "base/buf.h"
#include "stream/stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/stat.h>

enum { TAR_TIME_S = 1000000000 };

/* `kind`: f file, d folder, l symbolic link, h hard link, p pipe, c and b devices; 0: the end. */
struct tar_entry {
    char kind;
    const char *name;
    const char *text; /* of a file, or where a link leads */
    unsigned mode;    /* 0: 0644, of folders 0755 */
};

static inline la_ssize_t
tar_keep(struct archive *a, void *ctx, const void *bytes, size_t len)
{
    (void)a;
    return buf_add(ctx, bytes, len) == ERR_OK ? (la_ssize_t)len : -1;
}

static inline struct archive *
tar_begin(struct buf *b, int (*format)(struct archive *))
{
    struct archive *a = archive_write_new();

    buf_init(b, 64 << 20);
    assert_non_null(a);
    assert_int_equal(format(a), ARCHIVE_OK);
    assert_int_equal(archive_write_set_bytes_per_block(a, 0), ARCHIVE_OK);
    assert_int_equal(archive_write_open(a, b, NULL, tar_keep, NULL), ARCHIVE_OK);
    return a;
}

static inline unsigned
tar_kind(char kind)
{
    switch (kind) {
    case 'd':
        return AE_IFDIR;
    case 'l':
        return AE_IFLNK;
    case 'p':
        return AE_IFIFO;
    case 'c':
        return AE_IFCHR;
    case 'b':
        return AE_IFBLK;
    default:
        return AE_IFREG;
    }
}

static inline void
tar_put(struct archive *a, const struct tar_entry *t)
{
    struct archive_entry *e = archive_entry_new();
    size_t len = t->kind == 'f' && t->text != NULL ? strlen(t->text) : 0;

    assert_non_null(e);
    archive_entry_copy_pathname(e, t->name);
    archive_entry_set_filetype(e, tar_kind(t->kind));
    archive_entry_set_perm(e, t->mode != 0 ? t->mode : t->kind == 'd' ? 0755 : 0644);
    archive_entry_set_mtime(e, TAR_TIME_S, 0);
    archive_entry_set_size(e, (la_int64_t)len);
    archive_entry_set_uid(e, 12345);
    if (t->kind == 'l')
        archive_entry_copy_symlink(e, t->text);
    if (t->kind == 'h')
        archive_entry_copy_hardlink(e, t->text);
    if (archive_write_header(a, e) < ARCHIVE_WARN)
        fail_msg("the tar of the test: %s", archive_error_string(a));
    if (len > 0)
        assert_int_equal(archive_write_data(a, t->text, len), len);
    archive_entry_free(e);
}

static inline void
tar_end(struct archive *a)
{
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    assert_int_equal(archive_write_free(a), ARCHIVE_OK);
}

#define TAR_LAST                                                                                   \
    {                                                                                              \
        0, NULL, NULL, 0                                                                           \
    }

/* A tar of entries up to one of kind 0; buf_done it. */
static inline void
tar_of(const struct tar_entry *entries, struct buf *ret)
{
    struct archive *a = tar_begin(ret, archive_write_set_format_pax_restricted);

    for (; entries->kind != 0; entries++)
        tar_put(a, entries);
    tar_end(a);
}

#endif
