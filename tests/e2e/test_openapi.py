# SPDX-License-Identifier: Apache-2.0
"""Goal: web/openapi.json says all of the interface and nothing else. What it gives as examples
works, what it documents can happen, and what happens is documented."""

import copy
import json
import re

import jsonschema
import pytest

from conftest import ROOT
from described import Document
from end_to_end import age_like, new_id
from provoked import assets, provoke
from wire import Reply, ask, form, part

DOCUMENT = Document()

# Replies that a test cannot bring about, and why.
NO_STORE = "the route asks no store, so that only a server that ends would say it"
NO_MEMORY = "the machine would have to be without memory"
NO_FAULT = "takes a fault that nothing outside of the program can cause"
NO_PAGE = "takes a server that was built without the page"
STATIC = {"/", "/docs/", "/robots.txt", "/openapi.json", "/assets/{name}", "/stream/sw.js"}


def why_not(promise):
    """Why a documented reply is not provoked here; None: it has to be."""
    method, template, status, what = promise
    if what == "OVERLOADED":
        return NO_MEMORY
    if template in STATIC and status == 503:
        return NO_STORE
    if template == "/health/" and what == "STORE_UNAVAILABLE":
        return NO_STORE
    if status == 500 and template != "/download/{key}":
        return NO_FAULT
    if status == 404 and template in ("/docs/", "/stream/sw.js", "/openapi.json"):
        return NO_PAGE
    return None


@pytest.fixture(scope="module")
def told():
    return provoke(DOCUMENT)


# ---- the document itself ----

def every(x, at="#"):
    """Each object of the document with its place."""
    if isinstance(x, dict):
        yield at, x
        for key, value in x.items():
            yield from every(value, f"{at}/{key}")
    elif isinstance(x, list):
        for i, value in enumerate(x):
            yield from every(value, f"{at}/{i}")


def test_every_reference_leads_somewhere_and_every_component_is_used():
    used = set()
    for _, x in every(DOCUMENT.all):
        if "$ref" in x:
            DOCUMENT.follow(x)
            used.add(x["$ref"])
    kinds = DOCUMENT.all["components"]
    made = {f"#/components/{kind}/{name}" for kind in kinds if kind != "securitySchemes"
            for name in kinds[kind]}
    assert made == used


def test_a_reference_to_nothing_is_found():
    broken = Document({"components": {"schemas": {}}})
    with pytest.raises(AssertionError, match="nothing at"):
        broken.follow({"$ref": "#/components/schemas/None"})


def test_every_operation_says_what_it_is():
    ids = set()
    tags = {tag["name"] for tag in DOCUMENT.all["tags"]}
    for method, template, operation in DOCUMENT.operations():
        for name in ("operationId", "summary", "description", "responses"):
            assert operation[name], (method, template, name)
        assert set(operation["tags"]) <= tags and len(operation["tags"]) == 1
        ids.add(operation["operationId"])
        named = {p["name"] for p in DOCUMENT.parameters(method, template) if p["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", template)), (method, template)
        for scheme in operation.get("security", []):
            assert set(scheme) <= set(DOCUMENT.all["components"]["securitySchemes"])
    assert len(ids) == len(list(DOCUMENT.operations()))


def test_every_schema_is_one():
    for at, x in every(DOCUMENT.all):
        if "schema" in x:
            jsonschema.Draft202012Validator.check_schema(x["schema"])
        if x.get("type") == "object" and "properties" in x and "/requestBody/" not in at:
            assert x["additionalProperties"] is False, at


def contents():
    for method, template, operation in DOCUMENT.operations():
        body = operation.get("requestBody")
        for media, content in (body or {}).get("content", {}).items():
            yield f"{method} {template} {media}", content
        for status, response in operation["responses"].items():
            for media, content in DOCUMENT.follow(response).get("content", {}).items():
                yield f"{method} {template} {status} {media}", content


def test_every_body_has_an_example_and_every_example_fits_its_schema():
    for where, content in contents():
        examples = list(DOCUMENT.examples(content))
        assert examples, where
        for _, value in examples:
            DOCUMENT.validate(value, content["schema"])
    for method, template, _ in DOCUMENT.operations():
        for p in DOCUMENT.parameters(method, template):
            examples = list(DOCUMENT.examples(p))
            assert examples, (method, template, p["name"])
            for _, value in examples:
                DOCUMENT.validate(value, p["schema"])


