/* SPDX-License-Identifier: Apache-2.0 */
/* settings_file: the bytes of the configuration file, private to settings. Pure.
 *
 *     line = blanks [ "#" comment | NAME blanks "=" blanks value ] blanks
 *     NAME = server, cacert, proxy, expiry, uses or token-file
 *
 * Lines end with LF or CRLF; the last one may lack it. Inside a value nothing is special. A value
 * that begins with a quote is refused, as other readers of such files would take the quotes off. */
#ifndef MAYFLY_CLIENT_SETTINGS_FILE_H
#define MAYFLY_CLIENT_SETTINGS_FILE_H

#include "base/err.h"
#include "client/settings.h"

#include <stddef.h>

enum { SETTINGS_FILE_MAX = 64 * 1024 };

struct settings_file { /* "" and 0: not set; paths are absolute or begin with "~/" */
    char server[SERVER_TEXT_LEN];
    char ca_file[SETTINGS_PATH_LEN], proxy[SETTINGS_PATH_LEN], token_file[SETTINGS_PATH_LEN];
    unsigned expiry_min, uses;
};

/* ERR_FIELD: not such a file, a name that is none or stands twice, a value that cannot be right;
 * the sentence begins with the line. */
MUST_CHECK enum err settings_file_parse(const char *bytes, size_t len, struct settings_file *ret);

#endif
