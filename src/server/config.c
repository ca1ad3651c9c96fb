/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_int.h"

#include "base/env.h"
#include "base/fs.h"
#include "base/mem.h"
#include "server/settings.h"
#include "store/store.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What was found for each setting of the table. */
struct values {
    struct value {
        char *file_text; /* owned, a copy of the file's; NULL: none */
        const char *text;
        unsigned line; /* of the file; 0: from elsewhere */
    } all[CONFIG_SETTINGS_MAX];
};

static void
free_secret_text(char *text)
{
    if (text != NULL)
        mem_wipe(text, strlen(text));
    free(text);
}

static void
values_done(struct values *v)
{
    for (size_t i = 0; i < config_n_settings; i++)
        free_secret_text(v->all[i].file_text);
}

/* ---- where values come from ---- */

static enum err
at_line(unsigned line, enum err e)
{
    char where[48];

    (void)snprintf(where, sizeof(where), "settings file, line %u", line);
    return config_named(where, e);
}

static enum err
keep_pair(const struct settings_pair *pair, struct values *v)
{
    const struct setting *s = config_find(pair->name, pair->name_len);
    struct value *slot;

    if (s == NULL)
        return err_set(ERR_SYNTAX, "%.*s is not a setting; --help lists them",
                       pair->name_len < 40 ? (int)pair->name_len : 40, pair->name);
    slot = &v->all[s - config_settings];
    if (slot->line != 0)
        return err_set(ERR_SYNTAX, "%s was set before, on line %u", s->name, slot->line);
    slot->line = pair->line;
    if (pair->value_len == 0)
        return ERR_OK;
    slot->file_text = strndup(pair->value, pair->value_len);
    if (slot->file_text == NULL)
        return err_set(ERR_NOMEM, "no memory for a setting");
    slot->text = slot->file_text;
    return ERR_OK;
}

static enum err
values_from_file(const char *bytes, size_t len, struct values *v)
{
    struct settings_reader reader;
    struct settings_pair pair;
    enum err e = ERR_OK;
    bool has = true;

    settings_reader_init(&reader, bytes, len);
    while (e == ERR_OK) {
        e = settings_next(&reader, &pair, &has);
        if (e == ERR_OK && !has)
            return ERR_OK;
        if (e == ERR_OK)
            e = keep_pair(&pair, v);
    }
    return at_line(reader.line, e);
}

static void
values_from_env(char **env, struct values *v)
{
    for (size_t i = 0; i < config_n_settings; i++) {
        const char *text = env_value(env, config_settings[i].name);

        if (text != NULL) {
            v->all[i].text = text;
            v->all[i].line = 0;
        }
    }
}

static void
wipe_env_secrets(char **env)
{
    for (size_t i = 0; i < config_n_settings; i++) {
        const struct setting *s = &config_settings[i];

        if (s->kind == SETTING_TOKEN || s->kind == SETTING_REDIS)
            env_wipe(env, s->name);
    }
}

/* ---- from values to the struct ---- */

static enum err
read_all(const struct values *v, struct config *c)
{
    for (size_t i = 0; i < config_n_settings; i++) {
        const struct setting *s = &config_settings[i];
        const struct value *found = &v->all[i];
        const char *text = found->text != NULL ? found->text : s->fallback;
        enum err e = ERR_OK;

        if (text != NULL)
            e = config_read_value(s, text, c);
        if (e != ERR_OK)
            return found->text != NULL && found->line != 0 ? at_line(found->line, e) : e;
    }
    return ERR_OK;
}

/* In RAM where the system offers such a place. Variables that hold no absolute path are not used,
 * as their specifications ask. */
static enum err
default_state_path(char **env, struct config *c)
{
    const char *runtime = env_value(env, "RUNTIME_DIRECTORY");
    const char *xdg = env_value(env, "XDG_RUNTIME_DIR");
    int n;

    if (c->state_path != NULL)
        return ERR_OK;
    if (runtime != NULL && runtime[0] == '/') {
        c->state_path = strndup(runtime, strcspn(runtime, ":"));
        n = c->state_path == NULL ? -1 : 0;
    } else if (xdg != NULL && xdg[0] == '/') {
        n = asprintf(&c->state_path, "%s/mayfly", xdg);
    } else {
        n = asprintf(&c->state_path, "/dev/shm/mayfly-%u", (unsigned)geteuid());
    }
    if (n >= 0)
        return ERR_OK;
    c->state_path = NULL; /* asprintf leaves it undefined */
    return err_set(ERR_NOMEM, "no memory for a path");
}