def test_the_routes_are_those_of_the_server():
    source = (ROOT / "src/api/api.c").read_text()
    table = re.search(r"api_routes\[\] = \{(.*?)\n\};", source, re.S).group(1)
    rows = re.findall(r'\.method = "(\w+)", \.pattern = "([^"]+)"(.*?)\}', table)
    served = set()
    for method, pattern, rest in rows:
        served.add((method, pattern))
        if method != "PUT":
            served.add(("OPTIONS", pattern))
        if "also_head" in rest:
            served.add(("HEAD", pattern))
    described = {(m, t if t == "/" else t.rstrip("/")) for m, t, _ in DOCUMENT.operations()}
    assert len(rows) >= 10
    assert described == served


def test_the_version_is_that_of_the_server(daemon):
    version = ask(daemon, "GET", "/health/").json()["version"]
    assert DOCUMENT.all["info"]["version"] == version


# ---- the examples ----

def fitting(daemon, template, parameter, name, value):
    """An example's value, or what stands for it on this daemon."""
    if parameter["in"] != "path" or template == "/{filename}":
        return str(value), None
    if template == "/assets/{name}":
        return assets(daemon)[0].rpartition("/")[2], None
    if name == "id":
        made = daemon.upload(age_like(), id=new_id(), encryption="age")
    else:
        made = daemon.upload(b"hello\n")
    return made["key"], made


def body_of(example, media):
    if media != "multipart/form-data":
        return example.encode(), {}
    parts = [part(name, str(value), "hello.txt" if name == "file" else None)
             for name, value in example.items()]
    body, kind = form(*parts)
    return body, {"Content-Type": kind}


def send(daemon, method, template, body, headers, key_example):
    """One documented example, sent."""
    target, headers = template, dict(headers)
    for p in DOCUMENT.parameters(method, template):
        if p["in"] == "path":
            examples = dict(DOCUMENT.examples(p))
            name = key_example if key_example in examples else next(iter(examples))
            value, receipt = fitting(daemon, template, p, name, examples[name])
            target = target.replace("{%s}" % p["name"], value)
            if template == "/burn/{key}" and receipt:
                headers["Authorization"] = "Bearer " + receipt["burn_token"]
    return ask(daemon, method, target, body, headers)


def sendings(daemon, method, template, operation):
    """Bodies and headers of all examples of an operation: each header alone, each body alone."""
    bodies = [(b"" if method == "POST" else None, {})]
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        bodies = []
        for _, value in DOCUMENT.examples(content):
            if template == "/download/":
                value = {"key": daemon.upload(b"hello\n")["key"]}
            bodies.append(body_of(value, media))
    for body, headers in bodies:
        yield body, headers
    body, headers = bodies[0]
    for p in DOCUMENT.parameters(method, template):
        for _, value in DOCUMENT.examples(p) if p["in"] == "header" else ():
            yield body, {**headers, p["name"]: str(value)}


@pytest.mark.parametrize("method, template", [(m, t) for m, t, _ in DOCUMENT.operations()])
def test_every_example_of_a_request_works(daemon, method, template):
    operation = DOCUMENT.operation(method, template)
    for body, headers in sendings(daemon, method, template, operation):
        for key_example in ("code", "id") if "{key}" in template else ("",):
            got = send(daemon, method, template, body, headers, key_example)
            assert got.status < 300, (headers, got.status, got.body[:300])
            DOCUMENT.check(method, template, got)


# ---- the replies ----

def test_every_reply_is_documented(told):
    assert len(told) > 200
    for method, template, reply in told:
        try:
            DOCUMENT.check(method, template, reply)
        except (AssertionError, jsonschema.ValidationError) as e:
            pytest.fail(f"{method} {template}: {reply.status} {reply.body[:200]}: {e}")


def test_every_documented_reply_can_happen(told):
    seen = {(m, t, r.status, DOCUMENT.check(m, t, r)) for m, t, r in told}
    promised = set(DOCUMENT.promises())
    excused = {p for p in promised if why_not(p)}
    assert sorted(promised - seen - excused) == []
    assert sorted(seen & excused) == [], "provoked after all: take it off the list"


