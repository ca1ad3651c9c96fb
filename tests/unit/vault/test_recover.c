/* SPDX-License-Identifier: Apache-2.0 */
/* Orphans, and whose storage it is: a node destroys at once what no record names, unless another
 * store's uploads may lie there, too. */
#include "nodes.h"

enum { HOUR_S = 3600, MARK_S = LIFE_S + 6 * HOUR_S };

/* A blob that a node has left which died between the commit and the record. */
static void
leave_orphan(struct room *r)
{
    struct blob_writer *w = NULL;
    struct blob_name name;
    uint64_t size;

    assert_ok(blob_create(r->blobs, &w));
    assert_ok(sink_write(blob_writer_sink(w), r->file, 100));
    assert_ok(blob_commit(w, &name, &size));
    blob_writer_free(w);
}

static void
leave_part(struct room *r)
{
    struct blob_writer *w = NULL;
    pid_t pid;

    pid = fork();
    if (pid == 0)
        _exit(blob_create(r->blobs, &w) == ERR_OK ? 0 : 1);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static uint64_t
recovered(struct vault *v)
{
    uint64_t n = 77;

    assert_ok(vault_recover(v, &n));
    return n;
}

static void
assert_denied(struct vault *v)
{
    uint64_t n = 77;

    assert_err(ERR_DENIED, vault_recover(v, &n));
    assert_int_equal(n, 77);
    assert_non_null(strstr(err_sentence(), "another store"));
}

/* A node whose REDIS_URL leads to another store, or whose store has lost its name and records. */
struct other {
    struct store *inner;
    struct relay relay;
    struct vault *v;
};

static void
open_other(struct room *r, bool is_shared, struct other *ret)
{
    ret->inner = new_inner(r, is_shared ? "other" : "embedded");
    relay_init(&ret->relay, ret->inner, &mono_ms, is_shared);
    ret->v = new_vault(r, &ret->relay.store);
}

static void
close_other(struct other *o)
{
    vault_free(o->v);
    store_free(o->inner);
}

static bool
can_be_had(struct vault *v, const struct vault_receipt *rc)
{
    struct vault_download *d = NULL;
    uint8_t hash[SHA256_LEN];

    assert_ok(begin(v, rc, &d));
    assert_ok(vault_download_verify(d, hash));
    vault_download_free(d);
    return true;
}

static void
orphans_go_at_once_where_one_store_is_alone(void **state)
{
    struct room *r = *state;
    struct vault_receipt rc;

    assert_int_equal(recovered(r->a), 0);
    assert_ok(try_put(r, r->a, 9, &rc));
    leave_orphan(r);
    leave_part(r);
    assert_int_equal(recovered(r->b), 2); /* the node that is left */
    assert_int_equal(n_blobs(r), 1);
    assert_true(can_be_had(r->a, &rc));
    assert_int_equal(recovered(r->a), 0);
}

static void
a_node_with_a_wrong_store_destroys_nothing(void **state)
{
    struct room *r = *state;
    struct vault_receipt rc;
    struct other wrong;

    assert_int_equal(recovered(r->a), 0);
    assert_ok(try_put(r, r->a, 9, &rc));
    open_other(r, true, &wrong);
    assert_denied(wrong.v);
    assert_denied(wrong.v); /* also when its store has a name by now */
    assert_int_equal(n_blobs(r), 1);
    assert_true(can_be_had(r->a, &rc));
    close_other(&wrong);
}

/* The mark alone protects what is put before the first recovery. */
static void
what_is_put_after_the_mark_is_safe_from_other_stores(void **state)
{
    struct room *r = *state;
    struct vault_receipt rc;
    struct other wrong;
    bool is_alone = false;

    assert_ok(vault_mark_storage(r->a, &is_alone));
    assert_true(is_alone);
    open_other(r, true, &wrong);
    assert_ok(vault_mark_storage(wrong.v, &is_alone));
    assert_false(is_alone);
    assert_ok(try_put(r, r->a, 9, &rc));
    assert_denied(wrong.v);
    assert_true(can_be_had(r->a, &rc));
    close_other(&wrong);
}

/* Else it would destroy what the other one is given, as long as it believes the storage its own. */
static void
the_right_store_destroys_nothing_either_while_another_one_is_there(void **state)
{
    struct room *r = *state;
    struct vault_receipt rc;
    struct other wrong;

    assert_int_equal(recovered(r->a), 0);
    open_other(r, true, &wrong);
    assert_ok(try_put(r, wrong.v, 9, &rc));
    assert_denied(wrong.v);
    assert_denied(r->a);
    assert_true(can_be_had(wrong.v, &rc));
    now_s += MARK_S;
    assert_int_equal(recovered(r->a), 1); /* the other one has gone, and so have its uploads */
    close_other(&wrong);
}

static void
a_store_that_is_in_use_stays_protected(void **state)
{
    struct room *r = *state;
    struct vault_receipt rc;
    struct other wrong;

    assert_int_equal(recovered(r->a), 0);
    open_other(r, true, &wrong);
    assert_denied(wrong.v);
    for (int hour = 0; hour < 72; hour++) {
        assert_ok(try_put(r, r->a, 9, &rc));
        assert_denied(r->a);
        now_s += HOUR_S;
        assert_denied(wrong.v);
        now_s -= HOUR_S / 2; /* as the clocks of two nodes may differ */
        assert_true(can_be_had(r->a, &rc));
        assert_ok(vault_burn(r->a, &rc.code, rc.burn_token));
    }
    close_other(&wrong);
}

static void
a_store_that_was_emptied_destroys_when_the_old_uploads_time_is_over(void **state)
{
    struct room *r = *state;
    struct vault_receipt old, new;

    assert_int_equal(recovered(r->a), 0);
    assert_ok(try_put(r, r->a, 9, &old));
    store_free(r->inner); /* restarted, and nothing was on its disk */
    r->relay.inner = r->inner = new_inner(r, "emptied");
    r->relay.has_name = false;
    assert_denied(r->a);
    now_s += MARK_S - 1;
    assert_ok(try_put(r, r->a, 9, &new)); /* it goes on serving */
    assert_denied(r->b);
    assert_true(can_be_had(r->b, &new));
    now_s += 1;
    assert_int_equal(recovered(r->b), 1);
    assert_true(can_be_had(r->a, &new));
    leave_orphan(r);
    assert_int_equal(recovered(r->a), 1); /* alone again */
}

/* In memory, its usual place, it is lost with each restart of the machine. */
static void
an_embedded_store_that_was_lost_is_succeeded_at_once(void **state)
{
    struct room *r = *state;
    struct vault_receipt rc;
    struct other before, after;

    open_other(r, false, &before);
    assert_int_equal(recovered(before.v), 0);
    assert_ok(try_put(r, before.v, 1, &rc));
    close_other(&before);
    after.inner = new_inner(r, "embedded-again");
    relay_init(&after.relay, after.inner, &mono_ms, false);
    after.v = new_vault(r, &after.relay.store);
    assert_int_equal(recovered(after.v), 1);
    assert_int_equal(n_blobs(r), 0);
    close_other(&after);
}

/* A node that was started without its REDIS_URL, and one that was given one. */
static void
embedded_and_shared_stores_are_safe_from_each_other(void **state)
{
    struct room *r = *state;
    struct vault_receipt shared, own;
    struct other embedded;

    assert_int_equal(recovered(r->a), 0);
    assert_ok(try_put(r, r->a, 9, &shared));
    open_other(r, false, &embedded);
    assert_denied(embedded.v);
    assert_ok(try_put(r, embedded.v, 9, &own));
    assert_denied(r->a);
    assert_true(can_be_had(r->a, &shared) && can_be_had(embedded.v, &own));
    close_other(&embedded);
}

static void
a_store_that_is_away_lets_nothing_be_destroyed(void **state)
{
    struct room *r = *state;
    uint64_t n = 77;

    assert_int_equal(recovered(r->a), 0);
    leave_orphan(r);
    r->relay.is_away = true;
    assert_err(ERR_UNAVAIL, vault_recover(r->a, &n));
    assert_int_equal(n, 77);
    assert_int_equal(n_blobs(r), 1);
    r->relay.is_away = false;
    assert_int_equal(recovered(r->a), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(orphans_go_at_once_where_one_store_is_alone),
        TEST(a_node_with_a_wrong_store_destroys_nothing),
        TEST(what_is_put_after_the_mark_is_safe_from_other_stores),
        TEST(the_right_store_destroys_nothing_either_while_another_one_is_there),
        TEST(a_store_that_is_in_use_stays_protected),
        TEST(a_store_that_was_emptied_destroys_when_the_old_uploads_time_is_over),
        TEST(an_embedded_store_that_was_lost_is_succeeded_at_once),
        TEST(embedded_and_shared_stores_are_safe_from_each_other),
        TEST(a_store_that_is_away_lets_nothing_be_destroyed),
    };
    bool locked;

    if (crypt_init(&locked) != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
