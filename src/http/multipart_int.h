/* SPDX-License-Identifier: Apache-2.0 */
/* multipart_int: the texts within multipart/form-data, apart from its flow of bytes: the boundary
 * of a Content-Type, and the header lines of a part. Private to http/multipart. Pure functions. */
#ifndef MAYFLY_HTTP_MULTIPART_INT_H
#define MAYFLY_HTTP_MULTIPART_INT_H

#include "http/multipart.h"

/* Append the boundary of "multipart/form-data; boundary=…" (NULL: no header) to `ret_text`, which
 * holds MULTIPART_BOUNDARY_MAX characters; no NUL is added. ERR_SYNTAX. */
MUST_CHECK enum err multipart_boundary(const char *content_type, char *ret_text, size_t *ret_len);

/* What the header lines of one part said so far. Begin with zeros. */
struct part_head {
    bool has_disposition, has_type, has_encoding;
    bool has_name, has_filename, has_filename_ext; /* ext: from filename*, which wins */
    char name[MULTIPART_NAME_MAX + 1];
    char filename[MULTIPART_FILENAME_MAX + 1];
};

/* Read one header line, without its CR LF. ERR_SYNTAX: malformed, or refused; `head` is then
 * unspecified. */
MUST_CHECK enum err part_head_line(struct part_head *head, const char *line, size_t len);

#endif
