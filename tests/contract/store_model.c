/* SPDX-License-Identifier: Apache-2.0 */
/* A simple model of the store beside the real one: thousands of random calls, seeded, and after
 * each the two must agree in error, outputs and what anybody can see. The model is written for
 * being obviously right: arrays that are searched from the start, one flag per byte of a lease. */
#include "store_contract.h"

#include <stdio.h>

enum {
    IDS = 6,
    CLIENTS = 3,
    LEASES = 200, /* of one upload; claims stop before */
    DOOMED = 4000,
    COUNTERS = 4,
    BYTES = 12, /* size of every upload: few, so that leases get covered */
    STEPS = 5000,
};

struct model_lease {
    bool is_used, was_resumed;
    struct lease_id id;
    unsigned client;
    int64_t ends_at_s;
    bool had[BYTES];
};

struct model_upload {
    bool is_live, has_tombstone;
    struct record rec;
    int64_t claimed_at_s;
    struct model_lease leases[LEASES]; /* the newest last */
    unsigned n_leases;
    struct share_state tombstone;
};

struct model {
    struct fixture *f;
    unsigned seed, step;
    uint64_t random;
    int64_t now_s;
    int64_t ran_out_s; /* when the last tombstone or counter did */
    struct model_upload uploads[IDS];
    struct doomed_blob doomed[DOOMED];
    bool is_doomed[DOOMED];
    int64_t held_until_s[DOOMED];
    unsigned n_doomed, n_blobs;
    struct counter counters[COUNTERS];
};

