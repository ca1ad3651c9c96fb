/* SPDX-License-Identifier: Apache-2.0 */
#include "client/exit.h"

enum exit_code
exit_of(enum err e)
{
    switch (e) {
    case ERR_OK:
        return EXIT_DONE;
    case ERR_FIELD:
        return EXIT_USAGE;
    case ERR_NOTFOUND:
        return EXIT_NOTFOUND;
    case ERR_GONE:
    case ERR_TAKEN:
        return EXIT_GONE;
    case ERR_DENIED:
    case ERR_LIMITED:
    case ERR_BLOCKED:
    case ERR_TOOBIG:
    case ERR_TYPE:
    case ERR_NOSPACE:
    case ERR_EXISTS:
    case ERR_NOLENGTH:
    case ERR_RANGE:
    case ERR_METHOD:
    case ERR_UNSUPPORTED:
        return EXIT_REFUSED;
    case ERR_UNAVAIL:
    case ERR_TIMEOUT:
    case ERR_CLOSED:
    case ERR_SYNTAX:
        return EXIT_NETWORK;
    case ERR_INTEGRITY:
        return EXIT_INTEGRITY;
    case ERR_NOMEM:
    case ERR_IO:
    case ERR_N:
        break;
    }
    return EXIT_LOCAL;
}
