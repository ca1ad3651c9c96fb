// SPDX-License-Identifier: Apache-2.0
import './setup';
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ApiError, burn, download, preview, status, upload } from '../../src/core/api';

const KEY = 'velvet-canyon-oboe';
const PREVIEW = {
  key: KEY,
  filename: 'a.txt',
  size: 5,
  mime_type: 'text/plain',
  expiry: '2026-01-01T12:10:00Z',
  created_at: '2026-01-01T12:00:00Z',
  uses: 2,
  sha256: 'ab'.repeat(32),
};
const RECEIPT = {
  ...PREVIEW,
  download_url: `https://h/download/${KEY}`,
  preview_url: `https://h/preview/${KEY}`,
  share_url: `https://h/#${KEY}`,
  burn_token: 't'.repeat(43),
};

/** Answers each fetch by `reply`; gives what was asked. */
function serve(t: TestContext, reply: () => Response) {
  const asked: { path: string; init: RequestInit }[] = [];
  t.mock.method(globalThis, 'fetch', async (path: string, init: RequestInit) => {
    asked.push({ path, init });
    return reply();
  });
  return asked;
}
const json = (value: unknown, code = 200, headers = {}) =>
  new Response(JSON.stringify(value), { status: code, headers });
const header = (init: RequestInit, name: string) => new Headers(init.headers).get(name);

test('a preview is read', async t => {
  const asked = serve(t, () => json(PREVIEW));
  const seen = await preview(KEY);
  assert.deepEqual(seen, {
    key: KEY,
    filename: 'a.txt',
    size: 5,
    mimeType: 'text/plain',
    expiry: new Date('2026-01-01T12:10:00Z'),
    uses: 2,
    sha256: PREVIEW.sha256,
    meta: null,
    isEndToEnd: false,
  });
  assert.equal(asked[0]?.path, `/preview/${KEY}`);
  assert.equal(header(asked[0].init, 'Accept'), 'application/json');
  assert.equal(asked[0].init.redirect, 'error');
});

test('a preview of an end-to-end upload has its sealed metadata', async t => {
  serve(t, () => json({ ...PREVIEW, encryption: 'age', meta: 'abc' }));
  const seen = await preview(KEY);
  assert.deepEqual([seen.meta, seen.isEndToEnd], ['abc', true]);
});

for (const [why, body] of [
  ['no JSON', '<html>'],
  ['no object', '[]'],
  ['nothing', ''],
  ['a field that is missing', JSON.stringify({ ...PREVIEW, filename: undefined })],
  ['a size that is text', JSON.stringify({ ...PREVIEW, size: '5' })],
  ['a size below zero', JSON.stringify({ ...PREVIEW, size: -5 })],
  ['a time that is none', JSON.stringify({ ...PREVIEW, expiry: 'soon' })],
] as const)
  test(`a reply with ${why} is a bad one`, async t => {
    serve(t, () => new Response(body));
    await assert.rejects(preview(KEY), { status: 200, code: 'BAD_REPLY' });
  });

test('a refusal keeps its code, and when and how the file ended', async t => {
  const gone = {
    detail: 'x',
    error_code: 'GONE',
    ended_at: '2026-01-01T00:00:00Z',
    ended_by: 'uses',
  };
  serve(t, () => json(gone, 410));
  await assert.rejects(preview(KEY), (e: ApiError) => {
    assert.deepEqual([e.status, e.code, e.more.endedBy], [410, 'GONE', 'uses']);
    assert.deepEqual(e.more.endedAt, new Date('2026-01-01T00:00:00Z'));
    return e instanceof ApiError;
  });
});

test('a block says until when, by seconds or by a date', async t => {
  const at = 'Fri, 02 Jan 2099 00:00:00 GMT';
  const waits = ['60', at];
  const blocked = { detail: 'x', error_code: 'BLOCKED' };
  serve(t, () => json(blocked, 429, { 'Retry-After': waits.shift() }));
  const before = Date.now();
  const first = (await status(KEY).catch((e: unknown) => e)) as ApiError;
  const wait = (first.more.retryAt?.getTime() ?? 0) - before;
  assert.ok(wait >= 60_000 && wait <= 61_000 + Date.now() - before, String(wait));
  await assert.rejects(status(KEY), { code: 'BLOCKED', more: { retryAt: new Date(at) } });
});

test('a refusal by a proxy that speaks no JSON keeps its status', async t => {
  serve(t, () => new Response('<h1>502</h1>', { status: 502 }));
  await assert.rejects(preview(KEY), { status: 502, code: 'BAD_REPLY' });
});

test('a network that is lost and a request that is cancelled are told apart', async t => {
  t.mock.method(globalThis, 'fetch', async () => {
    throw new TypeError('fetch failed');
  });
  await assert.rejects(preview(KEY), { status: 0, code: 'NETWORK' });
  await assert.rejects(preview(KEY, AbortSignal.abort()), { name: 'AbortError' });
});

test('a status is read, of what lives and of what is gone', async t => {
  const replies = [
    { key: KEY, status: 'active', remaining_uses: 2, expires_at: PREVIEW.expiry },
    {
      key: KEY,
      status: 'burned',
      remaining_uses: 0,
      ended_at: PREVIEW.expiry,
      ended_by: 'revoked',
    },
    { key: null, status: 'unknown', remaining_uses: null, expires_at: null },
    { key: KEY, status: 'odd' },
  ];
  serve(t, () => json(replies.shift()));
  const at = new Date(PREVIEW.expiry);
  const none = { expiresAt: null, endedAt: null, endedBy: null };
  assert.deepEqual(await status(KEY), {
    ...none,
    status: 'active',
    remainingUses: 2,
    expiresAt: at,
  });
  const burned = { status: 'burned', remainingUses: 0, endedAt: at, endedBy: 'revoked' };
  assert.deepEqual(await status(KEY), { ...none, ...burned });
  assert.deepEqual(await status(KEY), { ...none, status: 'unknown', remainingUses: 0 });
  await assert.rejects(status(KEY), { code: 'BAD_REPLY' });
});

