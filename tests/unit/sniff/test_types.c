/* SPDX-License-Identifier: Apache-2.0 */
/* What the helper says about files of many kinds, made here. Each goes through a confined child: a
 * kind for which libmagic needs one more system call would come out as SNIFF_UNKNOWN. */
#include "unit/sniff/sniff_testing.h"

#include "base/mem.h"

struct sample {
    const char *want;
    const char *bytes;
    size_t len;
};

/* A literal's bytes, NULs and all. */
#define SAMPLE(type, literal)                                                                      \
    {                                                                                              \
        type, literal, sizeof(literal) - 1                                                         \
    }

#define ZEROS_8  "\0\0\0\0\0\0\0\0"
#define ZEROS_32 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8

/* A local file header of a zip: stored, `name_len` characters of name, no bytes. */
#define ZIP_ENTRY(name_len, name)                                                                  \
    "PK\003\004\024\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" name_len "\0\0\0" name

static const struct sample samples[] = {
    SAMPLE("text/plain", "Just a few words of ordinary text.\nAnd one more line.\n"),
    SAMPLE("text/plain", "caf\xc3\xa9, \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e in UTF-8\n"),
    SAMPLE("text/plain", "caf\xe9 in Latin-1, na\xefve\n"),
    SAMPLE("text/plain", "\xff\xfeU\0T\0F\0-\0001\0006\0\n\0"),
    SAMPLE("text/plain", "\xef\xbb\xbfwith a byte order mark\n"),
    SAMPLE("text/html", "<!DOCTYPE html>\n<html><head><title>x</title></head></html>\n"),
    SAMPLE("text/xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<root><a/></root>\n"),
    SAMPLE("image/svg+xml", "<?xml version=\"1.0\"?>\n"
                            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\"></svg>\n"),
    SAMPLE("application/json", "{\"a\": [1, 2.5, true, null], \"b\": {\"c\": \"d\"}}\n"),
    SAMPLE("text/csv", "a,b,c\n1,2,3\n4,5,6\n7,8,9\n10,11,12\n"),
    SAMPLE("text/x-shellscript", "#!/bin/sh\nset -eu\necho hello\n"),
    SAMPLE("text/x-c", "#include <stdio.h>\n\nint main(void)\n{\n    return 0;\n}\n"),
    SAMPLE("text/x-script.python", "#!/usr/bin/python3\nimport os\nprint(os.name)\n"),
    SAMPLE("application/pdf", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n"),
    SAMPLE("application/postscript", "%!PS-Adobe-3.0\n%%Pages: 1\n"),
    SAMPLE("text/rtf", "{\\rtf1\\ansi hello}\n"),
    SAMPLE("image/png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\001\0\0\0\001\010\006\0\0\0"),
    SAMPLE("image/jpeg", "\xff\xd8\xff\xe0\0\020JFIF\0\001\001\0\0\001\0\001\0\0"),
    SAMPLE("image/gif", "GIF89a\001\0\001\0\200\0\0\0\0\0\377\377\377;"),
    SAMPLE("image/webp", "RIFF\044\0\0\0WEBPVP8 \030\0\0\0\060\001\0\235\001\052"),
    SAMPLE("image/bmp", "BM\106\0\0\0\0\0\0\0\066\0\0\0\050\0\0\0\002\0\0\0\002\0\0\0\001\0\030\0"
                        "\0\0\0\0\020\0\0\0\023\013\0\0\023\013\0\0\0\0\0\0\0\0\0\0"),
    SAMPLE("image/tiff", "II*\0\010\0\0\0\0\0\0\0"),
    SAMPLE("application/zip", ZIP_ENTRY("\005", "a.txt") ZIP_ENTRY("\005", "b.txt")),
    SAMPLE("application/vnd.openxmlformats-officedocument.wordprocessingml.document",
           ZIP_ENTRY("\023", "[Content_Types].xml") ZIP_ENTRY("\013", "_rels/.rels")
               ZIP_ENTRY("\021", "word/document.xml") ZIP_ENTRY("\017", "word/styles.xml")),
    SAMPLE("application/vnd.oasis.opendocument.text",
           "PK\003\004\024\0\0\0\0\0\0\0\0\0\0\0\0\0\047\0\0\0\047\0\0\0\010\0\0\0"
           "mimetypeapplication/vnd.oasis.opendocument.text"),
    SAMPLE("application/gzip", "\037\213\010\0\0\0\0\0\0\003\313\110\315\311\311\007\0"),
    SAMPLE("application/x-bzip2", "BZh91AY&SY\0\0\0\0"),
    SAMPLE("application/x-xz", "\xfd"
                               "7zXZ\0\0\004\346\326\264\106"),
    SAMPLE("application/zstd", "\x28\xb5\x2f\xfd\x04\x00\x01\x00\x00\x99\xe9\xd8\x51"),
    SAMPLE("application/x-7z-compressed", "7z\xbc\xaf\047\034\0\004" ZEROS_32),
    SAMPLE("video/mp4", "\0\0\0\030ftypmp42\0\0\0\0mp42isom\0\0\0\010free"),
    SAMPLE("video/webm", "\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42"
                         "\xf3\x81\x08\x42\x82\x84webm\x42\x87\x81\x04\x42\x85\x81\x02"),
    SAMPLE("audio/mpeg", "\xff\xfb\x90\x44" ZEROS_32),
    SAMPLE("audio/mpeg", "ID3\004\0\0\0\0\0\012TIT2\0\0\0\0\0\0\xff\xfb\x90\x44" ZEROS_32),
    SAMPLE("audio/flac", "fLaC\0\0\0\042\020\0\020\0\0\0\0\0\0\0\012\304\102\360\0\0\0\0" ZEROS_32),
    SAMPLE("audio/ogg", "OggS\0\002\0\0\0\0\0\0\0\0\001\0\0\0\0\0\0\0\0\0\0\0\001\036\001vorbis"
                        "\0\0\0\0\002\104\254\0\0\0\0\0\0\0\356\002\0\0\0\0\0\270\001"),
    SAMPLE("audio/x-wav", "RIFF\044\0\0\0WAVEfmt \020\0\0\0\001\0\001\0\104\254\0\0\210\130\001\0"
                          "\002\0\020\0data\0\0\0\0"),
    SAMPLE("application/x-sharedlib",
           "\177ELF\002\001\001\0" ZEROS_8 "\003\0\076\0\001\0\0\0" ZEROS_32
           "\0\0\0\0\100\0\070\0\0\0\100\0\0\0\0\0"),
    SAMPLE("application/pgp-encrypted", "-----BEGIN PGP MESSAGE-----\n\nabcd\n"),
    SAMPLE("text/plain", "age-encryption.org/v1\n-> scrypt c2FsdA 15\n\xf0\xf1\x80\n"),
    SAMPLE("application/vnd.sqlite3", "SQLite format 3\0\020\0\001\001\0\100\040\040\0\0\0\001"),
    SAMPLE("application/x-empty", ""),
    SAMPLE("application/octet-stream", "\001\002\003\377\376\375\200\201\005\006\007"),
};

static void
every_kind_of_file_gets_its_type(void **state)
{
    struct sniff *s = start_helper(TIMEOUT_MS);
    char type[MIME_TEXT_LEN];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        sniff_type(s, (const uint8_t *)samples[i].bytes, samples[i].len, type);
        if (strcmp(type, samples[i].want) != 0)
            fail_msg("sample %zu: %s, expected %s", i, type, samples[i].want);
    }
    sniff_free(s);
}

