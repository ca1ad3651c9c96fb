/* SPDX-License-Identifier: Apache-2.0 */
/* Slots: what fills them, what is escaped, and which templates are refused. */
#include "testing.h"

#include "api/template.h"
#include "base/mem.h"

static const struct slot slots[] = {
    {.name = "name", .value = "<b>\"Tom's\" & co</b>"},
    {.name = "raw", .value = "<input>", .is_html = true},
    {.name = "empty", .value = ""},
    {.name = "nested", .value = "{{raw}}"},
};

static void
assert_filled(const char *text, const char *want)
{
    struct buf b;

    buf_init(&b, 1024);
    assert_ok(template_fill(text, slots, ARRAY_LEN(slots), &b));
    assert_string_equal(buf_text(&b), want);
    buf_done(&b);
}

static void
slots_are_filled_and_the_rest_stays(void **state)
{
    (void)state;
    assert_filled("", "");
    assert_filled("{ no } slot { {", "{ no } slot { {");
    assert_filled("a{{empty}}b", "ab");
    assert_filled("}}{{raw}}}}{{raw}}", "}}<input>}}<input>");
}

static void
values_are_escaped_but_for_our_own_html(void **state)
{
    (void)state;
    assert_filled("<p title=\"{{name}}\">",
                  "<p title=\"&lt;b&gt;&quot;Tom&#39;s&quot; &amp; co&lt;/b&gt;\">");
    assert_filled("{{raw}}", "<input>");
}

static void
a_value_is_never_read_as_a_template(void **state)
{
    (void)state;
    assert_filled("{{nested}}", "{{raw}}");
}

static void
a_slot_that_is_unknown_or_does_not_end_is_a_mistake(void **state)
{
    static const char *const wrong[] = {"{{}}",       "{{nam}}", "{{names}}", "{{Name}}",
                                        "{{ name }}", "{{name",  "{{name}",   "a {{asset x.js}}"};
    struct buf b;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        buf_init(&b, 1024);
        assert_err(template_fill(wrong[i], slots, ARRAY_LEN(slots), &b), ERR_IO);
        buf_done(&b);
    }
}

static void
a_page_larger_than_its_buffer_is_refused(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 6);
    assert_err(template_fill("{{raw}}", slots, ARRAY_LEN(slots), &b), ERR_TOOBIG);
    buf_done(&b);
}

static void
assert_size(uint64_t bytes, const char *want)
{
    char text[SIZE_TEXT_LEN];

    size_text(bytes, text);
    assert_string_equal(text, want);
}

static void
sizes_are_short_and_never_promise_too_much(void **state)
{
    (void)state;
    assert_size(0, "0 bytes");
    assert_size(1023, "1023 bytes");
    assert_size(1024, "1 KiB");
    assert_size(104857600, "100 MiB");
    assert_size(104857599, "99.9 MiB");
    assert_size(1610612736, "1.5 GiB");
    assert_size(UINT64_MAX, "15.9 EiB");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_filled_and_the_rest_stays),
        cmocka_unit_test(values_are_escaped_but_for_our_own_html),
        cmocka_unit_test(a_value_is_never_read_as_a_template),
        cmocka_unit_test(a_slot_that_is_unknown_or_does_not_end_is_a_mistake),
        cmocka_unit_test(a_page_larger_than_its_buffer_is_refused),
        cmocka_unit_test(sizes_are_short_and_never_promise_too_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
