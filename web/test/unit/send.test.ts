// SPDX-License-Identifier: Apache-2.0
import './setup';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { File } from 'node:buffer';
import { test } from 'node:test';
import { collect } from '../../src/core/collect';
import { decrypt, deriveId, encryptedSize, openMeta } from '../../src/core/e2e';
import { pack } from '../../src/core/pack';
import { sendFiles, type SendOptions } from '../../src/core/send';
import { noise, readAll, streamOf } from './streams';

const BYTES = noise(2_500_000);
const LIST = Array.from({ length: 7775 }, (_, i) =>
  [i / 676, (i / 26) % 26, i % 26].reduce((w, n) => w + String.fromCharCode(97 + n), 'w'),
);
const OPTIONS: SendOptions = { expiryMin: 30, uses: 3, endToEnd: true };

/** What the server was sent, and what it answers: a status and a code, or 201. */
const sent: FormData[] = [];
let refusals: [number, string][] = [];
let whenSent = () => undefined as void;

class FakeXhr {
  upload: { onprogress?: (e: object) => void } = {};
  status = 0;
  responseText = '';
  onload?: () => void;
  onabort?: () => void;
  open() {}
  setRequestHeader() {}
  getResponseHeader() {
    return null;
  }
  abort() {
    this.onabort?.();
  }
  send(form: FormData) {
    sent.push(form);
    whenSent();
    const size = (form.get('file') as Blob).size;
    const [status, code] = refusals.shift() ?? [201, ''];
    this.status = status;
    const key = form.get('id') ?? 'velvet-canyon-oboe';
    this.responseText = JSON.stringify(
      code ? { detail: 'x', error_code: code } : receipt(key, size),
    );
    this.upload.onprogress?.({ loaded: size, total: size });
    setTimeout(() => this.onload?.());
  }
}
const receipt = (key: unknown, size: number) => ({
  key,
  download_url: `https://h:1/download/${String(key)}`,
  ...(String(key).includes('-') ? { share_url: `https://h:1/#${String(key)}` } : {}),
  expiry: '2099-01-01T00:00:00Z',
  created_at: '2098-01-01T00:00:00Z',
  uses: 3,
  filename: 'clean.bin',
  size,
  mime_type: 'x/y',
  sha256: 'ab'.repeat(32),
  burn_token: 't',
});
Object.assign(globalThis, {
  XMLHttpRequest: FakeXhr,
  location: { href: 'https://page/' },
  fetch: async () => new Response(LIST.join('\n')),
});

const file = (name: string, bytes = BYTES) =>
  new File([bytes], name, { type: 'text/x-thing' }) as unknown as globalThis.File;

async function send(names: string[], options = OPTIONS, signal = new AbortController().signal) {
  sent.length = 0;
  const log: (string | [number, number])[] = [];
  const on = {
    phase: (phase: string) => void log.push(phase),
    progress: (done: number, total: number) => void log.push([done, total]),
  };
  const got = await sendFiles(pack(names.map(name => file(name))), options, on, signal);
  return { got, log };
}
const body = async (form: FormData | undefined) =>
  new Uint8Array(await (form?.get('file') as Blob).arrayBuffer());

test('end to end, the server gets an id and ciphertext, the sender the words', async () => {
  const { got, log } = await send(['secret name.txt']);
  const words = got.words ?? '';
  assert.equal(words.split('-').length, 6);
  assert.ok(words.split('-').every(word => LIST.includes(word)));
  assert.equal(got.shareUrl, `https://h:1/#${words}`);
  assert.deepEqual([got.name, got.size], ['secret name.txt', BYTES.length]);
  const [form] = sent;
  assert.equal(form?.get('id'), deriveId(words));
  assert.equal((form?.get('file') as globalThis.File).name, 'file.age');
  for (const [, value] of form ?? [])
    if (typeof value === 'string') assert.ok(!value.includes(words) && !value.includes('secret'));
  assert.deepEqual(openMeta(words, String(form?.get('meta'))), {
    name: 'secret name.txt',
    type: 'text/x-thing',
    size: BYTES.length,
    sha256: createHash('sha256').update(BYTES).digest('hex'),
  });
  assert.deepEqual(await readAll(await decrypt(streamOf(await body(form)), words)), BYTES);
  const total = encryptedSize(BYTES.length);
  assert.equal(log[0], 'preparing');
  assert.deepEqual(log[log.indexOf('sending') - 1], [total, total]);
  assert.deepEqual(log.at(-1), [total, total]);
});

