# SPDX-License-Identifier: Apache-2.0
"""Goal: the page and its files are served whole and small, cached only where that is safe, under a
strict policy and from nowhere else; and a code's form serves browsers without JavaScript."""

import gzip
import hashlib
import html.parser
import json
import re
import urllib.parse

import brotli
import pytest

from wire import UNISSUED, UUID4, ask, check_headers, check_refusal, form, part

FIRST_LOAD_MAX = 60 * 1024
SIX_WORDS = "zebra-zebra-zebra-zebra-zebra-zebra"
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
          "connect-src 'self'; worker-src 'self'; frame-src 'self'; form-action 'self'; "
          "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
          "trusted-types mayfly")
FOR_EVER = "public, max-age=31536000, immutable"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}
DECODE = {None: bytes, "gzip": gzip.decompress, "br": brotli.decompress}
PAGES = ["/", "/docs/"]


class Document(html.parser.HTMLParser):
    """What a page loads, where it leads, and what in it a strict policy would stop."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.forms, self.forbidden, self.tags = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        self.forbidden += [n for n in attrs if n == "style" or n.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in attrs):
            self.forbidden.append(tag)
        if tag == "link":
            self.loads.append(attrs["href"])
        elif "src" in attrs:
            self.loads.append(attrs["src"])
        if tag == "form":
            self.forms.append({**attrs, "inputs": {}})
        elif tag == "input" and self.forms:
            self.forms[-1]["inputs"][attrs.get("name")] = attrs


def document(daemon, target):
    got = ask(daemon, "GET", target, headers=BROWSER)
    assert got.status == 200, got.body[:300]
    return Document(got.body.decode())


def static_imports(script):
    """The files that a script's own `import` and `export ... from` name, not its import()."""
    return {m for m in re.findall(r"(?:\bfrom|\bimport|[;}\s])\s*\"(\./[\w.-]+\.js)\"",
                                  re.sub(r"\bimport\(\s*\"[^\"]*\"\s*\)", "", script))}


def loaded(daemon, target):
    """Every file that loading a page takes before anybody acts: its path and its compressed body."""
    wait, seen = list(document(daemon, target).loads), {}
    while wait:
        path = wait.pop()
        if path in seen:
            continue
        got = ask(daemon, "GET", path, headers={"Accept-Encoding": "gzip, br"})
        assert got.status == 200, path
        seen[path] = got.body
        if path.endswith(".js"):
            text = DECODE[got["Content-Encoding"]](got.body).decode()
            wait += [urllib.parse.urljoin(path, i) for i in static_imports(text)]
    return seen


@pytest.fixture(scope="module")
def assets(daemon):
    """All files of the first load of both pages."""
    found = sorted({p for page in PAGES for p in loaded(daemon, page)})
    assert [p for p in found if p.endswith(".js")] and [p for p in found if p.endswith(".css")]
    return found


# ---- the pages ----

