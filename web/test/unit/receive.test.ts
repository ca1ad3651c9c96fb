// SPDX-License-Identifier: Apache-2.0
import './setup';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { deriveId, encrypt, sealMeta } from '../../src/core/e2e';
import { fetchFile, look, type Offer } from '../../src/core/receive';
import { readText } from '../../src/core/save';
import { noise, readAll, streamOf } from './streams';

const CODE = { kind: 'server' as const, words: ['a'], text: 'velvet-canyon-oboe' };
const WORDS = 'velvet-canyon-oboe-thrift-cargo-ember';
const SEALED = { kind: 'e2e' as const, words: WORDS.split('-'), text: WORDS };
const FILE = noise(500_000);
const ETAG = '"tag"';
const NO_PAUSE = [0, 0, 0, 0, 0];

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** How one request is answered: from where, how much of it, and how that ends. */
interface Answer {
  status?: number;
  /** Bytes of the rest to send before the connection is cut; all of them when missing. */
  cut?: number;
  from?: number;
  body?: Uint8Array;
  json?: unknown;
  headers?: Record<string, string>;
}

let answers: Answer[] = [];
let asked: { url: string; range: string | undefined; ifRange: string | undefined }[] = [];
let file: Uint8Array = FILE;

const server = http.createServer((req, res) => {
  const range = req.headers.range;
  asked.push({ url: req.url ?? '', range, ifRange: req.headers['if-range'] as string | undefined });
  const answer = answers.shift();
  if (!answer) return void res.writeHead(500).end('{}');
  if (answer.json !== undefined) {
    res.writeHead(answer.status ?? 200, answer.headers);
    return void res.end(JSON.stringify(answer.json));
  }
  const from = answer.from ?? Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  const rest = answer.body ?? file.subarray(from);
  res.writeHead(answer.status ?? (range ? 206 : 200), {
    'Content-Length': rest.length,
    'Content-Disposition': 'attachment; filename="../report.bin"',
    'Content-Type': 'application/x-thing',
    ETag: ETAG,
    'X-SHA256': sha256(file),
    ...(range ? { 'Content-Range': `bytes ${from}-${file.length - 1}/${file.length}` } : {}),
    ...answer.headers,
  });
  if (answer.cut === undefined) return void res.end(rest);
  // The head goes out in any case; then so many bytes; then no end, but a broken connection.
  res.flushHeaders();
  res.write(rest.subarray(0, answer.cut), () => setTimeout(() => res.destroy(), 20));
});
await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
after(() => {
  server.close();
  server.closeAllConnections();
});
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const realFetch = globalThis.fetch;
globalThis.fetch = (path, init) => realFetch(base + String(path), init);

function serve(...all: Answer[]): void {
  answers = all;
  asked = [];
  file = FILE;
}
const offer = (more: Partial<Offer> = {}): Offer => ({
  code: CODE,
  key: CODE.text,
  name: null,
  type: null,
  size: null,
  expiry: null,
  uses: null,
  previewTaken: false,
  meta: null,
  ...more,
});
const fetched = (more: Partial<Offer> = {}, signal = new AbortController().signal) =>
  fetchFile(offer(more), () => undefined, signal, NO_PAUSE);
const received = async (more: Partial<Offer> = {}) => readAll((await fetched(more)).stream);

test('a file comes down whole, with its name cleaned', async () => {
  serve({});
  const seen: number[][] = [];
  const { signal } = new AbortController();
  const got = await fetchFile(offer(), (done, total) => seen.push([done, total]), signal, NO_PAUSE);
  const { name, type, size, sha256: hash } = got;
  assert.deepEqual([name, type, size], ['report.bin', 'application/x-thing', FILE.length]);
  assert.equal(hash, sha256(FILE));
  assert.deepEqual(await readAll(got.stream), FILE);
  assert.deepEqual(seen.at(-1), [FILE.length, FILE.length]);
  assert.deepEqual(asked, [
    { url: `/download/${CODE.text}`, range: undefined, ifRange: undefined },
  ]);
});

test('five broken connections cost no byte and no second use', async () => {
  serve({ cut: 0 }, { cut: 70_000 }, { cut: 1 }, { cut: 0 }, { cut: 200_000 }, {});
  assert.deepEqual(await received(), FILE);
  assert.equal(asked.length, 6);
  for (const { range, ifRange } of asked.slice(1)) {
    assert.match(range ?? '', /^bytes=\d+-$/);
    assert.equal(ifRange, ETAG);
  }
  assert.equal(asked[1]?.range, 'bytes=0-');
});