test('burning shows the token in the header and nowhere else', async t => {
  const asked = serve(t, () => json({ key: KEY, status: 'burned' }));
  await burn(KEY, 'secret');
  assert.equal(asked[0]?.path, `/burn/${KEY}`);
  assert.equal(asked[0].init.method, 'POST');
  assert.equal(header(asked[0].init, 'Authorization'), 'Bearer secret');
});

test('a download asks for a range only when it goes on', async t => {
  const asked = serve(t, () => new Response('x'));
  const { signal } = new AbortController();
  await download(KEY, 0, null, signal);
  await download(KEY, 7, '"e"', signal);
  await download(KEY, 0, '"e"', signal);
  const seen = asked.map(({ init }) => [header(init, 'Range'), header(init, 'If-Range')]);
  assert.deepEqual(seen, [
    [null, null],
    ['bytes=7-', '"e"'],
    ['bytes=0-', '"e"'],
  ]);
  assert.equal(header(asked[0]?.init ?? {}, 'Accept'), 'application/octet-stream');
});

/** An XMLHttpRequest that answers as it is told when it is sent. */
class FakeXhr {
  static made: FakeXhr[] = [];
  static answer: (xhr: FakeXhr) => void = () => undefined;
  upload: { onprogress?: (e: { loaded: number; total: number }) => void } = {};
  headers: Record<string, string> = {};
  status = 0;
  responseText = '';
  form: FormData | null = null;
  opened: string[] = [];
  onload?: () => void;
  onerror?: () => void;
  onabort?: () => void;
  open(...args: string[]) {
    this.opened = args;
    FakeXhr.made.push(this);
  }
  setRequestHeader(name: string, value: string) {
    this.headers[name] = value;
  }
  getResponseHeader(name: string) {
    return name === 'Retry-After' ? '5' : null;
  }
  send(form: FormData) {
    this.form = form;
    setTimeout(() => FakeXhr.answer(this));
  }
  abort() {
    this.onabort?.();
  }
}

function fakeUpload(answer: (xhr: FakeXhr) => void) {
  FakeXhr.made = [];
  FakeXhr.answer = answer;
  (globalThis as { XMLHttpRequest?: unknown }).XMLHttpRequest = FakeXhr;
}
const replied = (code: number, body: unknown) => (xhr: FakeXhr) => {
  xhr.status = code;
  xhr.responseText = JSON.stringify(body);
  xhr.onload?.();
};
const BODY = new Blob(['hello']);
const send = (fields = {}, signal = new AbortController().signal, seen: number[][] = []) =>
  upload(BODY, 'a.txt', { expiryMin: 10, uses: 2, ...fields }, (d, t) => seen.push([d, t]), signal);

test('an upload sends its fields before its file, and gives the receipt', async () => {
  fakeUpload(replied(201, RECEIPT));
  const got = await send({ token: 'let-me-in', e2e: { id: 'i', meta: 'm' } });
  const [xhr] = FakeXhr.made;
  assert.deepEqual(xhr?.opened, ['POST', '/upload/']);
  assert.equal(xhr.headers['Authorization'], 'Bearer let-me-in');
  const fields = ['expiry', 'uses', 'id', 'encryption', 'meta', 'file'];
  assert.deepEqual([...(xhr.form?.keys() ?? [])], fields);
  assert.deepEqual(
    fields.slice(0, 5).map(name => xhr.form?.get(name)),
    ['10', '2', 'i', 'age', 'm'],
  );
  assert.equal((xhr.form?.get('file') as File).name, 'a.txt');
  assert.equal(got.burnToken, RECEIPT.burn_token);
  assert.equal(got.shareUrl, RECEIPT.share_url);
});

test('a plain upload says nothing of encryption and shows no token', async () => {
  fakeUpload(replied(201, { ...RECEIPT, share_url: undefined }));
  assert.equal((await send()).shareUrl, null);
  assert.deepEqual([...(FakeXhr.made[0]?.form?.keys() ?? [])], ['expiry', 'uses', 'file']);
  assert.equal(FakeXhr.made[0]?.headers['Authorization'], undefined);
});

test('progress counts the file, not what is wrapped around it', async () => {
  const seen: number[][] = [];
  fakeUpload(xhr => {
    xhr.upload.onprogress?.({ loaded: 3, total: 400 });
    xhr.upload.onprogress?.({ loaded: 400, total: 400 });
    replied(201, RECEIPT)(xhr);
  });
  await send({}, undefined, seen);
  assert.deepEqual(seen, [
    [3, 5],
    [5, 5],
  ]);
});

test('an upload fails by a refusal, a bad receipt, the network, or a cancel', async () => {
  fakeUpload(replied(413, { detail: 'x', error_code: 'TOO_LARGE' }));
  await assert.rejects(send(), { status: 413, code: 'TOO_LARGE' });
  fakeUpload(replied(201, { ...RECEIPT, burn_token: 1 }));
  await assert.rejects(send(), { code: 'BAD_REPLY' });
  fakeUpload(xhr => xhr.onerror?.());
  await assert.rejects(send(), { status: 0, code: 'NETWORK' });
  const cancel = new AbortController();
  fakeUpload(() => cancel.abort());
  await assert.rejects(send({}, cancel.signal), { name: 'AbortError' });
  await assert.rejects(send({}, AbortSignal.abort()), { name: 'AbortError' });
});
