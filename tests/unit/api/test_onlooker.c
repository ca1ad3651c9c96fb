/* SPDX-License-Identifier: Apache-2.0 */
/* Who only looks gets a page; whoever wants the bytes gets them. */
#include "api_testing.h"

/* What a GET with this one header is taken for. */
static void
assert_seen(const char *name, const char *value, bool want_onlooker, bool want_automatic)
{
    struct asked a;

    asked_init(&a, "GET", "/download/a-b-c-d");
    if (name != NULL)
        asked_header(&a, name, value);
    if (is_onlooker(&a.req) != want_onlooker || is_automatic(&a.req) != want_automatic)
        fail_msg("%s: %s", name != NULL ? name : "(no header)", value != NULL ? value : "");
    asked_done(&a);
}

static void
command_lines_and_scripts_are_no_onlookers(void **state)
{
    (void)state;
    assert_seen(NULL, NULL, false, false);
    assert_seen("User-Agent", "curl/7.88.1", false, false);
    assert_seen("User-Agent", "Wget/1.21.3", false, false);
    assert_seen("User-Agent", "python-requests/2.28.1", false, false);
    assert_seen("User-Agent", "Go-http-client/1.1", false, false);
    assert_seen("User-Agent", "", false, false);
    assert_seen("Accept", "*/*", false, false);
    assert_seen("Accept", "application/octet-stream", false, false);
}

static void
an_address_bar_is_an_onlooker_but_not_automatic(void **state)
{
    (void)state;
    assert_seen("Sec-Fetch-Mode", "navigate", true, false);
    assert_seen("Sec-Fetch-Mode", "cors", false, false);
    assert_seen("Sec-Fetch-Mode", "no-cors", false, false);
    assert_seen("Accept", "text/html,application/xhtml+xml,*/*;q=0.8", true, false);
    assert_seen("Accept", "text/html;q=0, */*", false, false);
}

static void
preview_bots_are_known_in_any_case_and_place(void **state)
{
    (void)state;
    assert_seen("User-Agent", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", true,
                true);
    assert_seen("User-Agent", "facebookexternalhit/1.1", true, true);
    assert_seen("User-Agent", "WhatsApp/2.23", true, true);
    assert_seen("User-Agent", "TelegramBot (like TwitterBot)", true, true);
    assert_seen("User-Agent", "Mozilla/5.0 (compatible; DISCORDBOT/2.0)", true, true);
    assert_seen("User-Agent", "SkypeUriPreview", true, true);
    assert_seen("User-Agent", "slackbo", false, false);
}

static void
prefetches_are_automatic_by_each_of_their_headers(void **state)
{
    (void)state;
    assert_seen("Sec-Purpose", "prefetch;prerender", true, true);
    assert_seen("Purpose", "prefetch", true, true);
    assert_seen("X-Purpose", "preview", true, true);
    assert_seen("X-Moz", "Prefetch", true, true);
    assert_seen("Sec-Purpose", "", false, false);
    assert_seen("Purpose", "fetch", false, false);
    assert_seen("X-Other", "prefetch", false, false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_lines_and_scripts_are_no_onlookers),
        cmocka_unit_test(an_address_bar_is_an_onlooker_but_not_automatic),
        cmocka_unit_test(preview_bots_are_known_in_any_case_and_place),
        cmocka_unit_test(prefetches_are_automatic_by_each_of_their_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
