/* SPDX-License-Identifier: Apache-2.0 */
/* qr: the picture is read back into modules and compared with what libqrencode says. */
#include "testing.h"

#include "client/qr.h"

#include <qrencode.h>
#include <stdbool.h>
#include <string.h>

enum { QUIET = 4, SIDE_MAX = 200 };

static const char link[] = "https://drop.example/#velvet-canyon-oboe-thrift-magnet-acorn";

/* A picture as modules: true is dark. */
struct modules {
    int width, height;
    bool dark[SIDE_MAX][SIDE_MAX];
};

/* One line of the picture, without its end, into two rows. `ink_is_dark`: what blocks are. */
static int
read_line(const char *line, size_t len, bool ink_is_dark, struct modules *m)
{
    int x = 0;

    for (size_t at = 0; at < len; x++) {
        bool top = false, bottom = false;
        size_t n = 3;

        assert_true(x < SIDE_MAX);
        if (line[at] == ' ') {
            n = 1;
        } else if (memcmp(line + at, "\xe2\x96\x88", n) == 0) {
            top = bottom = true;
        } else if (memcmp(line + at, "\xe2\x96\x80", n) == 0) {
            top = true;
        } else {
            assert_memory_equal("\xe2\x96\x84", line + at, n);
            bottom = true;
        }
        m->dark[m->height][x] = top == ink_is_dark;
        m->dark[m->height + 1][x] = bottom == ink_is_dark;
        at += n;
    }
    return x;
}

static void
read_picture(const char *text, bool has_colours, struct modules *m)
{
    static const char ink[] = "\033[38;5;16;48;5;231m", ink_end[] = "\033[0m";

    m->width = m->height = 0;
    while (*text != '\0') {
        const char *end = strchr(text, '\n');
        size_t len;
        int width;

        assert_non_null(end);
        len = (size_t)(end - text);
        if (has_colours) {
            assert_memory_equal(ink, text, sizeof(ink) - 1);
            assert_memory_equal(ink_end, end - (sizeof(ink_end) - 1), sizeof(ink_end) - 1);
            text += sizeof(ink) - 1;
            len -= sizeof(ink) - 1 + sizeof(ink_end) - 1;
        }
        assert_true(m->height + 1 < SIDE_MAX);
        width = read_line(text, len, has_colours, m);
        assert_true(m->width == 0 || m->width == width);
        m->width = width;
        m->height += 2;
        text = end + 1;
    }
}

static void
check_picture(const char *text, bool has_colours)
{
    static struct modules m;
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    struct buf b;

    assert_non_null(code);
    buf_init(&b, 1024 * 1024);
    assert_ok(qr_draw(text, has_colours, &b));
    if (!has_colours)
        assert_null(strchr(buf_text(&b), '\033'));
    read_picture(buf_text(&b), has_colours, &m);
    assert_int_equal(code->width + 2 * QUIET, m.width);
    assert_int_equal(m.width + 1, m.height); /* an odd number of rows in lines of two */
    for (int y = 0; y < m.height; y++) {
        for (int x = 0; x < m.width; x++) {
            int cx = x - QUIET, cy = y - QUIET;
            bool is_inside = cx >= 0 && cy >= 0 && cx < code->width && cy < code->width;
            bool want = is_inside && (code->data[cy * code->width + cx] & 1) != 0;

            assert_int_equal(want, m.dark[y][x]);
        }
    }
    QRcode_free(code);
    buf_done(&b);
}

static void
the_picture_has_every_module_and_a_quiet_zone(void **state)
{
    (void)state;
    check_picture(link, true);
    check_picture(link, false);
    check_picture("x", true);
    check_picture("x", false);
}

static void
a_text_of_1024_bytes_is_drawn_and_a_longer_one_is_too_big(void **state)
{
    char text[1026];
    struct buf b;

    (void)state;
    memset(text, 'a', sizeof(text));
    text[1024] = '\0';
    check_picture(text, true);
    text[1024] = 'a';
    text[1025] = '\0';
    buf_init(&b, 1024 * 1024);
    assert_err(ERR_TOOBIG, qr_draw(text, true, &b));
    assert_err(ERR_FIELD, qr_draw("", true, &b));
    assert_int_equal(0, b.len);
    buf_done(&b);
}

static void
a_picture_is_appended_whole_or_not_at_all(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 500);
    assert_ok(buf_add_text(&b, "before"));
    assert_err(ERR_TOOBIG, qr_draw(link, false, &b));
    assert_string_equal("before", buf_text(&b));
    buf_done(&b);
    buf_init(&b, 100000);
    assert_ok(buf_add_text(&b, "before"));
    assert_ok(qr_draw(link, false, &b));
    assert_memory_equal("before", buf_text(&b), 6);
    assert_int_equal('\n', b.data[b.len - 1]);
    buf_done(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_picture_has_every_module_and_a_quiet_zone),
        cmocka_unit_test(a_text_of_1024_bytes_is_drawn_and_a_longer_one_is_too_big),
        cmocka_unit_test(a_picture_is_appended_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