#define check(m, what)                                                                             \
    do {                                                                                           \
        if (!(what))                                                                               \
            fail_msg("seed %u, step %u, now %lld: %s", (m)->seed, (m)->step,                       \
                     (long long)(m)->now_s, #what);                                                \
    } while (0)

/* Fail unless the store gave the model's answer; true when that was ERR_OK. */
#define agree(m, want, got) agree_on((m), (want), (got), #got)

static bool
agree_on(struct model *m, enum err want, enum err got, const char *call)
{
    if (want != got)
        fail_msg("seed %u, step %u, now %lld: %s gave %s, the model %s", m->seed, m->step,
                 (long long)m->now_s, call, err_name(got), err_name(want));
    return want == ERR_OK;
}

static unsigned
pick(struct model *m, unsigned n)
{
    m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((m->random >> 33) % n);
}

/* ---- the model's own rules ---- */

static bool
has_lease(const struct model *m, const struct model_upload *u)
{
    for (unsigned i = 0; i < u->n_leases; i++) {
        if (u->leases[i].is_used && u->leases[i].ends_at_s > m->now_s)
            return true;
    }
    return false;
}

static enum err
missing(const struct model *m, const struct model_upload *u)
{
    return u->has_tombstone && m->now_s < u->tombstone.ended_at_s + TOMBSTONE_S ? ERR_GONE
                                                                                : ERR_NOTFOUND;
}

/* What claim and preview say before they do anything. */
static enum err
may_take(const struct model *m, const struct model_upload *u)
{
    if (!u->is_live)
        return missing(m, u);
    return u->rec.uses_left == 0 || u->rec.expires_at_s <= m->now_s ? ERR_GONE : ERR_OK;
}

/* What lookup and remove say. */
static enum err
is_there(const struct model *m, const struct model_upload *u)
{
    if (!u->is_live)
        return missing(m, u);
    if (u->rec.expires_at_s <= m->now_s || (u->rec.uses_left == 0 && !has_lease(m, u)))
        return ERR_GONE;
    return ERR_OK;
}

static struct share_state
state_of(const struct model *m, const struct model_upload *u)
{
    struct share_state st = {.phase = SHARE_UNKNOWN};

    if (!u->is_live)
        return missing(m, u) == ERR_GONE ? u->tombstone : st;
    st.phase = SHARE_ENDED;
    st.expires_at_s = u->rec.expires_at_s;
    st.uses_total = u->rec.uses_total;
    st.uses_left = u->rec.uses_left;
    if (st.uses_left == 0) {
        st.ended_by = ENDED_USES;
        st.ended_at_s = u->claimed_at_s;
    } else if (u->rec.expires_at_s <= m->now_s) {
        st.ended_by = ENDED_EXPIRY;
        st.ended_at_s = st.expires_at_s;
    } else {
        st.phase = SHARE_ACTIVE;
    }
    return st;
}

static void
end(struct model *m, struct model_upload *u, enum ended_by how, int64_t at_s)
{
    check(m, m->n_doomed < DOOMED);
    u->tombstone = (struct share_state){
        .phase = SHARE_ENDED,
        .ended_by = how,
        .ended_at_s = at_s,
        .expires_at_s = u->rec.expires_at_s,
        .uses_total = u->rec.uses_total,
        .uses_left = u->rec.uses_left,
    };
    m->doomed[m->n_doomed] = (struct doomed_blob){u->rec.blob, STORED, at_s, how};
    m->held_until_s[m->n_doomed] = INT64_MIN;
    m->is_doomed[m->n_doomed++] = true;
    u->has_tombstone = true;
    u->is_live = false;
    u->n_leases = 0;
}

/* What calls first, and when. */
static int64_t
want_next_due(const struct model *m)
{
    int64_t want = INT64_MAX;

#define EARLIER(t) want = (t) < want ? (t) : want
    for (unsigned i = 0; i < IDS; i++) {
        const struct model_upload *u = &m->uploads[i];
        bool leased = false;

        for (unsigned k = 0; u->is_live && k < u->n_leases; k++) {
            leased = leased || u->leases[k].is_used;
            if (u->leases[k].is_used)
                EARLIER(u->leases[k].ends_at_s);
        }
        if (u->is_live)
            EARLIER(u->rec.uses_left == 0 && !leased ? 0 : u->rec.expires_at_s);
        if (u->has_tombstone)
            EARLIER(drop_due(m->f, u->tombstone.ended_at_s + TOMBSTONE_S));
    }
    for (unsigned i = 0; i < m->n_doomed; i++) {
        if (m->is_doomed[i])
            EARLIER(m->held_until_s[i] == INT64_MIN ? 0 : m->held_until_s[i]);
    }
    for (unsigned i = 0; i < COUNTERS; i++) {
        if (m->counters[i].value > 0)
            EARLIER(drop_due(m->f, m->counters[i].resets_at_s + 60));
    }
#undef EARLIER
    return want;
}

/* ---- the steps: each does one call on both ---- */

static void
step_put(struct model *m, struct model_upload *u, struct share_id id)
{
    struct record rec = sample(m->n_blobs % 1000);

    rec.id = id;
    rec.blob = blob_of(++m->n_blobs);
    rec.size_bytes = BYTES;
    rec.created_at_s = m->now_s;
    rec.expires_at_s = m->now_s + 1 + pick(m, 300);
    rec.uses_total = rec.uses_left = 1 + pick(m, 3);
    rec.sealed_len = pick(m, RECORD_SEALED_MAX);
    if (!agree(m, u->is_live || missing(m, u) == ERR_GONE ? ERR_EXISTS : ERR_OK,
               store_put(m->f->s, &rec)))
        return;
    u->is_live = true;
    u->rec = rec; /* a tombstone past its time stays until the next end_due */
    u->claimed_at_s = m->now_s;
    u->n_leases = 0;
}

static struct model_lease *
pick_lease(struct model *m, struct model_upload *u)
{
    static struct model_lease none; /* a lease that no store knows */

    return u->n_leases == 0 || pick(m, 20) == 0 ? &none : &u->leases[pick(m, u->n_leases)];
}

static int64_t
lease_end(const struct model *m, const struct model_upload *u, int64_t lease_s)
{
    int64_t at_s = m->now_s + lease_s;

    return at_s < u->rec.expires_at_s ? at_s : u->rec.expires_at_s;
}

static void
step_claim(struct model *m, struct model_upload *u, const struct store_claim *c, unsigned client)
{
    struct model_lease *l = &u->leases[u->n_leases];
    struct lease_id lease;
    struct record got;

    if (u->n_leases == LEASES || !agree(m, may_take(m, u), store_claim(m->f->s, c, &got, &lease)))
        return;
    u->rec.uses_left--;
    u->claimed_at_s = m->now_s;
    assert_same_record(&u->rec, &got);
    *l = (struct model_lease){true, false, lease, client, lease_end(m, u, c->lease_s), {false}};
    u->n_leases++;
}

static void
step_resume(struct model *m, struct model_upload *u, const struct store_claim *c, unsigned client)
{
    unsigned from = pick(m, BYTES + 2);
    struct model_lease *l = NULL;
    struct lease_id lease;
    struct record got;

    for (unsigned i = 0; u->is_live && from < BYTES && i < u->n_leases; i++) {
        if (u->leases[i].is_used && u->leases[i].client == client && !u->leases[i].had[from] &&
            u->leases[i].ends_at_s > m->now_s)
            l = &u->leases[i];
    }
    if (!agree(m, l == NULL ? ERR_NOTFOUND : ERR_OK, store_resume(m->f->s, c, from, &got, &lease)))
        return;
    assert_memory_equal(&l->id, &lease, sizeof(lease));
    assert_same_record(&u->rec, &got);
    l->ends_at_s = lease_end(m, u, c->lease_s);
    l->was_resumed = true;
}

static void
step_release(struct model *m, struct model_upload *u, struct share_id id)
{
    struct model_lease *l = pick_lease(m, u);
    enum err want = l->is_used && !l->was_resumed ? ERR_OK : ERR_NOTFOUND;

    if (agree(m, want, store_release(m->f->s, &id, &l->id))) {
        l->is_used = false;
        u->rec.uses_left++;
    }
}

static void
step_settle(struct model *m, struct model_upload *u, struct share_id id)
{
    struct store_span span = {pick(m, BYTES + 1), pick(m, BYTES + 3)};
    struct model_lease *l = pick_lease(m, u);
    bool ended = false, all = true;

    if (!agree(m, l->is_used ? ERR_OK : ERR_NOTFOUND,
               store_settle(m->f->s, &id, &l->id, &span, m->now_s, &ended)))
        return;
    for (unsigned i = 0; i < BYTES; i++) {
        if (i >= span.from && i < span.to)
            l->had[i] = true;
        all = all && l->had[i];
    }
    l->is_used = !all;
    check(m, ended == (all && u->rec.uses_left == 0 && !has_lease(m, u)));
    if (ended)
        end(m, u, ENDED_USES, u->claimed_at_s);
}

static void
step_renew(struct model *m, struct model_upload *u, struct share_id id)
{
    struct model_lease *l = pick_lease(m, u);
    int64_t lease_s = pick(m, 100);

    if (agree(m, l->is_used && l->ends_at_s > m->now_s ? ERR_OK : ERR_NOTFOUND,
              store_renew(m->f->s, &id, &l->id, m->now_s, lease_s)))
        l->ends_at_s = lease_end(m, u, lease_s);
}

static void
step_preview(struct model *m, struct model_upload *u, struct share_id id)
{
    enum err want = may_take(m, u);
    struct record got;

    if (want == ERR_OK && u->rec.preview_taken)
        want = ERR_TAKEN;
    if (!agree(m, want, store_take_preview(m->f->s, &id, m->now_s, &got)))
        return;
    u->rec.preview_taken = true;
    assert_same_record(&u->rec, &got);
}

static void
step_remove(struct model *m, struct model_upload *u, struct share_id id)
{
    if (agree(m, is_there(m, u), store_remove(m->f->s, &id, ENDED_REVOKED, m->now_s)))
        end(m, u, ENDED_REVOKED, m->now_s);
}

static void
step_end_due(struct model *m)
{
    unsigned want = 0;

    for (unsigned i = 0; i < IDS; i++) {
        struct model_upload *u = &m->uploads[i];

        for (unsigned k = 0; k < u->n_leases; k++)
            u->leases[k].is_used = u->leases[k].is_used && u->leases[k].ends_at_s > m->now_s;
        if (u->is_live &&
            (u->rec.expires_at_s <= m->now_s || (u->rec.uses_left == 0 && !has_lease(m, u)))) {
            bool used_up = u->rec.uses_left == 0;

            end(m, u, used_up ? ENDED_USES : ENDED_EXPIRY,
                used_up ? u->claimed_at_s : u->rec.expires_at_s);
            want++;
        }
        u->has_tombstone = missing(m, u) == ERR_GONE;
    }
    for (unsigned i = 0; i < COUNTERS; i++) {
        if (m->counters[i].resets_at_s <= m->now_s)
            m->counters[i] = (struct counter){0};
    }
    check(m, end_due(m->f->s, m->now_s) == want);
    for (unsigned i = 0; i < m->n_doomed; i++) {
        if (m->is_doomed[i] && m->held_until_s[i] <= m->now_s)
            return;
    }
    assert_next_due_ahead(m->f, want_next_due(m), m->now_s);
}

static void
step_doomed(struct model *m)
{
    struct doomed_blob got;
    bool any = false;
    unsigned i = 0;

    for (unsigned k = 0; k < m->n_doomed; k++)
        any = any || (m->is_doomed[k] && m->held_until_s[k] <= m->now_s);
    if (!agree(m, any ? ERR_OK : ERR_NOTFOUND, store_take_doomed(m->f->s, m->now_s, 20, &got)))
        return;
    while (i < m->n_doomed && memcmp(&m->doomed[i].blob, &got.blob, sizeof(got.blob)) != 0)
        i++;
    check(m, i < m->n_doomed && m->is_doomed[i] && m->held_until_s[i] <= m->now_s);
    check(m, got.stored_bytes == STORED && got.ended_at_s == m->doomed[i].ended_at_s);
    check(m, got.ended_by == m->doomed[i].ended_by);
    m->held_until_s[i] = m->now_s + 20;
    if (pick(m, 2) == 0) {
        assert_ok(store_forget_doomed(m->f->s, &got.blob));
        m->is_doomed[i] = false;
    }
}

static void
step_count(struct model *m)
{
    unsigned i = pick(m, COUNTERS), n = pick(m, 3), window_s = pick(m, 100);
    struct counter *c = &m->counters[i], got;
    char name[16];

    (void)snprintf(name, sizeof(name), "c:%u", i);
    if (n > 0 && (c->value == 0 || c->resets_at_s <= m->now_s))
        *c = (struct counter){n, m->now_s + window_s};
    else if (n > 0)
        c->value += n;
    assert_ok(store_count(m->f->s, name, n, window_s, m->now_s, &got));
    if (n > 0)
        check(m, got.value == c->value && got.resets_at_s == c->resets_at_s);
}

/* Whether holds outlast a restart is the backend's matter; so what is held goes before it. */
static void
step_reopen(struct model *m)
{
    for (unsigned i = 0; i < m->n_doomed; i++) {
        if (!m->is_doomed[i] || m->held_until_s[i] == INT64_MIN)
            continue;
        assert_ok(store_forget_doomed(m->f->s, &m->doomed[i].blob));
        m->is_doomed[i] = false;
    }
    fixture_reopen(m->f);
}

/* ---- what anybody can see ---- */

static void
compare_upload(struct model *m, const struct model_upload *u, struct share_id id)
{
    struct share_state want = state_of(m, u), st;
    struct record got;

    assert_ok(store_status(m->f->s, &id, m->now_s, &st));
    check(m, st.phase == want.phase && st.ended_by == want.ended_by);
    check(m, st.ended_at_s == want.ended_at_s && st.expires_at_s == want.expires_at_s);
    check(m, st.uses_total == want.uses_total && st.uses_left == want.uses_left);
    if (agree(m, is_there(m, u), store_lookup(m->f->s, &id, m->now_s, &got)))
        assert_same_record(&u->rec, &got);
}

static void
compare_totals(struct model *m)
{
    uint64_t n_live = 0, n_doomed = 0;
    struct store_stats stats;
    struct counter got;
    char name[16];

    for (unsigned i = 0; i < IDS; i++)
        n_live += m->uploads[i].is_live;
    for (unsigned i = 0; i < m->n_doomed; i++)
        n_doomed += m->is_doomed[i];
    assert_ok(store_stats(m->f->s, &stats));
    check(m, stats.n_live == n_live && stats.stored_bytes == (n_live + n_doomed) * STORED);
    for (unsigned i = 0; i < COUNTERS; i++) {
        bool runs = m->counters[i].resets_at_s > m->now_s;

        (void)snprintf(name, sizeof(name), "c:%u", i);
        assert_ok(store_peek(m->f->s, name, m->now_s, &got));
        check(m, got.value == (runs ? m->counters[i].value : 0));
        check(m, got.resets_at_s == (runs ? m->counters[i].resets_at_s : 0));
    }
}

static void
step(struct model *m)
{
    unsigned tag = pick(m, IDS), client = pick(m, CLIENTS), what = pick(m, 100);
    struct model_upload *u = &m->uploads[tag];
    struct share_id id = id_of(tag);
    struct store_claim c = {id, {{0xc1, (uint8_t)client}}, m->now_s, pick(m, 60)};

    if (what < 12)
        step_put(m, u, id);
    else if (what < 32)
        step_claim(m, u, &c, client);
    else if (what < 42)
        step_resume(m, u, &c, client);
    else if (what < 52)
        step_release(m, u, id);
    else if (what < 67)
        step_settle(m, u, id);
    else if (what < 73)
        step_renew(m, u, id);
    else if (what < 77)
        step_preview(m, u, id);
    else if (what < 79)
        step_remove(m, u, id);
    else if (what < 85)
        step_end_due(m);
    else if (what < 91)
        step_doomed(m);
    else if (what < 97)
        step_count(m);
    else if (what < 99)
        assert_ok(store_scrub(m->f->s));
    else
        step_reopen(m);
    compare_upload(m, u, id);
}

static void
note_end(struct model *m, int64_t at_s)
{
    if (at_s <= m->now_s && at_s > m->ran_out_s)
        m->ran_out_s = at_s;
}

static void
note_what_ran_out(struct model *m)
{
    for (unsigned i = 0; i < IDS; i++) {
        if (m->uploads[i].has_tombstone)
            note_end(m, m->uploads[i].tombstone.ended_at_s + TOMBSTONE_S);
    }
    for (unsigned i = 0; i < COUNTERS; i++) {
        if (m->counters[i].value > 0)
            note_end(m, m->counters[i].resets_at_s);
    }
}

static void
move_clock(struct model *m)
{
    if (pick(m, 3) == 0)
        m->now_s += pick(m, 15);
    note_what_ran_out(m);
    if (pick(m, 200) != 0)
        return;
    if (pick(m, 2) == 0)
        m->now_s += TOMBSTONE_S;
    else
        m->now_s = clock_back(m->f, m->now_s - (int64_t)pick(m, 100), m->ran_out_s);
    note_what_ran_out(m);
}

static void
run_model(struct fixture *f, unsigned seed)
{
    static struct model model;
    struct model *m = &model;

    *m = (struct model){.f = f, .seed = seed, .random = seed, .now_s = T0};
    for (m->step = 0; m->step < STEPS; m->step++) {
        step(m);
        compare_totals(m);
        assert_next_due(m->f, want_next_due(m), m->now_s);
        move_clock(m);
    }
}

static void
random_calls_agree_with_a_simple_model(void **state)
{
    run_model(*state, 1);
}

static void
other_random_calls_agree_with_a_simple_model(void **state)
{
    run_model(*state, 20260101);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(random_calls_agree_with_a_simple_model),
    cmocka_unit_test(other_random_calls_agree_with_a_simple_model),
};

CONTRACT_TESTS(store_model_tests, tests);
