/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of a form's parts, and the boundary between them. */
#include "forms.h"

/* ---- part headers ---- */

static void
the_usual_forms_of_names_are_read(void **state)
{
    (void)state;
    /* curl before and since 7.81, browsers, Python requests, Go, .NET */
    assert_header(CD "name=\"f\"; filename=\"a \\\"b\\\" \\\\c.txt\"\r\n", "<f|a \"b\" \\c.txt>x.");
    assert_header(CD "name=\"f\"; filename=\"a %22b%22%0D%0A.txt\"\r\n", "<f|a \"b\"\r\n.txt>x.");
    assert_header(CD "name=\"f\"; filename=\"C:\\dir\\new.txt\"\r\n", "<f|C:\\dir\\new.txt>x.");
    assert_header(CD "name=\"f\"; filename=\"r\xc3\xa9sum\xc3\xa9.pdf\"\r\n",
                  "<f|r\xc3\xa9sum\xc3\xa9.pdf>x.");
    assert_header(CD "name=\"f\"; filename*=utf-8''r%C3%A9.pdf\r\n", "<f|r\xc3\xa9.pdf>x.");
    assert_header(CD "name=f; filename=r_.pdf; filename*=utf-8''r%C3%A9.pdf\r\n",
                  "<f|r\xc3\xa9.pdf>x.");
    assert_header(CD "name=f; filename*=UTF-8'en'%e2%82%ac; filename=\"e.pdf\"\r\n",
                  "<f|\xe2\x82\xac>x.");
    assert_header(CD "name=\"f\"; filename=\"\"\r\n", "<f|>x.");
    assert_header(CD "name=\"f;filename=x\"\r\n", "<f;filename=x>x.");
    assert_header(CD "name=\"a%22b\"\r\n", "<a\"b>x.");
    assert_header("content-disposition:FORM-DATA;NAME=f\r\n", "<f>x.");
    assert_header("Content-Disposition:  form-data ;  name=f ; x=\"y\" \t\r\n", "<f>x.");
    assert_header("X-Other: \xc3\xa9 anything;;;\r\n" CD "name=f\r\nX-Empty:\r\n", "<f>x.");
}

static void
only_three_escapes_are_undone_and_only_in_quotes(void **state)
{
    (void)state;
    assert_header(CD "name=f; filename=\"%0d%0a%23%00%2522%2\"\r\n", "<f|%0d%0a%23%00%2522%2>x.");
    assert_header(CD "name=f; filename=a%22b\r\n", "<f|a%22b>x.");
}

static void
names_that_cannot_be_read_are_refused(void **state)
{
    static const char *const bad[] = {
        CD "filename=\"a\"",
        CD "name=",
        CD "name=\"\"",
        CD "name",
        CD "name=f;",
        CD "name=f;;filename=x",
        CD "name = f",
        CD "name=f filename=x",
        CD "name=f; filename=a b",
        CD "name=f, filename=a",
        CD "name=f\xc3\xa9",
        CD "name=\"f",
        CD "name=\"f\\\"",
        CD "name=\"f\"x",
        CD "name='f'; =x",
        CD "name*=utf-8''f",
        CD "name=f; name=f",
        CD "name=f; filename=a; filename=b",
        CD "name=f; filename*=utf-8''a; filename*=utf-8''b",
        CD "name=f; filename*=\"utf-8''a\"",
        CD "name=f; filename*=iso-8859-1''a",
        CD "name=f; filename*=utf-8'a",
        CD "name=f; filename*=a",
        CD "name=f; filename*=utf-8''%",
        CD "name=f; filename*=utf-8''%4",
        CD "name=f; filename*=utf-8''%zz",
        CD "name=f; filename*=utf-8''%00",
        CD "name=f; filename*=utf-8''%ff",
        CD "name=f; filename*=utf-8''%c3",
        "Content-Disposition: attachment; name=f",
        "Content-Disposition: form-data",
        "Content-Disposition: form-datax; name=f",
        "Content-Disposition:",
        "Content-Disposition : form-data; name=f",
        "Content-Type: text/plain",
        "",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char header[256];

        (void)snprintf(header, sizeof(header), "%s%s", bad[i], bad[i][0] != '\0' ? "\r\n" : "");
        assert_header(header, NULL);
    }
}

