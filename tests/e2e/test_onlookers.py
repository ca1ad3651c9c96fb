# SPDX-License-Identifier: Apache-2.0
"""Goal: what only looks (an address bar, a chat program's robot, a prefetch) takes nothing and
learns nothing; the button of the page that it gets takes the file, without any JavaScript."""

import html.parser
import os
import re
import urllib.parse

import pytest

from wire import UNISSUED, ask, check_headers, form, part

CONTENT = b"only for who asks for it " * 40
NAME = "quarterly-figures.txt"

BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}
ROBOTS = [
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slackbot 1.0 (+https://api.slack.com/robots)",
    "Twitterbot/1.0",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "WhatsApp/2.23.20.0 A",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (Applebot/0.1)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mattermost-Bot/1.1",
    "Synapse (bot; +https://github.com/matrix-org/synapse)",
    "http.rb/5.1.1 (Mastodon/4.2.0; +https://mastodon.example/) Bot",
    "Viber/13.0", "vkShare; +http://vk.com/dev/Share",
]
PREFETCHES = [
    {"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"},
    {"X-Purpose": "preview"}, {"X-moz": "prefetch"}]


class Forms(html.parser.HTMLParser):
    """The forms of a page and what they would send."""

    def __init__(self, page):
        super().__init__()
        self.forms, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        assert tag not in ("script", "iframe", "object"), tag
        if tag == "link":  # our own look, which is the same for every file
            assert attrs["rel"] in ("icon", "stylesheet"), attrs
        loads = attrs.get("href") if tag == "link" else attrs.get("src")
        assert loads is None or re.fullmatch(r"/assets/[a-z]+-\w+\.(css|svg)", loads), attrs
        assert not any(name.startswith("on") for name in attrs)
        if tag == "form":
            self.forms.append({**attrs, "inputs": {}})
        elif tag == "input":
            self.forms[-1]["inputs"][attrs["name"]] = attrs
        elif tag == "button":
            self.forms[-1]["has_button"] = True

    def handle_data(self, data):
        self.texts.append(data)


def page_of(got):
    assert got["Content-Type"] == "text/html; charset=utf-8"
    assert got.body.startswith(b"<!doctype html>")
    check_headers(got)
    assert "script" not in got["Content-Security-Policy"]
    return Forms(got.body.decode())


def check_landing(daemon, receipt, headers):
    """The page with the button; nothing of the file, nothing taken."""
    target = f"/download/{receipt['key']}"
    got = ask(daemon, "GET", target, headers=headers)
    assert got.status == 200, headers
    page = page_of(got)
    (button,) = page.forms
    assert (button["method"].lower(), button["action"], button["has_button"]) == (
        "post", target, True)
    for secret in (CONTENT[:20], NAME.encode(), receipt["sha256"].encode()):
        assert secret not in got.body
    assert got["Content-Disposition"] is None and got["X-SHA256"] is None and got["ETag"] is None
    state = daemon.status(receipt["key"])
    assert (state["status"], state["remaining_uses"]) == ("active", 1)


@pytest.mark.parametrize("headers", [
    BROWSER, {"Sec-Fetch-Mode": "navigate"}, {"Accept": "text/html"},
    {"Accept": "application/xhtml+xml, */*;q=0.1"}, {"Accept": "TEXT/HTML;q=0.5, */*;q=0.4"},
    *PREFETCHES], ids=repr)
def test_a_look_takes_nothing_and_the_button_takes_the_file(daemon, headers):
    receipt = daemon.upload(CONTENT, name=NAME)
    for _ in range(3):
        check_landing(daemon, receipt, headers)
    got = ask(daemon, "POST", f"/download/{receipt['key']}", b"", headers)
    assert (got.status, got.body) == (200, CONTENT)
    assert NAME in got["Content-Disposition"]
    assert ask(daemon, "POST", f"/download/{receipt['key']}", b"").status == 410


@pytest.mark.parametrize("agent", ROBOTS)
def test_no_robot_takes_a_file_or_its_preview(daemon, agent):
    assert len(ROBOTS) >= 12
    receipt = daemon.upload(CONTENT, name=NAME)
    headers = {"User-Agent": agent, "Accept": "*/*"}
    check_landing(daemon, receipt, headers)
    seen = ask(daemon, "GET", f"/preview/{receipt['key']}", headers=headers)
    assert NAME.encode() not in seen.body and receipt["sha256"].encode() not in seen.body
    mine = ask(daemon, "GET", f"/preview/{receipt['key']}")
    assert (mine.status, mine.json()["filename"]) == (200, NAME)
    assert ask(daemon, "GET", f"/download/{receipt['key']}").body == CONTENT


@pytest.mark.parametrize("headers", [
    {}, {"User-Agent": "curl/7.88.1", "Accept": "*/*"}, {"User-Agent": "Wget/1.21.3"},
    {"User-Agent": "python-requests/2.28.1", "Accept": "*/*"},
    {"User-Agent": "Go-http-client/1.1"}, {"Accept": "application/json"},
    {"Accept": "text/html;q=0, */*"}, {"Accept": "application/octet-stream, text/html;q=0.1, */*"},
    {"Sec-Fetch-Mode": "cors", **{"User-Agent": BROWSER["User-Agent"]}}], ids=repr)
def test_who_asks_for_the_bytes_gets_them(daemon, headers):
    receipt = daemon.upload(CONTENT, name=NAME)
    got = ask(daemon, "GET", f"/download/{receipt['key']}", headers=headers)
    assert (got.status, got.body) == (200, CONTENT)


def test_a_prefetch_does_not_take_the_preview(daemon):
    receipt = daemon.upload(CONTENT, name=NAME)
    for headers in PREFETCHES:
        assert NAME.encode() not in ask(daemon, "GET", f"/preview/{receipt['key']}",
                                        headers=headers).body
    assert ask(daemon, "GET", f"/preview/{receipt['key']}").json()["filename"] == NAME


def test_head_is_not_for_what_has_a_code(daemon):
    receipt = daemon.upload(CONTENT, name=NAME)
    for route, allow in (("download", "GET, POST"), ("preview", "GET")):
        got = ask(daemon, "HEAD", f"/{route}/{receipt['key']}")
        assert (got.status, got.body) == (405, b"")
        assert sorted(got["Allow"].split(", ")) == allow.split(", ")
        assert NAME not in repr(got.fields) and str(len(CONTENT)) != got["Content-Length"]
        check_headers(got)
    assert daemon.status(receipt["key"])["remaining_uses"] == 1
    assert ask(daemon, "GET", f"/preview/{receipt['key']}").status == 200


@pytest.mark.parametrize("target", ["/", "/health/", "/health", "/robots.txt"])
def test_head_answers_as_get_where_nothing_can_be_taken(daemon, target):
    head, whole = ask(daemon, "HEAD", target), ask(daemon, "GET", target)
    assert head.status == whole.status == 200
    assert head.body == b"" and head["Content-Type"] == whole["Content-Type"]
    if target != "/health" and target != "/health/":  # whose numbers move
        assert head["Content-Length"] == str(len(whole.body))


def test_the_landing_of_what_is_gone_or_was_never_there_says_so(daemon):
    receipt = daemon.upload(CONTENT)
    assert ask(daemon, "GET", f"/download/{receipt['key']}").status == 200
    for key, status in ((receipt["key"], 410), (UNISSUED, 404), ("not-a-code", 404)):
        got = ask(daemon, "GET", f"/download/{key}", headers=BROWSER)
        assert got.status == status
        assert page_of(got).forms == []


def test_the_page_works_without_javascript(daemon):
    """What a browser does with the page, step by step: fill in, send, follow, download."""
    got = ask(daemon, "GET", "/", headers=BROWSER)
    assert got.status == 200
    found = re.search(rb"<form.*?</form>", got.body, re.S).group().decode()
    (sheet,) = Forms(found).forms
    assert sheet["method"].lower() == "post" and sheet["enctype"] == "multipart/form-data"
    fields = sheet["inputs"]
    assert fields["file"]["type"] == "file"
    assert (fields["expiry"]["value"], fields["uses"]["value"]) == ("10", "1")
    assert (fields["expiry"]["max"], fields["uses"]["max"]) == ("60", "5")

    parts = [part("file", CONTENT, NAME), part("expiry", fields["expiry"]["value"]),
             part("uses", fields["uses"]["value"])]
    body, content_type = form(*parts)
    made = ask(daemon, "POST", sheet["action"], body, {**BROWSER, "Content-Type": content_type})
    assert made.status == 201
    shown = made.body.decode()
    assert NAME in shown
    link = re.search(r"http://[^<\s\"]+/[^<\s\"]+", shown).group()
    code = re.search(r"[a-z]+-[a-z]+-[a-z]+-[a-z]+", link).group()
    check_headers(made)

    landing = ask(daemon, "GET", f"/download/{code}", headers=BROWSER)
    (button,) = page_of(landing).forms
    taken = ask(daemon, "POST", urllib.parse.urljoin(f"/download/{code}", button["action"]), b"",
                {**BROWSER, "Content-Type": "application/x-www-form-urlencoded"})
    assert (taken.status, taken.body) == (200, CONTENT)
    assert taken["Content-Security-Policy"].endswith("sandbox")
    assert "no-transform" in taken["Cache-Control"]


def test_a_file_name_cannot_break_out_of_a_page(daemon):
    name = "\"'><script>alert(1)<!--.txt"
    body, content_type = form(part("file", os.urandom(10), name.replace('"', "%22")))
    made = ask(daemon, "POST", "/upload/", body, {**BROWSER, "Content-Type": content_type})
    assert made.status == 201
    assert b"<script" not in made.body and b"&quot;&#39;script" in made.body
    code = re.search(rb"[a-z]+-[a-z]+-[a-z]+-[a-z]+", made.body).group().decode()
    seen = ask(daemon, "GET", f"/preview/{code}", headers=BROWSER)
    assert seen.status == 200 and b"<script" not in seen.body