static void
a_tar_is_known_by_its_checksum(void **state)
{
    struct sniff *s = start_helper(TIMEOUT_MS);
    uint8_t tar[1024] = "hello.txt";
    char type[MIME_TEXT_LEN];
    unsigned sum = 0;

    (void)state;
    memcpy(tar + 100, "0000644\0000001750\0000001750\00000000000000\00014371573000\0        0", 57);
    memcpy(tar + 257, "ustar\00000", 8);
    for (size_t i = 0; i < 512; i++)
        sum += tar[i];
    (void)snprintf((char *)tar + 148, 8, "%06o", sum);
    tar[155] = ' ';
    sniff_type(s, tar, sizeof(tar), type);
    assert_string_equal(type, "application/x-tar");
    sniff_free(s);
}

/* The old office formats: libmagic reads a small file system here, with times in it. */
static void
an_ole_file_is_known_though_it_is_cut(void **state)
{
    struct sniff *s = start_helper(TIMEOUT_MS);
    uint8_t ole[1536] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
    char type[MIME_TEXT_LEN];

    (void)state;
    memcpy(ole + 24, "\x3e\0\x03\0\xfe\xff\x09\0\x06", 9);
    sniff_type(s, ole, sizeof(ole), type);
    assert_string_equal(type, "application/x-ole-storage");
    sniff_free(s);
}

/* Files that fill the whole question, for all that libmagic does only with much to look at. */
static void
full_questions_are_answered(void **state)
{
    static const char *const units[] = {"word ",  "{\"k\": [1, 2]}, ", "a,b,c\n",    "<p>x</p>\n",
                                        "((((",   "\\begin{x}\n",      "PK\003\004", "[[[[",
                                        "{\"a\":"};
    struct sniff *s = start_helper(TIMEOUT_MS);
    static uint8_t bytes[2 * SNIFF_BYTES_MAX];
    char type[MIME_TEXT_LEN];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        for (size_t at = 0; at < sizeof(bytes); at++)
            bytes[at] = (uint8_t)units[i][at % strlen(units[i])];
        sniff_type(s, bytes, sizeof(bytes), type); /* the second half does not count */
        if (strcmp(type, SNIFF_UNKNOWN) == 0 && i != 6)
            fail_msg("%s: no type", units[i]);
    }
    sniff_free(s);
}

/* Bytes of every kind by a small generator: whatever comes out is a type, in time, and the helper
 * goes on answering rightly. */
static void
noise_does_no_harm(void **state)
{
    struct sniff *s = start_helper(TIMEOUT_MS);
    uint8_t bytes[SNIFF_BYTES_MAX];
    char type[MIME_TEXT_LEN];
    uint32_t x = 2463534242;

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        size_t head = samples[round % ARRAY_LEN(samples)].len;

        for (size_t i = 0; i < sizeof(bytes); i++) {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            bytes[i] = (uint8_t)x;
        }
        memcpy(bytes, samples[round % ARRAY_LEN(samples)].bytes, head); /* a real beginning */
        sniff_type(s, bytes, x % sizeof(bytes), type);
        assert_non_null(strchr(type, '/'));
    }
    sniff_type(s, (const uint8_t *)"%PDF-1.4\n", 9, type);
    assert_string_equal(type, "application/pdf");
    sniff_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_file_gets_its_type),
        cmocka_unit_test(a_tar_is_known_by_its_checksum),
        cmocka_unit_test(an_ole_file_is_known_though_it_is_cut),
        cmocka_unit_test(full_questions_are_answered),
        cmocka_unit_test(noise_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
