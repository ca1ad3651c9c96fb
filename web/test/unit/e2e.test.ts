// SPDX-License-Identifier: Apache-2.0
import './setup';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import {
  DamagedError,
  WrongWordsError,
  decrypt,
  decryptedSize,
  deriveId,
  encrypt,
  encryptedSize,
  openMeta,
  sealMeta,
} from '../../src/core/e2e';
import { noise, readAll, streamOf } from './streams';

declare const ROOT_PATH: string;

interface Vector {
  code: string;
  id: string;
  name: string;
  type: string;
  size: number;
  sha256: string;
  sealed: string;
  plain?: string;
  age?: string;
}
interface Vectors {
  vectors: Vector[];
  refused: { why: string; code: string; sealed: string; may_pass?: boolean }[];
}

const file = path.join(ROOT_PATH, 'tests/data/e2e-vectors.json');
const { vectors, refused } = JSON.parse(fs.readFileSync(file, 'utf8')) as Vectors;
const WORDS = 'velvet-canyon-oboe-thrift-cargo-ember';
const CHUNK = 65_536 + 16;
const HEAD = 166;

test('the vectors are all there', () => {
  assert.ok(vectors.length >= 9 && refused.length >= 40);
  assert.equal(vectors.filter(v => v.age !== undefined).length, 2);
});

for (const v of vectors) {
  test(`the id of ${v.code} is derived`, () => assert.equal(deriveId(v.code), v.id));

  test(`the metadata of ${v.code} is opened`, () => {
    const { name, type, size, sha256 } = v;
    assert.deepEqual(openMeta(v.code, v.sealed), { name, type, size, sha256 });
  });

  if (v.age !== undefined)
    test(`the file of ${v.code} is opened`, async () => {
      const cipher = new Uint8Array(Buffer.from(v.age ?? '', 'base64'));
      const plain = await readAll(await decrypt(streamOf(cipher), v.code));
      assert.equal(Buffer.from(plain).toString('base64'), v.plain);
    });
}

for (const { why, code, sealed, may_pass } of refused)
  if (!may_pass)
    test(`sealed metadata is refused: ${why}`, () => {
      assert.throws(() => openMeta(code, sealed), DamagedError);
    });

test('metadata is sealed anew each time, and opened by its words alone', () => {
  const meta = {
    name: '\u00dc \u65e5 \ud83d\udc1d "\\.txt',
    type: 'text/plain',
    size: 7,
    sha256: 'ab'.repeat(32),
  };
  const sealed = sealMeta(WORDS, meta);
  assert.match(sealed, /^[A-Za-z0-9_-]+$/);
  assert.notEqual(sealed, sealMeta(WORDS, meta));
  assert.deepEqual(openMeta(WORDS, sealed), meta);
  assert.throws(() => openMeta(WORDS.replace('velvet', 'zoom'), sealed), DamagedError);
});

const sealedFile = async (plain: Uint8Array) => readAll(await encrypt(streamOf(plain), WORDS));
const opened = async (cipher: Uint8Array, words = WORDS, piece = 10_000) =>
  readAll(await decrypt(streamOf(cipher, piece), words));

for (const n of [0, 1, 65_535, 65_536, 65_537, 131_072, 300_000])
  test(`${n} bytes are encrypted to the size that was foretold, and decrypted`, async () => {
    const plain = noise(n);
    const cipher = await sealedFile(plain);
    assert.equal(cipher.length, encryptedSize(n));
    assert.equal(decryptedSize(cipher.length), n);
    assert.deepEqual(await opened(cipher), plain);
  });

test('no size is told for what no age file is as long as', () => {
  assert.equal(decryptedSize(0), null);
  assert.equal(decryptedSize(HEAD + 15), null);
  assert.equal(decryptedSize(HEAD + CHUNK + 16), null);
  assert.equal(decryptedSize(HEAD + 16), 0);
});

test('other words are told from damage', async () => {
  const cipher = await sealedFile(noise(100));
  await assert.rejects(opened(cipher, WORDS.replace('ember', 'zoom')), WrongWordsError);
});