static enum err
check_redis(const struct config *c)
{
    const char *rest = c->redis_password_file != NULL ? "REDIS_PASSWORD_FILE"
                       : c->redis_ca_file != NULL     ? "REDIS_CA_FILE"
                       : c->redis_allow_open          ? "REDIS_ALLOW_OPEN"
                                                      : NULL;
    struct store_redis_facts url;
    enum err e;

    if (c->redis_url == NULL)
        return rest == NULL ? ERR_OK : err_set(ERR_FIELD, "%s is set, but REDIS_URL is not", rest);
    e = store_redis_check_url(c->redis_url, &url);
    if (e != ERR_OK)
        return config_named("REDIS_URL", e);
    if (url.has_password && c->redis_password_file != NULL)
        return err_set(ERR_FIELD, "REDIS_URL holds a password and REDIS_PASSWORD_FILE is set: drop "
                                  "one");
    /* Without one we would log in as the default user, not as that one. */
    if (url.has_user && !url.has_password && c->redis_password_file == NULL)
        return err_set(ERR_FIELD, "REDIS_URL names a user without a password: add it there or set "
                                  "REDIS_PASSWORD_FILE");
    if (c->redis_ca_file != NULL && !url.is_tls)
        return err_set(ERR_FIELD,
                       "REDIS_CA_FILE is for TLS, but REDIS_URL is neither rediss:// nor "
                       "rediss+sentinel://");
    return ERR_OK;
}

static enum err
check_contradictions(const struct config *c)
{
    if ((c->tls_cert_file == NULL) != (c->tls_key_file == NULL))
        return err_set(ERR_FIELD, "TLS_CERT_FILE and TLS_KEY_FILE must be set together: %s is not",
                       c->tls_cert_file == NULL ? "TLS_CERT_FILE" : "TLS_KEY_FILE");
    if (c->upload_token != NULL && c->upload_token_file != NULL)
        return err_set(ERR_FIELD, "UPLOAD_TOKEN and UPLOAD_TOKEN_FILE are both set: drop one");
    if (c->max_file_bytes > c->max_storage_bytes)
        return err_set(ERR_FIELD,
                       "MAX_FILE_SIZE (%" PRIu64 " bytes) is larger than MAX_STORAGE_SIZE "
                       "(%" PRIu64 " bytes)",
                       c->max_file_bytes, c->max_storage_bytes);
    assert(c->state_path != NULL && c->storage_path != NULL); /* both have defaults */
    if (strcmp(c->state_path, c->storage_path) == 0)
        return err_set(ERR_FIELD, "STATE_PATH and STORAGE_PATH must be different folders");
    return check_redis(c);
}

enum err
config_parse(const char *bytes, size_t len, char **env, struct config *ret_config)
{
    struct values v = {0};
    struct config c = {0};
    enum err e = values_from_file(bytes, len, &v);

    if (e != ERR_OK)
        goto out;
    values_from_env(env, &v);
    e = read_all(&v, &c);
    if (e != ERR_OK)
        goto out;
    e = default_state_path(env, &c);
    if (e != ERR_OK)
        goto out;
    e = check_contradictions(&c);
    if (e != ERR_OK)
        goto out;
    *ret_config = c;
    c = (struct config){0};
out:
    wipe_env_secrets(env);
    values_done(&v);
    config_done(&c);
    return e;
}

enum err
config_load(const char *path, char **env, struct config *ret_config)
{
    struct config c = {0};
    struct buf file;
    enum err e = ERR_OK;

    buf_init(&file, SETTINGS_FILE_MAX);
    if (path != NULL)
        e = fs_read_file(AT_FDCWD, path, &file);
    if (e != ERR_OK) {
        e = config_named("settings file", e);
        wipe_env_secrets(env);
        goto out;
    }
    e = config_parse(buf_text(&file), file.len, env, &c);
    if (e != ERR_OK)
        goto out;
    if (c.upload_token_file != NULL)
        e = config_read_token_file(&c);
    if (e == ERR_OK && c.redis_password_file != NULL)
        e = config_read_redis_password_file(&c);
    if (e != ERR_OK)
        goto out;
    *ret_config = c;
    c = (struct config){0};
out:
    buf_done(&file);
    config_done(&c);
    return e;
}

/* Move a text, and with it its NUL when `has_nul`, to the secure heap. */
static enum err
take_text(char **text, bool has_nul, struct secret **ret_secret)
{
    struct secret *secret = NULL;
    enum err e;

    if (*text != NULL) {
        e = secret_copy(*text, strlen(*text) + (has_nul ? 1 : 0), &secret);
        if (e != ERR_OK)
            return e;
        free_secret_text(*text);
        *text = NULL;
    }
    *ret_secret = secret;
    return ERR_OK;
}

enum err
config_take_token(struct config *c, struct secret **ret_token)
{
    return take_text(&c->upload_token, false, ret_token);
}

enum err
config_take_redis(struct config *c, struct secret **ret_url, struct secret **ret_password)
{
    struct secret *url = NULL;
    enum err e = take_text(&c->redis_url, true, &url);

    if (e == ERR_OK)
        e = take_text(&c->redis_password, true, ret_password);
    if (e == ERR_OK)
        *ret_url = url;
    else
        secret_free(url);
    return e;
}

void
config_done(struct config *c)
{
    for (size_t i = 0; i < config_n_settings; i++) {
        const struct setting *s = &config_settings[i];

        if (s->kind >= SETTING_PATH && s->kind <= SETTING_TOKEN)
            free_secret_text(*(char **)(void *)((char *)c + s->offset));
    }
    free_secret_text(c->redis_password);
    *c = (struct config){0};
}