@pytest.mark.parametrize("target", PAGES)
def test_a_page_has_the_strict_policy_and_is_never_stored(daemon, target):
    for method in ("GET", "HEAD"):
        got = ask(daemon, method, target, headers=BROWSER)
        assert (got.status, got["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert got["Content-Security-Policy"] == POLICY
        check_headers(got)
        assert got.body.startswith(b"<!doctype html>") or method == "HEAD"


@pytest.mark.parametrize("target", PAGES)
def test_a_page_loads_its_own_assets_only_and_has_nothing_inline(daemon, target):
    page = document(daemon, target)
    assert page.forbidden == []
    assert page.loads
    for path in page.loads:
        assert re.fullmatch(r"/assets/[\w-]+-\w+\.(js|css|svg|png|ico|webmanifest)", path), path
    for sent_to in page.forms:
        assert sent_to["action"].startswith("/") and not sent_to["action"].startswith("//")


@pytest.mark.parametrize("target", PAGES)
def test_a_page_is_known_by_its_tag_until_a_value_changes(daemon, make_daemon, target):
    first = ask(daemon, "GET", target)
    tag = first["ETag"]
    assert re.fullmatch(r'"[0-9a-f]+-[0-9a-f]{16}"', tag)
    assert ask(daemon, "GET", target)["ETag"] == tag
    again = ask(daemon, "GET", target, headers={"If-None-Match": f'"x", W/{tag}'})
    assert (again.status, again.body, again["ETag"]) == (304, b"", tag)
    check_headers(again)
    assert ask(daemon, "GET", target, headers={"If-None-Match": '"x"'}).status == 200
    other = make_daemon({"MAX_USES": "7", "MAX_FILE_SIZE": "5M", "PUBLIC_URL": "http://x.example"})
    changed = ask(other, "GET", target)
    assert (changed["ETag"] == tag) == (changed.body == first.body)
    assert changed.body != first.body or target != "/"  # whose values those are


def test_the_page_tells_what_this_server_allows(make_daemon):
    d = make_daemon({"MAX_USES": "7", "MAX_FILE_SIZE": "5M", "MAX_EXPIRY_MINUTES": "8",
                     "UPLOAD_TOKEN": "a-token-of-some-length", "KEY_WORDS": "5",
                     "ALLOWED_MIME_TYPES": "text/plain"})
    page = document(d, "/")
    (main,) = [a for tag, a in page.tags if tag == "main"]
    assert {k: v for k, v in main.items() if k.startswith("data-")} == {
        "data-max-file-size": str(5 << 20), "data-max-file-size-text": "5 MiB",
        "data-max-expiry": "8", "data-expiry": "8", "data-max-uses": "7", "data-key-words": "5",
        "data-e2e": "off", "data-token": "required"}
    send = page.forms[0]["inputs"]
    assert (send["expiry"]["max"], send["expiry"]["value"], send["uses"]["max"]) == ("8", "8", "7")
    assert send["token"]["type"] == "password"
    assert b"a-token-of-some-length" not in ask(d, "GET", "/").body


def test_without_a_token_and_a_list_the_page_asks_for_none(daemon):
    page = document(daemon, "/")
    (main,) = [a for tag, a in page.tags if tag == "main"]
    assert (main["data-token"], main["data-e2e"], main["data-max-file-size-text"]) == (
        "none", "on", "100 MiB")
    assert "token" not in page.forms[0]["inputs"]


def test_a_forged_host_writes_nothing_into_the_page(daemon):
    for host in ('x"><script>', "a.example'onload=x", "evil.example/path"):
        got = daemon.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert host.encode() not in got


# ---- the files ----

def test_an_asset_may_be_kept_for_ever(daemon, assets):
    for path in assets:
        got = ask(daemon, "GET", path)
        assert (got.status, got["Cache-Control"]) == (200, FOR_EVER)
        assert got["Pragma"] is None and got["Expires"] is None
        assert "Accept-Encoding" in got["Vary"]
        assert got["X-Content-Type-Options"] == "nosniff" and UUID4.fullmatch(got["X-Request-ID"])
        assert "default-src 'none'" in got["Content-Security-Policy"]
        kind = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8",
                "svg": "image/svg+xml"}[path.rsplit(".", 1)[1]]
        assert got["Content-Type"] == kind


def test_the_worker_and_the_description_are_asked_for_each_time(daemon):
    for path, kind in (("/stream/sw.js", "text/javascript; charset=utf-8"),
                       ("/openapi.json", "application/json")):
        got = ask(daemon, "GET", path)
        assert (got.status, got["Cache-Control"], got["Content-Type"]) == (200, "no-cache", kind)
        assert got["Content-Security-Policy"].startswith("default-src 'none'")
        assert "script-src" not in got["Content-Security-Policy"]
        assert got["Access-Control-Allow-Origin"] == "*"


def test_each_coding_is_the_same_file_with_a_tag_of_its_own(daemon, assets):
    n_coded = 0
    for path in [*assets, "/stream/sw.js", "/openapi.json"]:
        plain = ask(daemon, "GET", path)
        assert plain["Content-Encoding"] is None
        assert plain["ETag"] == f'"{hashlib.sha256(plain.body).hexdigest()[:32]}"'
        tags = {plain["ETag"]: plain}
        for accept in ("gzip", "br", "gzip, deflate, br;q=0.5", "identity;q=0, gzip", "*"):
            got = ask(daemon, "GET", path, headers={"Accept-Encoding": accept})
            assert DECODE[got["Content-Encoding"]](got.body) == plain.body, (path, accept)
            assert len(got.body) <= len(plain.body)
            same = tags.setdefault(got["ETag"], got)
            assert same["Content-Encoding"] == got["Content-Encoding"]
            n_coded += got["Content-Encoding"] is not None
    assert n_coded > 10


@pytest.mark.parametrize("accept, want", [
    ("gzip, br", "br"), ("br;q=0.5, gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("gzip;q=0", None),
    ("identity", None), ("", None), ("deflate, zstd", None), ("*;q=0", None)])
def test_the_coding_is_what_the_client_likes_best(daemon, accept, want):
    got = ask(daemon, "GET", "/openapi.json", headers={"Accept-Encoding": accept})
    assert got["Content-Encoding"] == want
    assert json.loads(DECODE[want](got.body))["openapi"].startswith("3.1")


def test_a_known_tag_is_answered_without_the_file(daemon, assets):
    for path in [*assets, "/openapi.json", "/stream/sw.js"]:
        for accept in ("identity", "gzip", "br"):
            headers = {"Accept-Encoding": accept}
            tag = ask(daemon, "GET", path, headers=headers)["ETag"]
            for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
                got = ask(daemon, "GET", path, headers={**headers, "If-None-Match": known})
                assert (got.status, got.body, got["ETag"]) == (304, b"", tag)
                assert got["Content-Encoding"] is None and "Accept-Encoding" in got["Vary"]
            for unknown in ('"other"', tag.strip('"'), tag[:-1] + '-x"'):
                got = ask(daemon, "GET", path, headers={**headers, "If-None-Match": unknown})
                assert got.status == 200 and got.body


def test_head_tells_what_get_would(daemon, assets):
    for path in [*assets, "/openapi.json", "/stream/sw.js", *PAGES]:
        for accept in ("identity", "br"):
            headers = {"Accept-Encoding": accept}
            head, whole = (ask(daemon, m, path, headers=headers) for m in ("HEAD", "GET"))
            assert (head.status, head.body) == (200, b"")
            assert head["Content-Length"] == str(len(whole.body))
            moves = {"x-request-id", "date"}
            lines = [{(n.lower(), v) for n, v in r.fields if n.lower() not in moves}
                     for r in (head, whole)]
            assert lines[0] == lines[1]


def test_what_is_no_asset_is_not_found_and_not_cached(daemon, assets):
    for path in ("/assets/x.js", assets[0] + "x", assets[0].upper(), "/assets/page.html",
                 "/assets/%2e%2e", "/page.html", "/stream/x", "/assets/" + "a" * 3000):
        got = ask(daemon, "GET", path)
        check_refusal(got, 404, "NOT_FOUND")


def test_the_first_load_is_small(daemon):
    page = ask(daemon, "GET", "/").body
    files = loaded(daemon, "/")
    total = len(gzip.compress(page)) + sum(map(len, files.values()))
    assert total < FIRST_LOAD_MAX, {p: len(b) for p, b in files.items()}
    names = " ".join(files)
    assert "words" not in names


def test_no_file_of_the_first_load_names_another_host(daemon, assets):
    for path in assets:
        text = ask(daemon, "GET", path).body.decode()
        hosts = set(re.findall(r"(?:https?:)?//([\w-]+(?:\.[\w-]+)+)", text))
        assert hosts <= {"www.w3.org"}, (path, hosts)  # names of SVG, which nobody loads
        assert "@import" not in text


# ---- without JavaScript ----

def look_for(daemon, *parts, headers=None):
    body, content_type = form(*parts)
    return ask(daemon, "POST", "/download/", body, {"Content-Type": content_type,
                                                    **(BROWSER if headers is None else headers)})


def test_the_pages_form_leads_to_the_button_and_takes_nothing(daemon):
    receipt = daemon.upload(b"for whoever has the code")
    (ask_form,) = [f for f in document(daemon, "/").forms if "key" in f["inputs"]]
    assert (ask_form["method"].lower(), ask_form["action"], ask_form["enctype"]) == (
        "post", "/download/", "multipart/form-data")
    key = receipt["key"]
    for typed in (key, key.upper().replace("-", " "), f"  {key} ", receipt["download_url"],
                  receipt["share_url"], key.replace("-", ".")):
        got = look_for(daemon, part("key", typed))
        assert got.status == 200, typed
        check_headers(got)
        (button,) = Document(got.body.decode()).forms
        assert (button["method"], button["action"]) == ("post", f"/download/{key}")
        assert daemon.status(key)["remaining_uses"] == 1
    got = ask(daemon, "POST", button["action"], b"", BROWSER)
    assert (got.status, got.body) == (200, b"for whoever has the code")
    assert look_for(daemon, part("key", key)).status == 410


@pytest.mark.parametrize("typed", [
    SIX_WORDS, SIX_WORDS.upper().replace("-", " "), "https://drop.example/#" + SIX_WORDS,
    "not in any list we know"])
def test_six_words_are_refused_and_repeated_nowhere(daemon, typed):
    got = look_for(daemon, part("key", typed), headers={})
    answer = check_refusal(got, 422, "SECRET_WORDS")
    assert "must not be sent" in answer["detail"]
    page = look_for(daemon, part("key", typed))
    assert page.status == 422 and b"must not be sent" in page.body
    for shown in (got.body, page.body, "\n".join(daemon.lines).encode()):
        assert b"zebra" not in shown and b"any list" not in shown


@pytest.mark.parametrize("parts, status, code", [
    ([part("key", UNISSUED)], 404, "NOT_FOUND"),
    ([part("key", "not a code")], 404, "NOT_FOUND"),
    ([part("key", "")], 404, "NOT_FOUND"),
    ([part("other", UNISSUED)], 422, "INVALID_FIELD"),
    ([], 422, "INVALID_FIELD"),
    ([part("key", "a"), part("key", "b")], 422, "INVALID_FIELD"),
    ([part("key", b"zebra\x00-zebra")], 422, "INVALID_FIELD"),
    ([part("key", "a" * 600)], 413, "TOO_LARGE"),
    ([part("other", "a" * 9000)], 413, "TOO_LARGE")])
def test_a_form_without_a_code_of_ours_is_refused(daemon, parts, status, code):
    check_refusal(look_for(daemon, *parts, headers={}), status, code)


def test_what_is_no_form_is_refused(daemon):
    check_refusal(ask(daemon, "POST", "/download/", b"key=a-b-c-d", {
        "Content-Type": "application/x-www-form-urlencoded"}), 400, "BAD_REQUEST")
    body, content_type = form(part("key", UNISSUED))
    check_refusal(ask(daemon, "POST", "/download/", body[:-9], {"Content-Type": content_type}),
                  400, "BAD_REQUEST")


def test_wrong_codes_in_the_form_are_counted_as_in_the_path(make_daemon):
    d = make_daemon()
    statuses = [look_for(d, part("key", UNISSUED), headers={}).status for _ in range(60)]
    assert statuses[0] == 404 and statuses[-1] == 429
    assert ask(d, "GET", f"/download/{UNISSUED}").status == 429
    got = look_for(d, part("key", UNISSUED), headers={})
    check_refusal(got, 429, "BLOCKED")
    assert int(got["Retry-After"]) > 0


def test_server_pages_have_the_look_of_the_page(daemon):
    receipt = daemon.upload(b"x")
    looks = [p for p in document(daemon, "/").loads if p.endswith((".css", ".svg"))]
    body, content_type = form(part("file", b"y", "y.txt"))
    for got in (ask(daemon, "GET", f"/download/{receipt['key']}", headers=BROWSER),
                ask(daemon, "GET", "/nothing", headers=BROWSER),
                ask(daemon, "POST", "/upload/", body, {**BROWSER, "Content-Type": content_type})):
        page = Document(got.body.decode())
        assert set(page.loads) == set(looks) and page.forbidden == []
        assert got["Content-Security-Policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'")
        check_headers(got)