static void
a_repeated_or_encoded_or_nested_part_is_refused(void **state)
{
    (void)state;
    assert_header(CD "name=f\r\nContent-Transfer-Encoding: 7bit\r\n", "<f>x.");
    assert_header(CD "name=f\r\ncontent-transfer-encoding: 8BIT\r\n", "<f>x.");
    assert_header(CD "name=f\r\nContent-Transfer-Encoding: binary \r\n", "<f>x.");
    assert_header(CD "name=f\r\nContent-Type: multi/part\r\n", "<f>x.");
    assert_header(CD "name=f\r\nContent-Type:\r\n", "<f>x.");

    assert_header(CD "name=f\r\n" CD "name=f\r\n", NULL);
    assert_header(CD "name=f\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n", NULL);
    assert_header(CD "name=f\r\nContent-Transfer-Encoding: base64\r\n", NULL);
    assert_header(CD "name=f\r\nContent-Transfer-Encoding: quoted-printable\r\n", NULL);
    assert_header(CD "name=f\r\nContent-Transfer-Encoding:\r\n", NULL);
    assert_header(CD "name=f\r\nContent-Transfer-Encoding: 7bit\r\n"
                     "Content-Transfer-Encoding: 7bit\r\n",
                  NULL);
    assert_header(CD "name=f\r\nContent-Type: Multipart/mixed; boundary=y\r\n", NULL);
}

static void
malformed_header_lines_are_refused(void **state)
{
    static const char nul[] = "--XbX\r\n" CD "name=\"f\0\"\r\n\r\nx\r\n--XbX--";
    static const char nul_line[] = "--XbX\r\n" CD "name=f\r\n\0: y\r\n\r\nx\r\n--XbX--";

    (void)state;
    assert_header(CD "name=f\r\n X-Folded: y\r\n", NULL);
    assert_header(CD "name=f;\r\n\tfilename=x\r\n", NULL);
    assert_header(CD "name=f\r\nno colon\r\n", NULL);
    assert_header(CD "name=f\r\n: no name\r\n", NULL);
    assert_header(CD "name=f\r\nX Y: z\r\n", NULL);
    assert_header(CD "name=f\r\nX: a\x01\r\n", NULL);
    assert_header(CD "name=f\r\nX: a\x7f\r\n", NULL);
    check(TYPE, nul, sizeof(nul) - 1, ERR_SYNTAX, NULL);
    check(TYPE, nul_line, sizeof(nul_line) - 1, ERR_SYNTAX, NULL);
}

static void
names_and_headers_have_ceilings(void **state)
{
    char long_name[MULTIPART_FILENAME_MAX + 2], header[9000], want[2048];
    const size_t rest = strlen(CD "name=f\r\nX: \r\n\r\n");

    (void)state;
    memset(long_name, 'n', sizeof(long_name));
    (void)snprintf(header, sizeof(header), CD "name=%.64s; filename=%.1024s\r\n", long_name,
                   long_name);
    (void)snprintf(want, sizeof(want), "<%.64s|%.1024s>x.", long_name, long_name);
    assert_header(header, want);
    (void)snprintf(header, sizeof(header), CD "name=%.65s\r\n", long_name);
    assert_header(header, NULL);
    (void)snprintf(header, sizeof(header), CD "name=f; filename=\"%.1025s\"\r\n", long_name);
    assert_header(header, NULL);
    (void)snprintf(header, sizeof(header), CD "name=f; filename*=utf-8''%.1025s\r\n", long_name);
    assert_header(header, NULL);
    (void)snprintf(header, sizeof(header), CD "name=f; filename*=utf-8''a; filename=%.1025s\r\n",
                   long_name);
    assert_header(header, NULL);

    assert_filled("--XbX\r\n" CD "name=f\r\nX: ", 'h', MULTIPART_HEADERS_MAX - rest,
                  "\r\n\r\nx\r\n--XbX--", ERR_OK);
    assert_filled("--XbX\r\n" CD "name=f\r\nX: ", 'h', MULTIPART_HEADERS_MAX - rest + 1,
                  "\r\n\r\nx\r\n--XbX--", ERR_SYNTAX);
}

