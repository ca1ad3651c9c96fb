/* SPDX-License-Identifier: Apache-2.0 */
/* mayflyd: reads its settings, starts the server, waits for signals. */
#include "base/log.h"
#include "base/mem.h"
#include "crypt/crypt.h"
#include "server/config.h"
#include "server/process.h"
#include "server/server.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DRAIN_MS = 30000, EXIT_START = 1, EXIT_USAGE = 2 };

struct options {
    const char *config_path;
    bool only_check;
};

static void
help(void)
{
    (void)printf("usage: mayflyd [--config FILE] [--check-config] [--help] [--version]\n\n"
                 "A server for files that die: upload one, hand on its code, and it can be\n"
                 "downloaded a set number of times within a set number of minutes.\n\n"
                 "  --config FILE    read NAME=value lines from FILE; the environment wins\n"
                 "  --check-config   check all settings and the files that they name, then end\n"
                 "  --help           this text\n"
                 "  --version        the version\n\n"
                 "SIGTERM ends it after what runs was answered, at most 30 s; SIGHUP reads the\n"
                 "TLS certificate again.\n\n");
    config_help(stdout);
}

/* -1: go on; else the exit status. */
static int
read_options(int argc, char **argv, struct options *ret)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check-config", no_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            ret->config_path = optarg;
            break;
        case 'k':
            ret->only_check = true;
            break;
        case 'h':
            help();
            return 0;
        case 'V':
            (void)printf("mayflyd %s\n", MAYFLY_VERSION);
            return 0;
        default:
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "mayflyd: unexpected argument; see mayflyd --help\n");
        return EXIT_USAGE;
    }
    return -1;
}

/* A failure of the start, in one sentence for whoever starts it. */
static int
refuse(void)
{
    (void)fprintf(stderr, "mayflyd: %s\n", err_sentence());
    return EXIT_START;
}

static void
serve(struct server *s)
{
    const struct log_field fields[] = {LOG_TEXT("version", MAYFLY_VERSION),
                                       LOG_TEXT("store", server_store_kind(s))};
    enum process_event event;

    log_event(LOG_INFO, "started", fields, ARRAY_LEN(fields));
    while ((event = process_wait(-1)) != PROCESS_STOP) {
        if (event == PROCESS_RELOAD)
            server_reload(s);
    }
    log_event(LOG_INFO, "stopping", NULL, 0);
    process_signals_fatal();
    if (!server_close(s, DRAIN_MS)) /* threads still use what a regular end would free */
        _exit(0);
    log_event(LOG_INFO, "stopped", NULL, 0);
}

static int
run(struct config *c)
{
    struct server *s = NULL;
    struct sniff *sniff = NULL;
    bool is_locked = true;
    enum err e;

    e = process_signals_init(); /* a signal that comes early waits until we serve */
    if (e == ERR_OK)
        e = server_sniff_new(&sniff); /* before threads and secrets */
    if (e == ERR_OK)
        e = crypt_init(&is_locked);
    if (e != ERR_OK) {
        sniff_free(sniff);
        return refuse();
    }
    if (!is_locked)
        log_event(LOG_WARN, "memory of keys cannot be locked: raise RLIMIT_MEMLOCK", NULL, 0);
    e = server_open(c, &sniff, &s);
    if (e == ERR_OK)
        serve(s);
    else
        (void)refuse();
    crypt_done();
    return e == ERR_OK ? 0 : EXIT_START;
}

int
main(int argc, char **argv)
{
    struct options options = {0};
    struct config c;
    int status;

    if (process_harden() != ERR_OK)
        return refuse();
    status = read_options(argc, argv, &options);
    if (status >= 0)
        return status;
    if (config_load(options.config_path, environ, &c) != ERR_OK)
        return refuse();
    log_set_level(c.log_level);
    if (!options.only_check)
        status = run(&c);
    else if (config_check_files(&c) != ERR_OK)
        status = refuse();
    else
        status = puts("mayflyd: the settings are fine") < 0 ? EXIT_START : 0;
    config_done(&c);
    return status;
}
