/* SPDX-License-Identifier: Apache-2.0 */
#include "base/env.h"

#include "base/mem.h"

#include <string.h>

/* What stands behind "NAME=", if `entry` is of that name. */
static char *
value_of(char *entry, const char *name)
{
    size_t len = strlen(name);

    return strncmp(entry, name, len) == 0 && entry[len] == '=' ? entry + len + 1 : NULL;
}

char *
env_value(char **env, const char *name)
{
    for (; *env != NULL; env++) {
        char *value = value_of(*env, name);

        if (value != NULL)
            return value[0] == '\0' ? NULL : value;
    }
    return NULL;
}

void
env_wipe(char **env, const char *name)
{
    for (; *env != NULL; env++) {
        char *value = value_of(*env, name);

        if (value != NULL)
            mem_wipe(value, strlen(value));
    }
}