static void
parts_have_a_ceiling(void **state)
{
    static const char part[] = "--XbX\r\n" CD "name=f\r\n\r\n\r\n", end[] = "--XbX--";

    (void)state;
    for (size_t n = MULTIPART_PARTS_MAX; n <= MULTIPART_PARTS_MAX + 1; n++) {
        struct buf b;

        buf_init(&b, 65536);
        for (size_t i = 0; i < n; i++)
            assert_ok(buf_add_text(&b, part));
        assert_ok(buf_add_text(&b, end));
        check(TYPE, buf_text(&b), b.len, n > MULTIPART_PARTS_MAX ? ERR_SYNTAX : ERR_OK, NULL);
        buf_done(&b);
    }
}

/* ---- the boundary ---- */

static void
boundaries_are_tokens_or_quoted(void **state)
{
    static const struct {
        const char *type, *boundary;
    } good[] = {
        {"multipart/form-data; boundary=a", "a"},
        {"Multipart/Form-Data;BOUNDARY=a", "a"},
        {" multipart/form-data ; charset=utf-8; boundary=\"a\" ", "a"},
        {"multipart/form-data; boundary=\"a b'()+_,-./:=?\"", "a b'()+_,-./:=?"},
        {"multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
         "----WebKitFormBoundary7MA4YWxkTrZu0gW"},
        {"multipart/form-data; boundary=------------------------d74496d66958873e",
         "------------------------d74496d66958873e"},
        {"multipart/form-data; boundary="
         "1234567890123456789012345678901234567890123456789012345678901234567890",
         "1234567890123456789012345678901234567890123456789012345678901234567890"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char body[512];

        (void)snprintf(body, sizeof(body), "--%s\r\n" CD "name=f\r\n\r\n--%.1s\r\n--%s--\r\n",
                       good[i].boundary, "!", good[i].boundary);
        check(good[i].type, body, strlen(body), ERR_OK, "<f>--!.");
    }
}

static void
other_types_and_boundaries_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "multipart/form-data",
        "multipart/form-data;",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"a ",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=a; boundary=a",
        "multipart/form-data; boundary=a;",
        "multipart/form-data; boundary=a b",
        "multipart/form-data; boundary=a/b",
        "multipart/form-data; boundary=a*b",
        "multipart/form-data; boundary=\"a\\\"b\"",
        "multipart/form-data; boundary=\"a\tb\"",
        "multipart/form-data; boundary=\"a\r\nb\"",
        "multipart/form-data; boundary=\"\xc3\xa9\"",
        "multipart/form-data, boundary=a",
        "multipart/form-data boundary=a",
        "multipart/form-datax; boundary=a",
        "multipart/mixed; boundary=a",
        "application/x-www-form-urlencoded",
        ("multipart/form-data; boundary="
         "12345678901234567890123456789012345678901234567890123456789012345678901"),
    };
    struct multipart *m = NULL;

    (void)state;
    assert_err(ERR_SYNTAX, multipart_new(NULL, &events, &m));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (multipart_new(bad[i], &events, &m) != ERR_SYNTAX)
            fail_msg("%s", bad[i]);
        assert_null(m);
    }
    multipart_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_forms_of_names_are_read),
        cmocka_unit_test(only_three_escapes_are_undone_and_only_in_quotes),
        cmocka_unit_test(names_that_cannot_be_read_are_refused),
        cmocka_unit_test(a_repeated_or_encoded_or_nested_part_is_refused),
        cmocka_unit_test(malformed_header_lines_are_refused),
        cmocka_unit_test(names_and_headers_have_ceilings),
        cmocka_unit_test(parts_have_a_ceiling),
        cmocka_unit_test(boundaries_are_tokens_or_quoted),
        cmocka_unit_test(other_types_and_boundaries_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