const PLAIN = noise(3 * 65_536 + 5);
const whole = await sealedFile(PLAIN);
const chunk = (i: number) => whole.subarray(HEAD + i * CHUNK, HEAD + (i + 1) * CHUNK);
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const flipped = (at: number) => {
  const copy = whole.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};
const text = (s: string) => new TextEncoder().encode(s);
const head = whole.subarray(0, HEAD);
const headText = new TextDecoder('latin1').decode(whole.subarray(0, 150));

const damaged: Record<string, Uint8Array> = {
  nothing: new Uint8Array(0),
  'a page instead of a file': text('<!doctype html><title>x</title>\n'.repeat(50)),
  'half a header': whole.subarray(0, 70),
  'no nonce': whole.subarray(0, 155),
  'no chunk': head,
  'cut in a chunk': whole.subarray(0, HEAD + CHUNK + 99),
  'cut between chunks': whole.subarray(0, HEAD + 2 * CHUNK),
  'cut by a byte': whole.subarray(0, whole.length - 1),
  'a byte more': join(whole, new Uint8Array(1)),
  'a chunk more': join(whole, chunk(0)),
  'chunks in another order': join(head, chunk(1), chunk(0), chunk(2), chunk(3)),
  'a chunk left out': join(head, chunk(0), chunk(2), chunk(3)),
  'a chunk twice': join(head, chunk(0), chunk(0), chunk(1), chunk(2), chunk(3)),
  'another bit in the MAC of the header': flipped(130),
  'another bit in the nonce': flipped(155),
  'another bit in the first chunk': flipped(HEAD + 5),
  'another bit in the last tag': flipped(whole.length - 1),
  'another version': join(text(headText.replace('/v1', '/v2')), whole.subarray(150)),
  'too much work': join(text(headText.replace(' 15\n', ' 30\n')), whole.subarray(150)),
  'work that is no number': join(text(headText.replace(' 15\n', ' 0f\n')), whole.subarray(150)),
  'a header for a key': join(text(headText.replace('scrypt', 'X25519')), whole.subarray(150)),
};
for (const [why, cipher] of Object.entries(damaged))
  test(`an age file is damaged: ${why}`, async () => {
    await assert.rejects(opened(cipher), DamagedError);
  });

test('a header without an end is not read for ever', async () => {
  let given = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      given += 65_536;
      controller.enqueue(new Uint8Array(65_536).fill(65));
    },
  });
  await assert.rejects(decrypt(endless, WORDS), DamagedError);
  assert.ok(given < 2 ** 22, String(given));
});

test('what comes before the damage is given, what comes after is not', async () => {
  const reader = (await decrypt(streamOf(flipped(HEAD + 2 * CHUNK + 5)), WORDS)).getReader();
  let size = 0;
  await assert.rejects(async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      assert.deepEqual(value, PLAIN.slice(size, size + value.length));
      size += value.length;
    }
  }, DamagedError);
  assert.ok(size <= 2 * 65_536);
});

for (const at of [0, HEAD + CHUNK])
  test(`a source that breaks at ${at} is reported as itself, not as damage`, async () => {
    const lost = new Error('lost');
    let sent = false;
    const source = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent || at === 0) return controller.error(lost);
        sent = true;
        controller.enqueue(whole.slice(0, at));
      },
    });
    await assert.rejects(
      async () => readAll(await decrypt(source, WORDS)),
      e => e === lost,
    );
  });

test('cancelling the plaintext cancels the source', async () => {
  let reason: unknown;
  const source = new ReadableStream<Uint8Array>({
    start: controller => controller.enqueue(whole.slice(0, HEAD + CHUNK)),
    cancel: why => void (reason = why),
  });
  await (await decrypt(source, WORDS)).cancel('enough');
  assert.equal(reason, 'enough');
});

test('a header is found whatever the pieces that it comes in, small or large', async () => {
  for (const piece of [1, 149, 151, 4 << 20])
    assert.deepEqual(await opened(whole, WORDS, piece), PLAIN, String(piece));
});
