/* SPDX-License-Identifier: Apache-2.0 */
/* field: reading and writing the values of a few headers. Pure functions. */
#ifndef MAYFLY_HTTP_FIELD_H
#define MAYFLY_HTTP_FIELD_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { FIELD_AUTHORITY_MAX = 255 };

/* Append `attachment; filename="…"; filename*=UTF-8''…` (RFC 6266, RFC 8187) for a UTF-8 name. The
 * ASCII form has '_' for every character that is not plain ASCII, a quote, a backslash or a percent
 * sign; filename* is there only when the two differ. Control characters and bytes that are no
 * UTF-8 are '_' in both. ERR_NOMEM, ERR_TOOBIG: nothing was appended. */
MUST_CHECK enum err field_disposition(const char *filename, struct buf *ret);

/* Whether an Accept header (RFC 9110 section 12.5.1; NULL: none) prefers text/html (or
 * application/xhtml+xml): it names one of them with a quality above that of application/json, or
 * not below it where JSON is only meant by a wildcard. A bare wildcard is not enough. Members that
 * are malformed do not count. */
bool field_prefers_html(const char *accept);

/* Whether Accept names exactly application/json with a quality above 0 (wildcards do not count). */
bool field_names_json(const char *accept);

/* Whether `text` is a valid authority for a link: a host name, IPv4 or [IPv6] with an optional
 * port from 1 to 65535; at most 255 characters, no user part. Underscores are let through, as
 * container networks have them; what ends in a number must be an IPv4 address of four numbers. */
bool field_is_authority(const char *text);

/* The token of "Bearer <token>" (RFC 6750; scheme in any case), not copied; NULL when there is
 * none. Any visible ASCII is a token, as passphrases are not base64. */
const char *field_bearer(const char *authorization);

/* Whether `token` is one of the comma-separated values of a header (NULL: none), in any case. */
bool field_list_has(const char *header, const char *token);

/* How a body may be coded, the better ones later. */
enum field_coding { FIELD_IDENTITY, FIELD_GZIP, FIELD_BR, FIELD_N_CODINGS };

/* The coding that an Accept-Encoding header (RFC 9110 section 12.5.3; NULL: none, which means
 * identity here) likes best among those that there are, `has` by enum field_coding; where it likes
 * several the same, the better one. Identity is always there: it is also the answer where nothing
 * is acceptable. Members that are malformed do not count. */
enum field_coding field_accepts_coding(const char *accept_encoding,
                                       const bool has[FIELD_N_CODINGS]);

/* Whether an If-None-Match header (NULL: none) names `etag`, which has its quotes: by "*" or in its
 * list, weak or not (RFC 9110 section 13.1.2). */
bool field_none_match(const char *if_none_match, const char *etag);

#endif