test('after five tries in a row without a byte it is given up', async () => {
  serve({ cut: 1000 }, { cut: 0 }, { cut: 0 }, { cut: 0 }, { cut: 0 }, { cut: 0 }, {});
  await assert.rejects(received(), { code: 'NETWORK' });
  assert.equal(asked.length, 6);
});

test('a server that is busy for a while is asked again', async () => {
  const busy = { status: 503, json: { detail: 'x', error_code: 'STORE_UNAVAILABLE' } };
  serve({ cut: 1000 }, busy, busy, {});
  assert.deepEqual(await received(), FILE);
});

const gone = {
  detail: 'x',
  error_code: 'GONE',
  ended_at: '2026-01-01T00:00:00Z',
  ended_by: 'expiry',
};
for (const [why, answer, error] of [
  ['the file is gone', { status: 410, json: gone }, { status: 410, code: 'GONE' }],
  ['it is another file', { status: 412, json: { error_code: 'PRECONDITION' } }, { status: 412 }],
  ['the whole file comes again', { status: 200, from: 0 }, { code: 'BAD_REPLY' }],
  ['another part comes', { from: 77 }, { code: 'BAD_REPLY' }],
  [
    'the part is of another length of file',
    { headers: { 'Content-Range': `bytes 1000-1999/2000` } },
    { code: 'BAD_REPLY' },
  ],
  ['the address is blocked', { status: 429, json: { error_code: 'BLOCKED' } }, { code: 'BLOCKED' }],
] as [string, Answer, object][])
  test(`nothing is put behind what has come when ${why}`, async () => {
    serve({ cut: 1000 }, answer, {});
    await assert.rejects(received(), error);
    assert.equal(asked.length, 2);
  });

test('a wrong byte damages the file before its end is told', async () => {
  const wrong = FILE.slice();
  wrong[400_000] = (wrong[400_000] ?? 0) ^ 1;
  serve({ body: wrong });
  const reader = (await fetched()).stream.getReader();
  await assert.rejects(
    async () => {
      while (!(await reader.read()).done);
    },
    { name: 'DamagedError' },
  );
});

test('a resumed part with a wrong byte damages the file', async () => {
  const wrong = FILE.slice(1000);
  wrong[5] = (wrong[5] ?? 0) ^ 1;
  serve({ cut: 1000 }, { body: wrong });
  await assert.rejects(received(), { name: 'DamagedError' });
});

test('a file that is shorter or longer than its hash says is damaged', async () => {
  serve({ body: FILE.subarray(0, 499_999) });
  await assert.rejects(received(), { name: 'DamagedError' });
  serve({ body: new Uint8Array([...FILE, 0]) });
  await assert.rejects(received(), { name: 'DamagedError' });
});

test('cancelling ends it at once, also while it waits for the next try', async () => {
  const cancel = new AbortController();
  serve({ cut: 1000 });
  const { signal } = cancel;
  const got = await fetchFile(offer(), () => undefined, signal, [60_000]);
  const reading = readAll(got.stream);
  setTimeout(() => cancel.abort(), 200);
  await assert.rejects(reading, { name: 'AbortError' });
  assert.equal(asked.length, 1);
  await assert.rejects(fetched({}, AbortSignal.abort()), { name: 'AbortError' });
});

test('a first request without an answer is not repeated: it may have taken a use', async () => {
  serve();
  await assert.rejects(fetched(), { status: 500 });
  assert.equal(asked.length, 1);
});

const PLAIN = noise(200_000, 2);
const CIPHER = await readAll(await encrypt(streamOf(PLAIN), WORDS));
const META = { name: '../a.txt', type: 'text/plain', size: PLAIN.length, sha256: sha256(PLAIN) };
const e2eOffer = { code: SEALED, key: deriveId(WORDS) };
const withMeta = { headers: { 'X-Mayfly-Meta': sealMeta(WORDS, META) } };
function serveSealed(...all: Answer[]): void {
  serve(...all);
  file = CIPHER;
}

test('an end-to-end file survives broken connections and is named by its metadata', async () => {
  serveSealed({ ...withMeta, cut: 70_000 }, { cut: 100_000 }, {});
  const got = await fetched(e2eOffer);
  const { name, type, size, sha256: hash } = got;
  assert.deepEqual([name, type, size, hash], ['a.txt', META.type, META.size, META.sha256]);
  assert.deepEqual(await readAll(got.stream), PLAIN);
  assert.equal(asked[0]?.url, `/download/${deriveId(WORDS)}`);
  assert.ok(asked.every(({ url }) => !url.includes('velvet')));
});

