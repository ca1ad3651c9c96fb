/* SPDX-License-Identifier: Apache-2.0 */
#include "sniff/sniffer.h"

#include "sniff/sniff_wire.h"

#include <limits.h>
#include <magic.h>
#include <malloc.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAP_RESERVE = 32 * 1024 * 1024, /* address space only: no page of it exists before its use */
    CPU_LIMIT_S = 2,
};

struct sniffer {
    magic_t magic;
    scmp_filter_ctx filter;
};

/* ---- before the fork ---- */

/* A child may not ask the system for memory. All of it comes from the heap that is there when it
 * is forked: no mapping for large pieces, nothing given back. Before that, the pages that loading
 * has used and left are returned, as every fork would copy them, and huge pages are declined: the
 * reserve is touched here and there, and must not become real by 2 MB at a time. */
static bool
reserve_heap(void)
{
    void *volatile p; /* or the compiler sees that nobody needs this memory */

    (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    (void)malloc_trim(0);
    if (mallopt(M_MMAP_MAX, 0) != 1 || mallopt(M_TRIM_THRESHOLD, INT_MAX) != 1)
        return false;
    p = malloc(HEAP_RESERVE);
    free(p);
    return mallinfo2().fordblks >= HEAP_RESERVE;
}

/* Decompressing and looking into ELF notes need files and other programs; the rest of libmagic is
 * wanted. Its own limits are lowered to what 8 KiB can need. */
static magic_t
open_magic(void)
{
    static const struct {
        int param;
        size_t value;
    } limits[] = {
        {MAGIC_PARAM_INDIR_MAX, 15},
        {MAGIC_PARAM_BYTES_MAX, SNIFF_BYTES_MAX},
        {MAGIC_PARAM_REGEX_MAX, SNIFF_BYTES_MAX},
    };
    magic_t m = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_ELF);

    if (m == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (magic_setparam(m, limits[i].param, &limits[i].value) != 0)
            goto fail;
    }
    if (magic_load(m, NULL) == 0)
        return m;
fail:
    magic_close(m);
    return NULL;
}

/* What libmagic and libc do at their first use of something (locales, tables, time zone) is done
 * here, with bytes of ours, and inherited. */
static void
warm_up(magic_t m)
{
    static const char *const samples[] = {
        "plain text, with words\n",
        "<!DOCTYPE html><html><head><title>x</title></head></html>",
        "{\"json\": [1, 2.5, true, null, \"text\"]}",
        "a,b,c\n1,2,3\n4,5,6\n7,8,9\n",
        "\xff\xfeu\001n\001i\001",
        "caf\xc3\xa9 and caf\xe9\n",
        "#!/bin/sh\nexit 0\n",
        "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "\x89PNG\r\n\x1a\n",
        "PK\003\004\024\006",
        "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "\177ELF\002\001\001",
    };
    time_t zero = 0;
    struct tm tm;

    tzset();
    (void)localtime_r(&zero, &tm);
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        (void)magic_buffer(m, samples[i], strlen(samples[i]));
    (void)magic_buffer(m, "", 0);
}

/* Only reading from and writing to the one descriptor that is left, and ending. */
static scmp_filter_ctx
make_filter(void)
{
    const struct scmp_arg_cmp on_it = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = 0};
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int rc;

    if (f == NULL)
        return NULL;
    rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(read), 1, &on_it);
    if (rc == 0)
        rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, &on_it);
    if (rc == 0)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(exit), 0);
    if (rc == 0)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(exit_group), 0);
    if (rc != 0) {
        seccomp_release(f);
        return NULL;
    }
    return f;
}

struct sniffer *
sniffer_new(int *ret_status)
{
    struct sniffer *s = calloc(1, sizeof(*s));

    *ret_status = SNIFF_EXIT_NO_DATABASE;
    if (s == NULL)
        return NULL;
    s->magic = open_magic();
    if (s->magic == NULL)
        goto fail;
    warm_up(s->magic);
    *ret_status = SNIFF_EXIT_NO_SANDBOX;
    s->filter = make_filter();
    if (s->filter == NULL || !reserve_heap())
        goto fail;
    return s;
fail:
    if (s->magic != NULL)
        magic_close(s->magic);
    if (s->filter != NULL)
        seccomp_release(s->filter);
    free(s);
    return NULL;
}

/* ---- after it ---- */

static bool
limit(__rlimit_resource_t what, rlim_t value)
{
    return setrlimit(what, &(struct rlimit){value, value}) == 0;
}

/* The socket becomes descriptor 0, and the only one. */
static bool
confine(const struct sniffer *s, int fd, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        return false;
    if (dup2(fd, 0) != 0 || close_range(1, UINT_MAX, 0) != 0)
        return false;
    if (!limit(RLIMIT_CPU, CPU_LIMIT_S) || !limit(RLIMIT_NOFILE, 0) || !limit(RLIMIT_NPROC, 0))
        return false;
    return seccomp_load(s->filter) == 0; /* with no_new_privs, libseccomp's default */
}

_Noreturn void
sniffer_answer(struct sniffer *s, int fd, pid_t parent)
{
    static uint8_t question[SNIFF_QUESTION_MAX];
    const char *type;
    ssize_t n;

    if (!confine(s, fd, parent))
        _exit(1);
    n = read(0, question, sizeof(question));
    if (n < SNIFF_NUMBER_LEN)
        _exit(1);
    type = magic_buffer(s->magic, question + SNIFF_NUMBER_LEN, (size_t)n - SNIFF_NUMBER_LEN);
    if (type == NULL)
        _exit(1);
    n = write(0, type, strnlen(type, MIME_TEXT_LEN)); /* an over-long one is refused up there */
    _exit(n > 0 ? 0 : 1);
}
