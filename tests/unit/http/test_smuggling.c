/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that two servers could read differently: each gets exactly one reply, a refusal, and
 * what follows it is never executed. */
#include "serving.h"

struct probe {
    const char *what, *request;
    size_t len; /* 0: text */
    unsigned status;
};

#define SECOND   "GET /item/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
#define BYTES(s) s, sizeof(s) - 1

static const struct probe probes[] = {
    {"length beside a transfer coding",
     BYTES("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n"
           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SECOND),
     400},
    {"two lengths",
     BYTES("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: "
           "44\r\n\r\n" SECOND),
     400},
    {"the same length twice",
     BYTES("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: "
           "4\r\n\r\nbody" SECOND),
     400},
    {"a blank before the colon",
     BYTES(
         "POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" SECOND),
     400},
    {"a blank before the length's colon",
     BYTES("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length : 44\r\n\r\n" SECOND), 400},
    {"two hosts", BYTES("GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" SECOND), 400},
    {"no host", BYTES("GET /hello HTTP/1.1\r\nA: b\r\n\r\n" SECOND), 400},
    {"bare LF after the request line", BYTES("GET /hello HTTP/1.1\nHost: x\r\n\r\n" SECOND), 400},
    {"bare LF between fields", BYTES("GET /hello HTTP/1.1\r\nHost: x\nA: b\r\n\r\n" SECOND), 400},
    {"bare LF at the end", BYTES("GET /hello HTTP/1.1\r\nHost: x\r\n\n" SECOND), 400},
    {"a folded line", BYTES("GET /hello HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n" SECOND), 400},
    {"a folded transfer coding",
     BYTES("POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n "
           "chunked\r\n\r\n0\r\n\r\n" SECOND),
     400},
    {"NUL in the target as an escape", BYTES("GET /item/a%00b HTTP/1.1\r\nHost: x\r\n\r\n" SECOND),
     400},
    {"NUL in the target", BYTES("GET /item/a\0b HTTP/1.1\r\nHost: x\r\n\r\n" SECOND), 400},
    {"NUL in a value", BYTES("GET /hello HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n" SECOND), 400},
    {"a control in a value", BYTES("GET /hello HTTP/1.1\r\nHost: x\r\nA: b\x01\r\n\r\n" SECOND),
     400},
    {"CR in a value", BYTES("GET /hello HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n" SECOND), 400},
    {"a blank in the target", BYTES("GET /item/a b HTTP/1.1\r\nHost: x\r\n\r\n" SECOND), 400},
    {"two blanks before the target", BYTES("GET  /hello HTTP/1.1\r\nHost: x\r\n\r\n" SECOND), 400},
    {"two blanks before the version", BYTES("GET /hello  HTTP/1.1\r\nHost: x\r\n\r\n" SECOND), 400},
    {"an absolute target", BYTES("GET http://x/hello HTTP/1.1\r\nHost: x\r\n\r\n" SECOND), 400},
    {"an unknown transfer coding",
     BYTES("POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n" SECOND), 501},
    {"two transfer codings",
     BYTES("POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" SECOND),
     501},
    {"chunked twice",
     BYTES("POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"
           "0\r\n\r\n" SECOND),
     501},
    {"chunked in HTTP/1.0",
     BYTES(
         "POST /upload HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SECOND),
     400},
    {"a version that is none", BYTES("GET /hello HTTP/1.2\r\nHost: x\r\n\r\n" SECOND), 400},
    {"a bad method", BYTES("G@T /hello HTTP/1.1\r\nHost: x\r\n\r\n" SECOND), 400},
};

static void
every_probe_is_refused_with_one_reply(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX];
    int failures = 0;

    app_start(a);
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        const struct probe *p = &probes[i];
        int fd = dial(a), end;

        assert_true(say(fd, p->request, p->len));
        (void)hear_all(fd, r, sizeof(r), &end);
        (void)close(fd);
        if (end != 0 || strncmp(r, "HTTP/1.1 ", 9) != 0 || status_in(r) != p->status ||
            n_in(r, "HTTP/1.1 ") != 1 || strstr(r, "Connection: close") == NULL) {
            print_error("%s (end %d):\n%s\n", p->what, end, r);
            failures++;
        }
    }
    assert_int_equal(failures, 0);
    assert_int_equal(a->n_handled, 0);
    assert_int_equal(a->n_begun, 0);
}

