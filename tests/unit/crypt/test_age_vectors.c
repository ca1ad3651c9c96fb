/* SPDX-License-Identifier: Apache-2.0 */
/* Test vectors: ours, made by tests/data/age/make.py, and those of C2SP where they lie beside the
 * checkout. Each says what a reader must make of its age file, and what may come out of it. */
#include "unit/crypt/ages.h"

#include "base/enc.h"

#include <dirent.h>

enum { VECTOR_MAX = 1 << 20, VALUE_MAX = 400, N_OURS = 150, N_C2SP = 26 };

struct vector {
    char expect[VALUE_MAX], passphrase[VALUE_MAX], payload[VALUE_MAX];
    struct buf file;
};

/* Read a file whole; `ret` is set up here. */
static void
slurp(const char *dir, const char *name, struct buf *ret)
{
    uint8_t piece[4096];
    char path[1024];
    size_t n;
    FILE *f;

    buf_init(ret, VECTOR_MAX);
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
        assert_ok(buf_add(ret, piece, n));
    assert_int_equal(0, ferror(f));
    (void)fclose(f);
}

/* The value of a line `key: value`, into `ret` unless that has one already. */
static void
take_value(const char *line, const char *key, char ret[VALUE_MAX])
{
    size_t n = strlen(key);

    if (strncmp(line, key, n) == 0 && strncmp(line + n, ": ", 2) == 0 && ret[0] == '\0')
        (void)snprintf(ret, VALUE_MAX, "%.*s", (int)strcspn(line + n + 2, "\n"), line + n + 2);
}

static void
load(const char *dir, const char *name, struct vector *ret)
{
    struct buf all;
    const char *line;

    *ret = (struct vector){.expect = ""};
    slurp(dir, name, &all);
    for (line = buf_text(&all); *line != '\n'; line = strchr(line, '\n') + 1) {
        take_value(line, "expect", ret->expect);
        take_value(line, "passphrase", ret->passphrase);
        take_value(line, "payload", ret->payload);
        assert_non_null(strchr(line, '\n'));
    }
    buf_init(&ret->file, VECTOR_MAX);
    line++;
    assert_ok(buf_add(&ret->file, line, all.len - (size_t)(line - buf_text(&all))));
    buf_done(&all);
}

/* Whether `e` is what is expected. Armor that breaks in the payload is damage, as a binary file
 * would be damaged there. */
static bool
is_expected(const char *expect, enum err e)
{
    if (strcmp(expect, "success") == 0)
        return e == ERR_OK;
    if (strcmp(expect, "no match") == 0)
        return e == ERR_DENIED;
    if (strcmp(expect, "HMAC failure") == 0 || strcmp(expect, "payload failure") == 0)
        return e == ERR_INTEGRITY;
    if (strcmp(expect, "header failure") == 0)
        return e == ERR_SYNTAX || e == ERR_TOOBIG;
    if (strcmp(expect, "armor failure") == 0)
        return e == ERR_SYNTAX || e == ERR_INTEGRITY;
    return false;
}

/* What came out must be what `payload` says, whatever the end was. */
static bool
is_payload(const struct vector *v, const struct buf *opened)
{
    uint8_t want[SHA256_LEN], got[SHA256_LEN];

    if (v->payload[0] == '\0')
        return opened->len == 0;
    assert_ok(hex_decode(v->payload, want, sizeof(want)));
    assert_ok(crypt_sha256(opened->data, opened->len, got));
    return mem_equal(want, got, sizeof(want));
}

/* A file that is opened begins as one, but for its armor; one whose header is wrong never does. */
static bool
is_look_right(const struct vector *v, enum err e)
{
    enum age_look l = age_look(v->file.data, v->file.len);

    if (e == ERR_OK)
        return l == AGE_LOOK_YES || age_is_armor(v->file.data[0]);
    return strcmp(v->expect, "header failure") != 0 || e == ERR_TOOBIG || l != AGE_LOOK_YES;
}

static bool
is_judged_right(const char *dir, const char *name)
{
    static const size_t caps[] = {1, 4096}, steps[] = {SIZE_MAX, 1};
    bool is_right = true;
    struct vector v;

    load(dir, name, &v);
    for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
        struct trickle t = trickle_of(&v.file, steps[i]);
        struct buf opened;
        enum err e;

        buf_init(&opened, VECTOR_MAX);
        e = open_with(v.passphrase, &t, caps[i], &opened);
        if (!is_expected(v.expect, e) || !is_payload(&v, &opened) || !is_look_right(&v, e)) {
            print_error("%s: expected %s, got %s and %zu bytes\n", name, v.expect, err_name(e),
                        opened.len);
            is_right = false;
        }
        buf_done(&opened);
    }
    buf_done(&v.file);
    return is_right;
}

/* How many vectors the folder holds; all are judged as they say. */
static int
judge_all(DIR *d, const char *dir)
{
    struct dirent *entry;
    int n = 0, n_wrong = 0;

    while ((entry = readdir(d)) != NULL) {
        if (strchr(entry->d_name, '.') != NULL || entry->d_type == DT_DIR)
            continue; /* itself, its parent, what makes them */
        n++;
        n_wrong += !is_judged_right(dir, entry->d_name);
    }
    (void)closedir(d);
    assert_int_equal(0, n_wrong);
    return n;
}

static void
our_vectors_are_judged_as_they_say(void **state)
{
    DIR *d = opendir(TESTS_DATA "/age");

    (void)state;
    assert_non_null(d);
    assert_true(judge_all(d, TESTS_DATA "/age") >= N_OURS);
}

static void
the_vectors_of_c2sp_are_judged_as_they_say(void **state)
{
    static const char dir[] = TESTS_DATA "/../../../shared/data/age-vectors";
    DIR *d = opendir(dir);

    (void)state;
    if (d == NULL)
        skip(); /* they are no part of the project; ours say the same and more */
    assert_true(judge_all(d, dir) >= N_C2SP);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_vectors_are_judged_as_they_say),
        cmocka_unit_test(the_vectors_of_c2sp_are_judged_as_they_say),
    };

    return cmocka_run_group_tests(tests, set_up_heap, tear_down_heap);
}