def test_every_documented_header_can_be_seen(told):
    documented = {name for _, x in every(DOCUMENT.all["components"]["responses"])
                  if "headers" in x for name in x["headers"]}
    seen = {name.lower() for _, _, r in told for name, _ in r.fields}
    assert len(documented) > 25
    assert {name for name in documented if name.lower() not in seen} == set()
    policies = {r["Cross-Origin-Resource-Policy"] for _, _, r in told}
    assert policies == {"same-origin", "cross-origin"}


def test_refusals_come_as_a_page_to_who_prefers_one(told):
    pages = {(m, t) for m, t, r in told if r.status >= 400 and m != "HEAD"
             and r["Content-Type"] == "text/html; charset=utf-8"}
    assert pages == {(m, t) for m, t, _ in DOCUMENT.operations() if m != "HEAD"}


def test_a_file_brings_all_that_belongs_to_it(told):
    """The document cannot demand it: the page of those who only look has the same status."""
    files = [r for m, t, r in told if t == "/download/{key}" and r.status in (200, 206)
             and r["Content-Type"] != "text/html; charset=utf-8"]
    assert len(files) >= 5
    for r in files:
        for name in ("Content-Disposition", "X-SHA256", "X-Uses-Remaining", "ETag",
                     "Accept-Ranges"):
            assert r[name], name


def test_other_methods_and_unknown_paths_are_refused_as_the_document_says(daemon):
    responses = DOCUMENT.all["components"]["responses"]
    for method, target, status, name in (
            ("DELETE", "/", 405, "MethodNotAllowed"), ("HEAD", "/status/x", 405, None),
            ("PATCH", "/upload/", 405, "MethodNotAllowed"), ("GET", "/a/b/c", 404, "NotFound")):
        got = ask(daemon, method, target)
        assert got.status == status
        if name:
            lone = copy.deepcopy(DOCUMENT.all)
            lone["paths"] = {"/x": {"get": {"responses": {str(status): responses[name]}}}}
            Document(lone).check("GET", "/x", got)


# ---- the checker ----

@pytest.fixture
def good(daemon):
    got = ask(daemon, "GET", "/status/x")
    DOCUMENT.check("GET", "/status/{key}", got)
    return got


def check_fails(reply, why):
    with pytest.raises((AssertionError, jsonschema.ValidationError), match=why):
        DOCUMENT.check("GET", "/status/{key}", reply)


def test_the_checker_finds_an_undocumented_status(good):
    check_fails(Reply(418, good.fields, good.body), "undocumented status 418")


def test_the_checker_finds_headers_too_many_too_few_and_wrong(good):
    check_fails(Reply(200, [*good.fields, ("X-More", "1")], good.body),
                "undocumented header x-more")
    for name, _ in good.fields:
        header = DOCUMENT.all["components"]["headers"].get(name, {})
        if header.get("required"):
            less = [(n, v) for n, v in good.fields if n != name]
            check_fails(Reply(200, less, good.body), f"header {name.lower()} is missing")
    wrong = [(n, "SAMEORIGIN" if n == "X-Frame-Options" else v) for n, v in good.fields]
    check_fails(Reply(200, wrong, good.body), "DENY")


@pytest.mark.parametrize("change, why", [
    ({"more": 1}, "more"), ({"status": "dead"}, "dead"), ({"remaining_uses": -1}, "minimum"),
    ({"remaining_uses": "1"}, "integer"), ({"ended_by": "uses"}, "ended_at")])
def test_the_checker_finds_a_wrong_field(good, change, why):
    body = json.dumps({**good.json(), **change}).encode()
    check_fails(Reply(200, good.fields, body), why)


def test_the_checker_finds_a_missing_field_and_a_wrong_type(good):
    less = {k: v for k, v in good.json().items() if k != "status"}
    check_fails(Reply(200, good.fields, json.dumps(less).encode()), "status")
    fields = [(n, "text/xml" if n == "Content-Type" else v) for n, v in good.fields]
    check_fails(Reply(200, fields, good.body), "undocumented type text/xml")


def test_the_checker_tells_refusals_by_their_code(daemon):
    got = ask(daemon, "GET", "/download/x")
    assert DOCUMENT.check("GET", "/download/{key}", got) == "NOT_FOUND"
    other = got.body.replace(b"NOT_FOUND", b"LOST")
    with pytest.raises(jsonschema.ValidationError, match="NOT_FOUND"):
        DOCUMENT.check("GET", "/download/{key}", Reply(404, got.fields, other))
