/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a file before it comes: of headers and of metadata, right, odd and wrong. */
#include "receive_testing.h"

static void
a_plain_file_is_what_the_header_says(void **state)
{
    struct net_file f = plain_file(5);
    struct received r;
    uint8_t hash[SHA256_LEN];

    (void)state;
    assert_ok(receive_details(&f, NULL, &r));
    assert_string_equal(r.name, "a.txt");
    assert_string_equal(r.type, "text/plain");
    assert_int_equal(r.size_bytes, 5);
    assert_true(r.has_sha256 && r.has_uses_left);
    assert_int_equal(r.uses_left, 2);
    assert_ok(crypt_sha256(plain, 5, hash));
    assert_memory_equal(r.sha256, hash, sizeof(hash));
}

static void
a_plain_file_without_its_hash_is_refused(void **state)
{
    static const char *const wrong[] = {
        "", "x", "deadbeef", "zz48904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447",
        "a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a44700"};
    struct received r = {.name = "untouched"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct net_file f = plain_file(5);

        (void)snprintf(f.sha256, sizeof(f.sha256), "%s", wrong[i]);
        assert_err(ERR_INTEGRITY, receive_details(&f, NULL, &r));
    }
    assert_string_equal(r.name, "untouched");
}

static void
odd_headers_leave_things_unsaid(void **state)
{
    static const char *const uses[] = {"", "-1", "1x", "99999999999"};
    struct received r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
        struct net_file f = plain_file(5);

        (void)snprintf(f.uses_left, sizeof(f.uses_left), "%s", uses[i]);
        f.disposition[0] = '\0';
        f.size_bytes = UINT64_MAX;
        memset(f.type, 't', sizeof(f.type) - 1);
        assert_ok(receive_details(&f, NULL, &r));
        assert_false(r.has_uses_left);
        assert_string_equal(r.name, "file");
        assert_int_equal(r.size_bytes, UINT64_MAX);
        assert_int_equal(strlen(r.type), sizeof(r.type) - 1);
    }
}

static void
an_end_to_end_file_is_what_its_sender_said(void **state)
{
    struct net_file f = sealed_file(7, "mine.txt"), nameless = sealed_file(7, "");
    struct received r;

    (void)state;
    assert_ok(receive_details(&f, &code, &r));
    assert_string_equal(r.name, "mine.txt");
    assert_string_equal(r.type, "text/x-mine");
    assert_int_equal(r.size_bytes, 7);
    assert_true(r.has_sha256 && r.has_uses_left);
    assert_int_equal(r.uses_left, 0);
    assert_ok(receive_details(&nameless, &code, &r));
    assert_string_equal(r.name, "file");
}

static void
metadata_of_another_code_or_damaged_are_refused(void **state)
{
    struct net_file f = sealed_file(7, "mine.txt");
    struct received r;

    (void)state;
    assert_err(ERR_INTEGRITY, receive_details(&f, &other, &r));
    f.meta[20] = f.meta[20] == 'A' ? 'B' : 'A';
    assert_err(ERR_INTEGRITY, receive_details(&f, &code, &r));
    (void)snprintf(f.meta, sizeof(f.meta), "!");
    assert_err(ERR_INTEGRITY, receive_details(&f, &code, &r));
}

static void
without_metadata_the_name_is_the_servers(void **state)
{
    static const char *const names[][2] = {
        {"mayfly.age", "mayfly"}, {"a.txt.AGE", "a.txt"}, {"b", "b"}, {".age", ".age"}};
    struct received r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct net_file f = sealed_file(7, "mine.txt");

        f.meta[0] = '\0';
        (void)snprintf(f.disposition, sizeof(f.disposition), "attachment; filename=\"%s\"",
                       names[i][0]);
        assert_ok(receive_details(&f, &code, &r));
        assert_string_equal(r.name, names[i][1]);
        assert_int_equal(r.size_bytes, UINT64_MAX);
        assert_false(r.has_sha256);
        assert_string_equal(r.type, "");
    }
}

static void
a_tar_is_told_by_type_or_name(void **state)
{
    static const struct {
        const char *name, *type;
        bool is_tar;
    } cases[] = {
        {"x", "application/x-tar", true},
        {"x", "Application/X-Tar; a=b", true},
        {"x.tar", "", true},
        {"X.TAR", "application/octet-stream", true},
        {"x", "application/x-tarball", false},
        {".tar", "", false},
        {"x.tar.gz", "application/gzip", false},
        {"tar", "text/plain", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct received r = {0};

        (void)snprintf(r.name, sizeof(r.name), "%s", cases[i].name);
        (void)snprintf(r.type, sizeof(r.type), "%s", cases[i].type);
        if (received_is_tar(&r) != cases[i].is_tar)
            fail_msg("%s, %s", cases[i].name, cases[i].type);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_file_is_what_the_header_says),
        cmocka_unit_test(a_plain_file_without_its_hash_is_refused),
        cmocka_unit_test(odd_headers_leave_things_unsaid),
        cmocka_unit_test(an_end_to_end_file_is_what_its_sender_said),
        cmocka_unit_test(metadata_of_another_code_or_damaged_are_refused),
        cmocka_unit_test(without_metadata_the_name_is_the_servers),
        cmocka_unit_test(a_tar_is_told_by_type_or_name),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
