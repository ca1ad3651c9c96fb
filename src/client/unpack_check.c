/* SPDX-License-Identifier: Apache-2.0 */
#include "client/unpack_int.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Valid UTF-8 of 1 to UNPACK_PATH_LEN - 1 bytes, without control characters, not absolute. */
static enum err
check_text(const char *text)
{
    size_t len = text == NULL ? 0 : strnlen(text, UNPACK_PATH_LEN);

    if (len == 0)
        return err_set(ERR_INTEGRITY, "the tar has a name that is empty or no UTF-8");
    if (len == UNPACK_PATH_LEN)
        return err_set(ERR_INTEGRITY, "the tar has a path that is too long");
    if (text[0] == '/')
        return err_set(ERR_INTEGRITY, "the tar has an absolute path");
    if (!text_is_plain(text, len))
        return err_set(ERR_INTEGRITY,
                       "the tar has a name that is no UTF-8, or with a control character");
    return ERR_OK;
}

/* The next part of a path that is cut up in place; NULL at the end. "" and "." are passed over. */
static char *
next_part(char **text)
{
    char *part;

    do
        part = strsep(text, "/");
    while (part != NULL && (part[0] == '\0' || strcmp(part, ".") == 0));
    return part;
}

enum err
way_read(const char *path, struct way *ret)
{
    char *rest = ret->text, *part;
    enum err e = check_text(path);

    if (e != ERR_OK)
        return e;
    ret->n = 0;
    (void)snprintf(ret->text, sizeof(ret->text), "%s", path);
    while ((part = next_part(&rest)) != NULL) {
        if (strcmp(part, "..") == 0)
            return err_set(ERR_INTEGRITY, "the tar has a path that leads out of its folder");
        if (strlen(part) >= PLACE_NAME_LEN)
            return err_set(ERR_INTEGRITY, "the tar has a name that is too long");
        if (ret->n == UNPACK_DEPTH_MAX)
            return err_set(ERR_INTEGRITY, "the tar has too many folders in each other");
        if (ret->n == 0)
            place_tame(part);
        ret->parts[ret->n++] = part;
    }
    return ERR_OK;
}

enum err
link_check(const struct way *at, const char *target, char ret_top[PLACE_NAME_LEN])
{
    char text[UNPACK_PATH_LEN], *rest = text, *part;
    const char *first = NULL;
    size_t n_up = 0;
    enum err e = check_text(target);

    if (e != ERR_OK)
        return e;
    (void)snprintf(text, sizeof(text), "%s", target);
    while ((part = next_part(&rest)) != NULL) {
        bool is_up = strcmp(part, "..") == 0;

        if (is_up && first != NULL)
            return err_set(ERR_INTEGRITY, "the tar has a link that goes up behind a folder");
        n_up += is_up;
        if (!is_up && first == NULL)
            first = part;
    }
    if (n_up >= at->n)
        return err_set(ERR_INTEGRITY, "the tar has a link that leads out of its folder");
    if (n_up < at->n - 1)
        first = at->parts[0];
    if (first == NULL)
        return err_set(ERR_INTEGRITY, "the tar has a link to its folder itself");
    if (strlen(first) >= PLACE_NAME_LEN)
        return err_set(ERR_INTEGRITY, "the tar has a name that is too long");
    (void)snprintf(ret_top, PLACE_NAME_LEN, "%s", first);
    return ERR_OK;
}
