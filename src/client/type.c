/* SPDX-License-Identifier: Apache-2.0 */
#include "client/type.h"

#include "base/mem.h"
#include "base/text.h"

#include <string.h>

/* Names of the IANA registry, or what browsers say where that has none. */
static const struct {
    const char *end, *type;
} types[] = {
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"age", "application/octet-stream"},
    {"apk", "application/vnd.android.package-archive"},
    {"avif", "image/avif"},
    {"avi", "video/x-msvideo"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"c", "text/x-c"},
    {"conf", "text/plain"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"deb", "application/vnd.debian.binary-package"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"epub", "application/epub+zip"},
    {"flac", "audio/flac"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"h", "text/x-c"},
    {"heic", "image/heic"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ics", "text/calendar"},
    {"iso", "application/x-iso9660-image"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"log", "text/plain"},
    {"m4a", "audio/mp4"},
    {"md", "text/markdown"},
    {"mkv", "video/x-matroska"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"ogg", "audio/ogg"},
    {"opus", "audio/ogg"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"py", "text/x-python"},
    {"rtf", "application/rtf"},
    {"sh", "application/x-sh"},
    {"sqlite", "application/vnd.sqlite3"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tgz", "application/gzip"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"txt", "text/plain"},
    {"vcf", "text/vcard"},
    {"wav", "audio/wav"},
    {"webm", "video/webm"},
    {"webp", "image/webp"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"xz", "application/x-xz"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};

const char *
type_by_name(const char *name)
{
    const char *dot = strrchr(name, '.');

    if (dot == NULL || dot == name)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (text_same(dot + 1, types[i].end))
            return types[i].type;
    }
    return NULL;
}

/* Whether `len` (1 to 3) bytes can be the beginning of a character whose end is not there. */
static bool
is_cut(const uint8_t *s, size_t len)
{
    static const uint8_t ends[] = {0x80, 0xbf}; /* the lowest and highest of a byte that follows */
    uint8_t whole[4];

    for (size_t total = len + 1; total <= sizeof(whole); total++) {
        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
            memset(whole, ends[i], sizeof(whole));
            memcpy(whole, s, len);
            if (text_utf8(whole, total, NULL) == total)
                return true;
        }
    }
    return false;
}

bool
type_is_text(const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t c;
        size_t n = text_utf8(bytes + at, len - at, &c);

        if (n == 0)
            return len - at < 4 && is_cut(bytes + at, len - at);
        if ((c < 0x20 && strchr("\t\n\f\r", (int)c) == NULL) || c == 0 || (c >= 0x7f && c < 0xa0))
            return false;
        at += n;
    }
    return len > 0;
}

const char *
type_of(const char *name, const uint8_t *bytes, size_t len)
{
    const char *type = type_by_name(name);

    if (type != NULL)
        return type;
    return type_is_text(bytes, len) ? "text/plain" : "application/octet-stream";
}
