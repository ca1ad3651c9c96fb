// SPDX-License-Identifier: Apache-2.0
/** Goal: the viewer reads all of our document, sends what was typed, and tells no secret. */
import assert from 'node:assert/strict';
import { File as NodeFile } from 'node:buffer';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { curl, quoted, target, toRequest, type Typed, whyNot } from '../../src/docs/request';
import { follow, inWords, type Operation, readSpec } from '../../src/docs/spec';

declare const ROOT_PATH: string;

const text = fs.readFileSync(path.join(ROOT_PATH, 'web/openapi.json'), 'utf8');
const document = JSON.parse(text) as Record<string, unknown>;
const spec = readSpec(document);
const ORIGIN = 'https://drop.example';

function operation(id: string): Operation {
  const found = spec.operations.find(op => op.id === id);
  assert.ok(found, id);
  return found;
}

function typed(values: Record<string, string>, file: File | null = null, token = ''): Typed {
  return { values: new Map(Object.entries(values)), file, token };
}

const never = new AbortController().signal;
const FILE = new NodeFile(['hello\n'], "it's.txt") as unknown as File; // no global in Node 18

describe('the document', () => {
  it('is read whole: every operation with its parameters, body and replies', () => {
    const paths = Object.values(document['paths'] as Record<string, object>);
    const n = paths.flatMap(p => Object.keys(p).filter(k => k !== 'parameters')).length;
    assert.equal(spec.operations.length, n);
    for (const op of spec.operations) {
      assert.ok(op.summary && op.description && op.replies.length > 0, op.id);
      assert.ok(spec.tags.some(tag => tag.name === op.tag));
      for (const reply of op.replies) assert.ok(Object.keys(reply.headers).length > 8, op.id);
    }
    assert.deepEqual(
      operation('download').parameters.map(p => p.name),
      ['key', 'Accept', 'Range', 'If-Range', 'Sec-Purpose'],
    );
    assert.equal(JSON.stringify(spec).includes('$ref'), false);
  });

  it('says which token an operation takes, and whether it has to', () => {
    assert.equal(operation('burn').token?.isRequired, true);
    assert.equal(operation('upload').token?.isRequired, false);
    assert.equal(operation('status').token, null);
  });

  it('is refused when a reference leads nowhere or round in a circle', () => {
    assert.throws(() => follow({}, { $ref: '#/nothing' }), /nothing at/);
    assert.throws(() => follow({ a: { $ref: '#/a' } }, { $ref: '#/a' }), /circle/);
  });

  it('has its schemas told in words', () => {
    assert.equal(
      inWords({ type: 'integer', minimum: 1, default: 10 }),
      'integer (at least 1, 10 unless told)',
    );
    assert.equal(inWords({ enum: ['a', 'b'] }), '"a" or "b"');
    assert.equal(inWords({ type: ['string', 'null'] }), 'string or null');
    assert.equal(inWords({}), 'any');
  });
});

describe('a request', () => {
  it('has each value as one segment of its path', () => {
    const values = new Map([['key', 'a/../b?c#d']]);
    assert.equal(target(operation('status'), values), '/status/a%2F..%2Fb%3Fc%23d');
  });

  it('has the headers and fields that were typed, and no others', () => {
    const [url, init] = toRequest(
      operation('upload'),
      typed({ uses: '2', Accept: 'application/json', expiry: '' }, FILE, 'secret'),
      never,
    );
    const form = init.body as FormData;
    const headers = [...(init.headers as Headers)];
    assert.equal(url, '/upload/');
    assert.deepEqual([...form.keys()], ['file', 'uses']);
    assert.deepEqual(headers, [
      ['accept', 'application/json'],
      ['authorization', 'Bearer secret'],
    ]);
  });

  it('of a raw upload is the file itself', () => {
    const [url, init] = toRequest(operation('put'), typed({ filename: 'a b.txt' }, FILE), never);
    assert.equal(url, '/a%20b.txt');
    assert.equal(init.body, FILE);
  });

  it('is not sent without what it needs', () => {
    assert.match(whyNot(operation('status'), typed({})) ?? '', /key is missing/);
    assert.match(whyNot(operation('upload'), typed({})) ?? '', /Choose a file/);
    assert.equal(whyNot(operation('upload'), typed({}, FILE)), null);
    assert.equal(whyNot(operation('status'), typed({ key: 'a-b-c-d' })), null);
    assert.equal(whyNot(operation('findByForm'), typed({ key: 'a-b-c-d' })), null);
  });

  it('never takes six words along, in whatever spelling', () => {
    for (const key of ['a-b-c-d-e-f', 'a b c d e f', ' A.b_c-d  e\tf ', 'a-b-c-d-e-f-g']) {
      assert.match(whyNot(operation('status'), typed({ key })) ?? '', /Six words/, key);
      assert.equal(curl(operation('status'), typed({ key }), ORIGIN).includes('http'), false);
    }
    assert.equal(whyNot(operation('status'), typed({ key: 'a-b-c-d-e' })), null);
  });
});

describe('a curl line', () => {
  it('quotes for a shell whatever was typed', () => {
    assert.equal(quoted('report.pdf'), 'report.pdf');
    assert.equal(quoted("it's $HOME `x`"), "'it'\\''s $HOME `x`'");
    assert.equal(quoted(''), "''");
  });

  it('does the same as the form', () => {
    assert.equal(
      curl(operation('upload'), typed({ uses: '2' }, FILE), ORIGIN),
      `curl -F 'file=@it'\\''s.txt' --form-string uses=2 ${ORIGIN}/upload/`,
    );
    assert.equal(
      curl(operation('put'), typed({ filename: 'a.txt', 'X-Uses': '3' }, FILE), ORIGIN),
      `curl -T 'it'\\''s.txt' -H 'X-Uses: 3' ${ORIGIN}/a.txt`,
    );
    assert.equal(curl(operation('healthHead'), typed({}), ORIGIN), `curl -I ${ORIGIN}/health/`);
  });

  it('never holds the token', () => {
    const line = curl(operation('burn'), typed({ key: 'a-b-c-d' }, null, 'secret'), ORIGIN);
    assert.equal(line, `curl -X POST -H "Authorization: Bearer $TOKEN" ${ORIGIN}/burn/a-b-c-d`);
  });
});