test('a plain upload of one file is that file, and gives no words', async () => {
  const { got, log } = await send(['a.txt'], { ...OPTIONS, endToEnd: false, token: 'k' });
  assert.deepEqual([got.words, got.name], [null, 'clean.bin']);
  assert.equal(got.shareUrl, 'https://h:1/#velvet-canyon-oboe');
  assert.deepEqual(await body(sent[0]), BYTES);
  assert.equal(sent[0]?.get('id'), null);
  assert.deepEqual(log, ['sending', [BYTES.length, BYTES.length]]);
});

test('several files are zipped before a plain upload', async () => {
  const { log } = await send(['a.txt', 'b.txt'], { ...OPTIONS, endToEnd: false });
  assert.equal((sent[0]?.get('file') as globalThis.File).name, 'files.zip');
  assert.equal(log[0], 'preparing');
  assert.deepEqual([...(await body(sent[0])).subarray(0, 4)], [0x50, 0x4b, 3, 4]);
});

test('an id that is in use draws other words, up to three times', async () => {
  refusals = [[409, 'ID_IN_USE']];
  const { got } = await send(['a']);
  assert.equal(sent.length, 2);
  assert.notEqual(sent[0]?.get('id'), sent[1]?.get('id'));
  assert.equal(sent[1]?.get('id'), deriveId(got.words ?? ''));
  refusals = [1, 2, 3].map(() => [409, 'ID_IN_USE']);
  await assert.rejects(send(['a']), { code: 'ID_IN_USE' });
  assert.equal(sent.length, 3);
});

test('another refusal is not tried again', async () => {
  refusals = [[507, 'INSUFFICIENT_STORAGE']];
  await assert.rejects(send(['a']), { status: 507 });
  assert.equal(sent.length, 1);
});

test('cancelling ends the encryption before anything is sent, and the upload', async () => {
  await assert.rejects(send(['a'], OPTIONS, AbortSignal.abort()), { name: 'AbortError' });
  assert.equal(sent.length, 0);
  const cancel = new AbortController();
  whenSent = () => cancel.abort();
  await assert.rejects(send(['a'], OPTIONS, cancel.signal), { name: 'AbortError' });
  whenSent = () => undefined;
});

test('a stream is collected in order, whatever its pieces', async () => {
  const { signal } = new AbortController();
  for (const piece of [1000, 1 << 20, 3 << 20]) {
    let done = 0;
    const blob = await collect(streamOf(BYTES, piece), n => (done = n), signal);
    assert.equal(done, BYTES.length);
    assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), BYTES);
  }
});

test('collecting ends, and ends its source, by a cancel or an error', async () => {
  const cancel = new AbortController();
  let ended: unknown;
  const stuck = new ReadableStream<Uint8Array>({ cancel: why => void (ended = why) });
  setTimeout(() => cancel.abort(), 10);
  await assert.rejects(
    collect(stuck, () => undefined, cancel.signal),
    { name: 'AbortError' },
  );
  assert.equal((ended as Error).name, 'AbortError');
  const broken = new ReadableStream<Uint8Array>({ start: c => c.error(new Error('unreadable')) });
  const { signal } = new AbortController();
  await assert.rejects(
    collect(broken, () => undefined, signal),
    /unreadable/,
  );
});

test('collecting gives everything else its turn', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const until = performance.now() + 300;
  // Never waits for anything but promises, and is busy all the while.
  const busy = new ReadableStream<Uint8Array>({
    pull(controller) {
      const pieceEnd = performance.now() + 1;
      while (performance.now() < pieceEnd);
      if (performance.now() > until) controller.close();
      else controller.enqueue(new Uint8Array(10));
    },
  });
  await collect(busy, () => undefined, new AbortController().signal);
  clearInterval(timer);
  assert.ok(turns >= 2, String(turns));
});
