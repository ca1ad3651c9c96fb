/* SPDX-License-Identifier: Apache-2.0 */
/* The vault with a store that other nodes use, too: who destroys what, who notices what, and what
 * is left when the store goes away or its replies are lost. */
#include "nodes.h"

/* ---- destroying ---- */

/* What happens while node a overwrites, piece by piece. */
struct scene {
    struct room *r;
    int64_t piece_ms;
    unsigned n_pieces, n_taken; /* by b */
    unsigned stuck_at;          /* in this piece a is stuck for longer than its hold; 0: in none */
    unsigned away_at;           /* from this piece on the store is away */
};

static void
play(void *ctx)
{
    struct scene *sc = ctx;
    struct doomed_blob doomed;

    sc->n_pieces++;
    pass_ms(sc->piece_ms);
    if (sc->n_pieces == sc->stuck_at)
        pass_ms(31000);
    if (sc->n_pieces == sc->away_at)
        sc->r->relay.is_away = true;
    on_fill = NULL; /* b's own overwriting takes no time */
    sc->n_taken += vault_shred_next(sc->r->b, &doomed) == ERR_OK;
    on_fill = play;
}

static void
doom_one(struct room *r)
{
    struct vault_receipt rc;

    assert_ok(try_put(r, r->a, 1, &rc));
    assert_ok(vault_burn(r->a, &rc.code, rc.burn_token));
    assert_int_equal(n_blobs(r), 1);
}

static enum err
shred_at_a(struct scene *sc)
{
    struct doomed_blob doomed;
    enum err e;

    on_fill = play;
    on_fill_ctx = sc;
    e = vault_shred_next(sc->r->a, &doomed);
    on_fill = NULL;
    return e;
}

static void
a_long_shred_keeps_its_hold_to_its_end(void **state)
{
    struct room *r = *state;
    struct scene sc = {.r = r, .piece_ms = 6000};

    doom_one(r);
    assert_ok(shred_at_a(&sc));
    assert_int_equal(sc.n_pieces, PIECES * PASSES); /* 96 s */
    assert_int_equal(sc.n_taken, 0);
    assert_in_range(r->relay.n_held, 7, 8); /* every 12 s: not more often than every 10 */
    assert_in_range(r->relay.held_until_s, now_s + 30 - 12, now_s + 30);
    assert_int_equal(n_blobs(r), 0);
}

static void
a_short_shred_renews_nothing(void **state)
{
    struct room *r = *state;
    struct scene sc = {.r = r, .piece_ms = 600};

    doom_one(r);
    assert_ok(shred_at_a(&sc));
    assert_int_equal(sc.n_pieces, PIECES * PASSES);
    assert_int_equal(r->relay.n_held, 0);
}

static void
a_shred_that_lost_its_hold_and_its_blob_ends_well(void **state)
{
    struct room *r = *state;
    struct scene sc = {.r = r, .piece_ms = 3000, .stuck_at = 5};
    struct doomed_blob doomed;

    doom_one(r);
    assert_ok(shred_at_a(&sc));
    assert_int_equal(sc.n_taken, 1);
    /* Once before it was stuck, once to hear that the blob is no more; not again after that. */
    assert_int_equal(r->relay.n_held, 2);
    assert_int_equal(n_blobs(r), 0);
    assert_err(ERR_NOTFOUND, vault_shred_next(r->b, &doomed));
}

static void
a_node_that_dies_while_destroying_is_replaced_after_its_hold(void **state)
{
    struct room *r = *state;
    struct doomed_blob doomed;

    doom_one(r);
    assert_ok(store_take_doomed(r->inner, now_s, 30, &doomed)); /* and then it died */
    now_s += 29;
    assert_err(ERR_NOTFOUND, vault_shred_next(r->b, &doomed));
    now_s += 1;
    assert_ok(vault_shred_next(r->b, &doomed));
    assert_int_equal(n_blobs(r), 0);
}

static void
a_blob_is_destroyed_though_the_store_went_away_and_forgotten_later(void **state)
{
    struct room *r = *state;
    struct scene sc = {.r = r, .piece_ms = 6000, .away_at = 2};
    struct doomed_blob doomed;
    struct store_stats st;

    doom_one(r);
    assert_err(ERR_UNAVAIL, shred_at_a(&sc));
    assert_int_equal(sc.n_pieces, PIECES * PASSES);
    assert_in_range(r->relay.n_held, 7, 8); /* it asks no more often than before */
    assert_int_equal(n_blobs(r), 0);
    r->relay.is_away = false;
    assert_ok(store_stats(r->inner, &st));
    assert_true(st.stored_bytes > FILE_LEN);
    assert_ok(vault_shred_next(r->b, &doomed)); /* its hold is over by now */
    assert_ok(store_stats(r->inner, &st));
    assert_int_equal(st.stored_bytes, 0);
}