static void
the_same_requests_without_the_fault_are_served(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX];

    app_start(a);
    (void)ask(a,
              "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
              "GET /item/a%20b HTTP/1.1\r\nHost: x\r\nA: b\tc\r\n\r\n"
              "\r\nGET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
              r, sizeof(r));
    assert_int_equal(n_in(r, "HTTP/1.1 200"), 3);
    (void)ask(a,
              "POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
              "4\r\nbody\r\n0\r\n\r\n",
              r, sizeof(r));
    assert_int_equal(status_in(r), 200);
    assert_int_equal(a->n_handled, 2);
    assert_int_equal(a->n_finished, 2);
}

static void
a_length_that_is_no_number_never_becomes_a_second_request(void **state)
{
    static const char *const lengths[] = {
        "-1", "+4", "4x", "0x4", "4, 4", "", "4 4", "99999999999999999999", "\xd9\xa4"};
    struct app *a = *state;
    char r[REPLY_MAX], request[256];

    app_start(a);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        int fd = dial(a);

        (void)snprintf(request, sizeof(request),
                       "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\nbody" SECOND,
                       lengths[i]);
        assert_true(say_text(fd, request));
        (void)hear_all(fd, r, sizeof(r), NULL);
        (void)close(fd);
        assert_true(status_in(r) == 400 || status_in(r) == 413);
    }
    assert_int_equal(a->n_handled, 0);
    assert_int_equal(a->n_begun, 0);
}

static void
broken_chunks_never_become_a_second_request(void **state)
{
    static const char *const chunks[] = {"x\r\nbody\r\n0\r\n\r\n",    "4\r\nbodyX0\r\n\r\n",
                                         "-4\r\nbody\r\n0\r\n\r\n",   "4 \r\nbody\r\n0\r\n\r\n",
                                         "0x4\r\nbody\r\n0\r\n\r\n",  "\r\nbody\r\n0\r\n\r\n",
                                         "ffffffffffffffffff\r\nbody"};
    struct app *a = *state;
    char r[REPLY_MAX], request[256];

    app_start(a);
    for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
        int fd = dial(a);

        (void)snprintf(request, sizeof(request),
                       "POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "%s" SECOND,
                       chunks[i]);
        assert_true(say_text(fd, request));
        (void)hear_all(fd, r, sizeof(r), NULL);
        (void)close(fd);
        assert_true(status_in(r) == 400 || status_in(r) == 413);
        assert_int_equal(n_in(r, "HTTP/1.1 "), 1);
    }
    assert_int_equal(a->n_handled, 0);
    assert_int_equal(a->n_finished, 0);
    wait_for(a->n_intakes_freed, a->n_begun);
}

static void
too_many_fields_are_refused(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX], request[4096];
    size_t len;

    app_start(a);
    for (int n = 98; n <= 101; n++) {
        len = (size_t)snprintf(request, sizeof(request),
                               "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        for (int i = 2; i < n; i++)
            len += (size_t)snprintf(request + len, sizeof(request) - len, "A%d: b\r\n", i);
        (void)snprintf(request + len, sizeof(request) - len, "\r\n");
        (void)ask(a, request, r, sizeof(r));
        assert_int_equal(status_in(r), n <= 100 ? 200 : 400);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_probe_is_refused_with_one_reply),
        TEST(the_same_requests_without_the_fault_are_served),
        TEST(a_length_that_is_no_number_never_becomes_a_second_request),
        TEST(broken_chunks_never_become_a_second_request),
        TEST(too_many_fields_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