test('an end-to-end file without metadata is opened all the same, nameless', async () => {
  serveSealed({});
  const got = await fetched(e2eOffer);
  assert.deepEqual([got.name, got.size, got.sha256], ['file', PLAIN.length, null]);
  assert.deepEqual(await readAll(got.stream), PLAIN);
});

for (const [why, meta] of [
  ['of another hash', { ...META, sha256: 'ab'.repeat(32) }],
  ['longer', { ...META, size: PLAIN.length - 1 }],
  ['shorter', { ...META, size: PLAIN.length + 1 }],
] as const)
  test(`an end-to-end file that is ${why} than its metadata says is damaged`, async () => {
    serveSealed({});
    await assert.rejects(received({ ...e2eOffer, meta }), { name: 'DamagedError' });
  });

test('sealed metadata that somebody touched damages the file', async () => {
  serveSealed({ headers: { 'X-Mayfly-Meta': 'A' + sealMeta(WORDS, META).slice(1) + 'A' } });
  await assert.rejects(fetched(e2eOffer), { name: 'DamagedError' });
});

test('a file of other words is refused before anything is saved', async () => {
  serveSealed({});
  const other = WORDS.replace('ember', 'zoom');
  const code = { ...SEALED, text: other };
  await assert.rejects(fetched({ code, key: deriveId(other) }), { name: 'WrongWordsError' });
});

const PREVIEW = {
  key: CODE.text,
  filename: '..\\x.txt',
  size: 5,
  mime_type: 'text/plain',
  expiry: '2099-01-01T00:00:00Z',
  uses: 2,
  sha256: 'ab'.repeat(32),
};
const taken = { status: 410, json: { detail: 'x', error_code: 'PREVIEW_TAKEN' } };

test('a look tells what waits behind a code', async () => {
  serve({ json: PREVIEW });
  const { name, type, size, uses, previewTaken, key } = await look(CODE);
  assert.deepEqual([name, type, size, uses], ['x.txt', 'text/plain', 5, 2]);
  assert.deepEqual([previewTaken, key], [false, CODE.text]);
});

test('a look at six words asks for the id and opens the metadata', async () => {
  const sealed = { encryption: 'age', meta: sealMeta(WORDS, META) };
  serve({ json: { ...PREVIEW, ...sealed, size: CIPHER.length } });
  const { name, type, size } = await look(SEALED);
  assert.deepEqual([name, type, size], ['a.txt', META.type, META.size]);
  assert.equal(asked[0]?.url, `/preview/${deriveId(WORDS)}`);
  serve({ json: { ...PREVIEW, encryption: 'age', size: CIPHER.length } });
  const bare = await look(SEALED);
  assert.deepEqual([bare.name, bare.size], [null, PLAIN.length]);
  serve({ json: { ...PREVIEW, encryption: 'age', meta: 'AAAA' } });
  await assert.rejects(look(SEALED), { name: 'DamagedError' });
});

test('a preview that was taken is no error while the file lives', async () => {
  serve(taken, { json: { status: 'active', remaining_uses: 1, expires_at: PREVIEW.expiry } });
  const { name, uses, expiry, previewTaken } = await look(CODE);
  assert.deepEqual([name, uses, previewTaken], [null, 1, true]);
  assert.deepEqual(expiry, new Date(PREVIEW.expiry));
});

test('a preview that was taken of what is gone or unknown is an error', async () => {
  const ended = { ended_at: PREVIEW.expiry, ended_by: 'uses' };
  serve(taken, { json: { status: 'burned', remaining_uses: 0, ...ended } });
  await assert.rejects(look(CODE), { status: 410, code: 'GONE' });
  serve(taken, { json: { status: 'unknown' } });
  await assert.rejects(look(CODE), { status: 404, code: 'NOT_FOUND' });
  serve({ status: 404, json: { error_code: 'NOT_FOUND' } });
  await assert.rejects(look(CODE), { status: 404 });
  assert.equal(asked.length, 1);
});

const note = (bytes: Uint8Array) => {
  const stream = streamOf(bytes, 1);
  return { name: 'n', type: 'text/plain', size: null, sha256: null, stream };
};

test('a note is read as text up to its limit', async () => {
  const bytes = new TextEncoder().encode('h\u00e9 \ud83d\udc1d');
  assert.equal(await readText(note(bytes), bytes.length), 'h\u00e9 \ud83d\udc1d');
  assert.equal(await readText(note(new Uint8Array([0xff, 65])), 9), '\ufffdA');
  await assert.rejects(readText(note(bytes), bytes.length - 1), RangeError);
});
