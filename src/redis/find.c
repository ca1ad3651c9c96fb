/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/find.h"

#include "base/clock.h"

#include <string.h>

enum err
rd_find_place(const struct rd_finder *f, const struct rd_place *place, struct rd_conn **ret_conn,
              struct rd_info *ret_info)
{
    int64_t now_ms = clock_mono_ms();
    struct rd_conn *conn = NULL;
    enum err e;

    e = rd_conn_open(f->login, &place->addr, place->host, now_ms + RD_CONNECT_MS, &conn);
    if (e == ERR_OK)
        e = rd_look(conn, now_ms + 2 * RD_CONNECT_MS, ret_info);
    if (e != ERR_OK) {
        rd_conn_free(conn);
        return e;
    }
    *ret_conn = conn;
    return ERR_OK;
}

enum err
rd_find_host(const struct rd_finder *f, const struct rd_host *host, struct rd_place *ret_place,
             struct rd_conn **ret_conn, struct rd_info *ret_info)
{
    struct rd_place place = {.host = ""};
    struct dial_addrs addrs;
    enum err e;

    memcpy(place.host, host->name, sizeof(place.host));
    e = dial_resolve(host->name, host->port, &addrs);
    if (e != ERR_OK)
        return e;
    e = ERR_UNAVAIL; /* also when we are told to stop */
    for (size_t i = 0; i < addrs.n && !atomic_load(f->is_closing); i++) {
        place.addr = addrs.all[i];
        e = rd_find_place(f, &place, ret_conn, ret_info);
        if (e == ERR_OK) {
            *ret_place = place;
            return ERR_OK;
        }
    }
    return e;
}