/* ---- downloads that another node ends ---- */

static struct source *
stream_at_a(struct room *r, const struct vault_receipt *rc, struct vault_download **ret)
{
    uint8_t hash[SHA256_LEN];
    struct source *src = NULL;

    assert_ok(begin(r->a, rc, ret));
    assert_ok(vault_download_verify(*ret, hash));
    assert_ok(vault_download_source(*ret, 0, FILE_LEN, &src));
    return src;
}

static enum err
read_some(struct source *src)
{
    uint8_t chunk[1000];
    size_t n = 0;

    return source_read(src, chunk, sizeof(chunk), &n);
}

static void
a_burn_at_another_node_cuts_a_stream_within_two_seconds(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;
    struct source *src;

    assert_ok(try_put(r, r->a, 1, &rc));
    src = stream_at_a(r, &rc, &d);
    for (int i = 0; i < 10; i++) { /* not burned: it goes on */
        pass_ms(1000);
        assert_ok(read_some(src));
    }
    assert_ok(vault_burn(r->b, &rc.code, rc.burn_token));
    pass_ms(2000);
    assert_err(ERR_GONE, read_some(src));
    source_free(src);
    vault_download_free(d);
}

static void
a_stream_asks_every_two_seconds_and_no_more(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;
    struct source *src;

    assert_ok(try_put(r, r->a, 1, &rc));
    src = stream_at_a(r, &rc, &d);
    for (int i = 0; i < 200; i++) { /* 20 s */
        mono_ms += 100;
        now_s += i % 10 == 9;
        assert_ok(read_some(src));
    }
    assert_int_equal(r->relay.n_renewed, 10);
    source_free(src);
    vault_download_free(d);
}

static void
a_store_of_this_node_alone_is_asked_for_the_lease_only(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;
    struct relay own;
    struct source *src;

    relay_init(&own, r->inner, &mono_ms, false);
    vault_free(r->a);
    r->a = new_vault(r, &own.store);
    assert_ok(try_put(r, r->a, 1, &rc));
    src = stream_at_a(r, &rc, &d);
    for (int i = 0; i < LEASE_S; i++) {
        pass_ms(1000);
        assert_ok(read_some(src));
    }
    assert_int_equal(own.n_renewed, 4);
    source_free(src);
    vault_download_free(d);
    vault_free(r->a);
    r->a = NULL;
}

static void
a_store_that_is_away_cuts_no_stream(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;
    struct source *src;

    assert_ok(try_put(r, r->a, 1, &rc));
    src = stream_at_a(r, &rc, &d);
    r->relay.is_away = true;
    for (int i = 0; i < 100; i++) {
        pass_ms(1000);
        assert_ok(read_some(src));
    }
    assert_int_equal(r->relay.n_renewed, 50);
    r->relay.is_away = false;
    assert_ok(vault_burn(r->b, &rc.code, rc.burn_token));
    pass_ms(2000);
    assert_err(ERR_GONE, read_some(src));
    source_free(src);
    vault_download_free(d);
}

/* Looking for burns may cost a tenth of the time of all streams together; keeping leases is a
 * must, but seldom. */
static void
a_slow_store_slows_streams_down_by_a_tenth_at_most(void **state)
{
    struct room *r = *state;
    struct vault_download *d[2] = {NULL, NULL};
    struct source *src[2];
    struct vault_receipt rc;
    int64_t from_ms;

    assert_ok(try_put(r, r->a, 2, &rc));
    for (int i = 0; i < 2; i++)
        src[i] = stream_at_a(r, &rc, &d[i]);
    r->relay.renew_ms = 1000;
    from_ms = mono_ms;
    while (mono_ms - from_ms < 1000 * 1000) {
        pass_ms(1000);
        assert_ok(read_some(src[0]));
        assert_ok(read_some(src[1]));
    }
    assert_in_range(r->relay.n_renewed, 1000 / 150, 1000 / 10 + 2 * (1000 / 150));
    for (int i = 0; i < 2; i++) {
        source_free(src[i]);
        vault_download_free(d[i]);
    }
}

static void
a_lease_is_kept_also_when_the_wall_clock_steps_back(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;
    struct source *src;

    assert_ok(try_put(r, r->a, 1, &rc));
    src = stream_at_a(r, &rc, &d);
    now_s -= 1000;
    assert_ok(read_some(src));
    assert_int_equal(r->relay.n_renewed, 1);
    assert_ok(read_some(src));
    assert_int_equal(r->relay.n_renewed, 1);
    source_free(src);
    vault_download_free(d);
}

