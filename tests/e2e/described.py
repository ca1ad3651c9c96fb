# SPDX-License-Identifier: Apache-2.0
"""web/openapi.json, and whether a reply is one that it describes."""

import gzip
import json

import brotli
import jsonschema

from conftest import ROOT

METHODS = ("get", "post", "put", "head", "options")
# HTTP's own headers, which the document does not list for each reply.
HTTP_OWN = {"date", "content-type", "content-length", "connection", "transfer-encoding"}


class Document:
    def __init__(self, document=None):
        self.all = document or json.loads((ROOT / "web/openapi.json").read_text())
        self._resolver = jsonschema.RefResolver.from_schema(self.all)

    def follow(self, x):
        """The thing itself, when `x` is a reference to it."""
        while "$ref" in x:
            ref = x["$ref"]
            assert ref.startswith("#/"), ref
            x = self.all
            for step in ref[2:].split("/"):
                assert step in x, f"nothing at {ref}"
                x = x[step]
        return x

    def operations(self):
        """(method, template, operation) of each."""
        for template, item in self.all["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method.upper(), template, item[method]

    def operation(self, method, template):
        return self.all["paths"][template][method.lower()]

    def parameters(self, method, template):
        item = self.all["paths"][template]
        return [self.follow(p) for p in
                item.get("parameters", []) + self.operation(method, template).get("parameters", [])]

    def examples(self, holder):
        """Name and value of each example of a parameter or content."""
        if "example" in holder:
            yield "example", holder["example"]
        for name, example in holder.get("examples", {}).items():
            yield name, self.follow(example)["value"]

    def validate(self, value, schema):
        jsonschema.Draft202012Validator(schema, resolver=self._resolver).validate(value)

    # ---- what it promises ----

    def _codes(self, schema):
        """The error codes that a schema allows; for what is gone, with each way to end."""
        schema = self.follow(schema)
        if "oneOf" in schema and "properties" not in schema:
            for one in schema["oneOf"]:
                yield from self._codes(one)
            return
        properties = schema.get("properties", {})
        if "error_code" not in properties:
            return
        code = properties["error_code"]
        for name in code.get("enum", [code.get("const")]):
            if "ended_by" in properties:
                for how in self.follow(properties["ended_by"])["enum"]:
                    yield f"{name} {how}"
            else:
                yield name

    def promises(self):
        """(method, template, status, what) of every reply: an error code, else a content type."""
        for method, template, operation in self.operations():
            for status, response in operation["responses"].items():
                content = self.follow(response).get("content", {})
                codes = list(self._codes(content.get("application/json", {}).get("schema", {})))
                found = set(codes) if codes else set(content)
                if status == "503" and template == "/health/":
                    found.add("application/json")
                if method == "HEAD" or not found:
                    found = {""}
                for what in found:
                    yield method, template, int(status), what

    # ---- replies ----

    def check(self, method, template, reply):
        """The reply must be described; what it is (see `promises`) comes back."""
        responses = self.operation(method, template)["responses"]
        assert str(reply.status) in responses, f"undocumented status {reply.status}"
        response = self.follow(responses[str(reply.status)])
        self._check_headers(response["headers"], reply)
        content = response.get("content")
        if content is None:
            assert reply.body == b"" and reply["Content-Type"] is None, "an undocumented body"
            return ""
        media = reply["Content-Type"]
        assert media in content or "*/*" in content, f"undocumented type {media}"
        if method == "HEAD":
            assert reply.body == b"", "HEAD with a body"
            return ""
        what = media if media in content else "*/*"
        self._check_body(what, content[what]["schema"], reply)
        return self._what(what, reply)

    def _check_headers(self, documented, reply):
        lower = {name.lower(): self.follow(h) for name, h in documented.items()}
        names = {name.lower() for name, _ in reply.fields}
        for name in names - HTTP_OWN:
            assert name in lower, f"undocumented header {name}"
            self.validate(reply[name], lower[name]["schema"])
        for name, header in lower.items():
            assert name in names or not header.get("required"), f"header {name} is missing"

    def _check_body(self, media, schema, reply):
        if media == "*/*":
            return
        unpack = {"gzip": gzip.decompress, "br": brotli.decompress, None: bytes}
        text = unpack[reply["Content-Encoding"]](reply.body).decode()
        self.validate(json.loads(text) if media == "application/json" else text, schema)

    @staticmethod
    def _what(media, reply):
        if media != "application/json":
            return media
        if reply["Content-Encoding"] is not None:  # no error is packed
            return media
        answer = reply.json()
        if "error_code" not in answer:
            return media
        return " ".join(answer[k] for k in ("error_code", "ended_by") if k in answer)
