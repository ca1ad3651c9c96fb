/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "base/mem.h"
#include "client/reply.h"

#include <stdio.h>
#include <string.h>

struct row {
    const char *header, *name;
};

static void
check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char name[256];

        memset(name, 'x', sizeof(name));
        reply_filename(rows[i].header, name);
        if (strcmp(name, rows[i].name) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", rows[i].header, name, rows[i].name);
    }
}

static void
names_are_read_in_every_form(void **state)
{
    static const struct row rows[] = {
        {"attachment; filename=\"report.pdf\"", "report.pdf"},
        {"attachment; filename=report.pdf", "report.pdf"},
        {"attachment;filename=report.pdf;x=y", "report.pdf"},
        {"attachment ; FileName = \"a b.txt\" ; x=y", "a b.txt"},
        {"inline; filename=\"a\\\"b\\\\c.txt\"", "a\"b\\c.txt"},
        {"attachment; filename=\"a;b=c.txt\"; x", "a;b=c.txt"},
        {"attachment; x=\"; filename=no\"; filename=yes", "yes"},
        {"attachment; filename*=UTF-8''%e2%82%ac%20rates.txt", "\xe2\x82\xac rates.txt"},
        {"attachment; filename*=utf-8'de'na%C3%AFve", "na\xc3\xafve"},
        {"attachment; filename=\"\xc3\xa4.txt\"", "\xc3\xa4.txt"},
        {"attachment; filename=\"../../etc/passwd\"", "../../etc/passwd"}, /* not cleaned here */
    };

    (void)state;
    check(rows, ARRAY_LEN(rows));
}

static void
the_encoded_name_wins_wherever_it_stands(void **state)
{
    static const struct row rows[] = {
        {"attachment; filename=\"a.txt\"; filename*=UTF-8''b.txt", "b.txt"},
        {"attachment; filename*=UTF-8''b.txt; filename=\"a.txt\"", "b.txt"},
        {"attachment; filename=a.txt; filename=c.txt", "a.txt"},
    };

    (void)state;
    check(rows, ARRAY_LEN(rows));
}

static void
an_encoded_name_that_cannot_be_read_leaves_the_plain_one(void **state)
{
    static const struct row rows[] = {
        {"attachment; filename=a.txt; filename*=UTF-8''%ff%fe", "a.txt"},
        {"attachment; filename=a.txt; filename*=UTF-8''%0", "a.txt"},
        {"attachment; filename=a.txt; filename*=UTF-8''%", "a.txt"},
        {"attachment; filename=a.txt; filename*=UTF-8''%zz", "a.txt"},
        {"attachment; filename=a.txt; filename*=UTF-8''a%00b", "a.txt"},
        {"attachment; filename=a.txt; filename*=UTF-8'b", "a.txt"},
        {"attachment; filename=a.txt; filename*=UTF-8", "a.txt"},
        {"attachment; filename=a.txt; filename*=ISO-8859-1''b", "a.txt"},
        {"attachment; filename=a.txt; filename*=\"UTF-8''b\"", "a.txt"},
        {"attachment; filename=a.txt; filename*=", "a.txt"},
        {"attachment; filename*=UTF-8''; filename=a.txt", "a.txt"},
    };

    (void)state;
    check(rows, ARRAY_LEN(rows));
}

static void
no_name_is_no_name(void **state)
{
    static const struct row rows[] = {
        {"", ""},
        {"attachment", ""},
        {"attachment;", ""},
        {"attachment; filename", ""},
        {"attachment; filename=", ""},
        {"attachment; filename=\"\"", ""},
        {"attachment; filename=\"", ""},
        {"attachment; filename=\"a", ""},
        {"attachment; filename=\"a\\\"", ""},
        {"attachment; filename=\"a\xff\"", ""},
        {"attachment; filename=\"\xc0\x80\"", ""},
        {"attachment; xfilename=a; filenamex=b", ""},
        {"filename=a", ""},
        {";;;;=;=;;", ""},
    };

    (void)state;
    check(rows, ARRAY_LEN(rows));
}

static void
a_name_of_255_bytes_fits_and_one_of_256_does_not(void **state)
{
    char header[700], name[256], encoded[700];

    (void)state;
    (void)snprintf(header, sizeof(header), "attachment; filename=\"%0255d\"", 0);
    reply_filename(header, name);
    assert_int_equal(strlen(name), 255);
    (void)snprintf(header, sizeof(header), "attachment; filename=\"%0256d\"", 0);
    reply_filename(header, name);
    assert_string_equal(name, "");
    (void)snprintf(encoded, sizeof(encoded), "attachment; filename*=UTF-8''%%41%0255d", 0);
    reply_filename(encoded, name);
    assert_string_equal(name, "");
    (void)snprintf(encoded, sizeof(encoded), "attachment; filename*=UTF-8''%%41%0254d", 0);
    reply_filename(encoded, name);
    assert_int_equal(strlen(name), 255);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_in_every_form),
        cmocka_unit_test(the_encoded_name_wins_wherever_it_stands),
        cmocka_unit_test(an_encoded_name_that_cannot_be_read_leaves_the_plain_one),
        cmocka_unit_test(no_name_is_no_name),
        cmocka_unit_test(a_name_of_255_bytes_fits_and_one_of_256_does_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