static void
destroy_at_b(struct room *r, const struct vault_receipt *rc)
{
    struct doomed_blob doomed;

    assert_ok(vault_burn(r->b, &rc->code, rc->burn_token));
    assert_ok(vault_shred_next(r->b, &doomed));
}

/* Not damage, though the blob looks like it. */
static void
a_blob_that_another_node_destroyed_meanwhile_is_gone_not_damaged(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    uint8_t hash[SHA256_LEN];
    struct vault_receipt rc;
    struct source *src;
    enum err e = ERR_OK;

    assert_ok(try_put(r, r->a, 1, &rc)); /* before it was verified */
    assert_ok(begin(r->a, &rc, &d));
    destroy_at_b(r, &rc);
    assert_err(ERR_GONE, vault_download_verify(d, hash));
    vault_download_free(d);

    assert_ok(try_put(r, r->a, 1, &rc)); /* and after, within the same second */
    src = stream_at_a(r, &rc, &d);
    destroy_at_b(r, &rc);
    while (e == ERR_OK)
        e = read_some(src);
    assert_int_equal(e, ERR_GONE);
    source_free(src);
    vault_download_free(d);
}

/* The blob of the only record, as a thief with a hammer would leave it. */
static void
break_the_blob(struct room *r, const char *how)
{
    char command[160];
    pid_t pid;
    int status = -1;

    (void)snprintf(command, sizeof(command), "find %s/storage/?? -type f -exec %s {} +", r->dir,
                   how);
    pid = fork();
    if (pid == 0) {
        (void)execlp("sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
a_broken_blob_of_a_live_upload_is_damaged_not_gone(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    uint8_t hash[SHA256_LEN];
    struct vault_receipt rc;

    assert_ok(try_put(r, r->a, 3, &rc));
    break_the_blob(r, "truncate -s 999");
    assert_ok(begin(r->a, &rc, &d));
    assert_err(ERR_INTEGRITY, vault_download_verify(d, hash));
    vault_download_free(d);
    break_the_blob(r, "rm");
    assert_err(ERR_IO, begin(r->a, &rc, &d));
}

/* ---- replies that are lost ---- */

static struct share_state
status(struct room *r, const struct vault_receipt *rc)
{
    struct share_state st;

    assert_ok(vault_status(r->a, &rc->code, &st));
    return st;
}

static void
a_put_whose_reply_was_lost_leaves_no_blob(void **state)
{
    struct room *r = *state;
    struct vault_receipt rc;

    r->relay.loses_replies = true; /* the taking back is done, too, and unheard of */
    assert_err(ERR_UNAVAIL, try_put(r, r->a, 1, &rc));
    assert_int_equal(r->relay.n_removed, 1);
    assert_int_equal(n_live(r), 0);
    assert_int_equal(n_blobs(r), 0);
}

static enum err
put_then_go_away(struct store *s, const struct record *rec)
{
    struct relay *r = relay_of(s);

    assert_ok(store_put(r->inner, rec));
    r->is_away = true;
    return err_set(ERR_UNAVAIL, "the reply was lost");
}

static void
a_record_that_cannot_be_taken_back_lives_without_its_blob_until_its_expiry(void **state)
{
    struct room *r = *state;
    struct store_ops ops = *r->relay.store.ops;
    const struct store_ops *before = r->relay.store.ops;
    struct doomed_blob doomed;
    struct vault_receipt rc;
    unsigned n = 0;

    ops.put = put_then_go_away;
    r->relay.store.ops = &ops;
    assert_err(ERR_UNAVAIL, try_put(r, r->a, 1, &rc));
    r->relay.store.ops = before;
    assert_int_equal(r->relay.n_removed, 1); /* tried once, and given up at once */
    assert_int_equal(n_blobs(r), 0);
    r->relay.is_away = false;
    assert_int_equal(n_live(r), 1); /* nobody was told its code */
    now_s += TTL_S - 1;
    assert_ok(vault_sweep(r->b, &n));
    assert_int_equal(n, 0);
    now_s += 1;
    assert_ok(vault_sweep(r->b, &n));
    assert_int_equal(n, 1);
    assert_ok(vault_shred_next(r->b, &doomed)); /* a blob that is not there is no error */
    assert_err(ERR_NOTFOUND, vault_shred_next(r->b, &doomed));
}

static void
a_claim_whose_reply_was_lost_counts_as_taken(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;
    unsigned n = 0;

    assert_ok(try_put(r, r->a, 2, &rc));
    r->relay.loses_replies = true;
    assert_err(ERR_UNAVAIL, begin(r->a, &rc, &d));
    assert_null(d);
    r->relay.loses_replies = false;
    assert_int_equal(status(r, &rc).uses_left, 1);
    assert_ok(begin(r->a, &rc, &d));
    vault_download_free(d); /* nothing was sent: this one comes back */
    assert_int_equal(status(r, &rc).uses_left, 1);

    r->relay.loses_replies = true;
    assert_err(ERR_UNAVAIL, begin(r->a, &rc, &d)); /* the last one */
    r->relay.loses_replies = false;
    assert_err(ERR_GONE, begin(r->b, &rc, &d));
    now_s += LEASE_S; /* the lease that nobody knows of is over */
    assert_ok(vault_sweep(r->b, &n));
    assert_int_equal(n, 1);
    assert_int_equal(status(r, &rc).ended_by, ENDED_USES);
}

static void
a_settling_whose_reply_was_lost_has_ended_the_upload(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct doomed_blob doomed;
    struct vault_receipt rc;
    bool ended = false;
    int64_t due_s = 0;

    assert_ok(try_put(r, r->a, 1, &rc));
    source_free(stream_at_a(r, &rc, &d));
    r->relay.loses_replies = true;
    assert_err(ERR_UNAVAIL, vault_download_settle(d, FILE_LEN, FILE_LEN, &ended));
    assert_false(ended);
    r->relay.loses_replies = false;
    vault_download_free(d); /* which gives nothing back */
    assert_int_equal(status(r, &rc).phase, SHARE_ENDED);
    assert_int_equal(n_live(r), 0);
    assert_ok(vault_next_due(r->a, &due_s)); /* a record may have gone: scrub */
    assert_true(due_s <= now_s);
    assert_ok(vault_shred_next(r->b, &doomed));
    assert_int_equal(n_blobs(r), 0);
}

static void
a_settling_that_was_never_done_leaves_the_use_spent(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;
    bool ended = false;
    unsigned n = 0;

    assert_ok(try_put(r, r->a, 1, &rc));
    source_free(stream_at_a(r, &rc, &d));
    r->relay.is_away = true;
    assert_err(ERR_UNAVAIL, vault_download_settle(d, FILE_LEN, FILE_LEN, &ended));
    r->relay.is_away = false;
    vault_download_free(d);
    assert_err(ERR_GONE, begin(r->b, &rc, &d));
    now_s += LEASE_S;
    assert_ok(vault_sweep(r->b, &n));
    assert_int_equal(n, 1);
}

static void
a_release_whose_reply_was_lost_gives_one_use_back(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;

    assert_ok(try_put(r, r->a, 3, &rc));
    assert_ok(begin(r->a, &rc, &d));
    assert_int_equal(status(r, &rc).uses_left, 2);
    r->relay.loses_replies = true;
    vault_download_free(d);
    r->relay.loses_replies = false;
    assert_int_equal(status(r, &rc).uses_left, 3);
}

static void
a_release_that_was_never_done_leaves_the_use_taken(void **state)
{
    struct room *r = *state;
    struct vault_download *d = NULL;
    struct vault_receipt rc;

    assert_ok(try_put(r, r->a, 3, &rc));
    assert_ok(begin(r->a, &rc, &d));
    r->relay.is_away = true;
    vault_download_free(d);
    r->relay.is_away = false;
    assert_int_equal(status(r, &rc).uses_left, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_long_shred_keeps_its_hold_to_its_end),
        TEST(a_short_shred_renews_nothing),
        TEST(a_shred_that_lost_its_hold_and_its_blob_ends_well),
        TEST(a_node_that_dies_while_destroying_is_replaced_after_its_hold),
        TEST(a_blob_is_destroyed_though_the_store_went_away_and_forgotten_later),
        TEST(a_burn_at_another_node_cuts_a_stream_within_two_seconds),
        TEST(a_stream_asks_every_two_seconds_and_no_more),
        TEST(a_store_of_this_node_alone_is_asked_for_the_lease_only),
        TEST(a_store_that_is_away_cuts_no_stream),
        TEST(a_slow_store_slows_streams_down_by_a_tenth_at_most),
        TEST(a_lease_is_kept_also_when_the_wall_clock_steps_back),
        TEST(a_blob_that_another_node_destroyed_meanwhile_is_gone_not_damaged),
        TEST(a_broken_blob_of_a_live_upload_is_damaged_not_gone),
        TEST(a_put_whose_reply_was_lost_leaves_no_blob),
        TEST(a_record_that_cannot_be_taken_back_lives_without_its_blob_until_its_expiry),
        TEST(a_claim_whose_reply_was_lost_counts_as_taken),
        TEST(a_settling_whose_reply_was_lost_has_ended_the_upload),
        TEST(a_settling_that_was_never_done_leaves_the_use_spent),
        TEST(a_release_whose_reply_was_lost_gives_one_use_back),
        TEST(a_release_that_was_never_done_leaves_the_use_taken),
    };
    bool locked;

    if (crypt_init(&locked) != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
