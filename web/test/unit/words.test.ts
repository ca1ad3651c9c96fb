// SPDX-License-Identifier: Apache-2.0
import './setup';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complete, drawWords, loadWords, parseCode } from '../../src/core/words';

const FOUR = 'velvet-canyon-oboe-thrift';
const SIX = `${FOUR}-cargo-ember`;

for (const text of [
  FOUR,
  'Velvet Canyon OBOE thrift',
  ' velvet..canyon_oboe - thrift\n',
  '-velvet-canyon-oboe-thrift-',
  'velvet\u2013canyon\u2011oboe\u2014thrift',
  `https://host/#${FOUR}`,
  `https://host:8443/?lang=de#${FOUR}`,
  'http://host/#velvet%20canyon%20oboe%20thrift',
  `https://host/download/${FOUR}`,
  `https://host/download/${FOUR}/?x=1`,
  `https://host/preview/${FOUR}#`,
  `#${FOUR}`,
])
  test(`a code is read from ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseCode(text), { kind: 'server', words: FOUR.split('-'), text: FOUR });
  });

test('six words are an end-to-end code, three to five are the server\u2019s', () => {
  assert.equal(parseCode(SIX)?.kind, 'e2e');
  assert.equal(parseCode(`https://h/#${SIX}`)?.text, SIX);
  assert.equal(parseCode('a1-b2-c3'), null);
  assert.equal(parseCode('velvet-canyon-oboe')?.kind, 'server');
  assert.equal(parseCode('velvet-canyon-oboe-thrift-cargo')?.kind, 'server');
});

for (const text of [
  '',
  '   ',
  'velvet',
  'velvet-canyon',
  `${SIX}-zoom`,
  'velvet-canyon-oboe-x',
  'velvet-canyon-oboe-' + 'a'.repeat(17),
  'velvet-canyon-oboe-thrift!',
  'velvet-c\u0430nyon-oboe', // a Cyrillic letter
  'https://host/',
  `https://host/${FOUR}`,
  'https://host/#%ff%fe',
  'jwbui2ziqhhhlcsafuumsngn44',
  'https://host/download/jwbui2ziqhhhlcsafuumsngn44',
])
  test(`no code is read from ${JSON.stringify(text)}`, () => {
    assert.equal(parseCode(text), null);
  });

const LIST = ['abacus', 'able', 'about', 'zen', 'zoom'];

test('words are completed in order, up to a number of them', () => {
  assert.deepEqual(complete(LIST, 'AB', 10), ['abacus', 'able', 'about']);
  assert.deepEqual(complete(LIST, 'ab', 2), ['abacus', 'able']);
  assert.deepEqual(complete(LIST, 'zoom', 5), ['zoom']);
});

test('nothing completes an empty prefix or one that no word has', () => {
  assert.deepEqual(complete(LIST, ' ', 10), []);
  assert.deepEqual(complete(LIST, 'ac', 10), []);
  assert.deepEqual(complete(LIST, 'zz', 10), []);
  assert.deepEqual(complete([], 'a', 10), []);
});

test('draws are words of the list, and each word comes as often as another', () => {
  const list = ['aa', 'bb', 'cc', 'dd', 'ee'];
  const counts = new Map<string, number>();
  for (const word of drawWords(list, 50_000)) counts.set(word, (counts.get(word) ?? 0) + 1);
  assert.deepEqual([...counts.keys()].sort(), list);
  // 10,000 each; 8 standard deviations are 716.
  for (const n of counts.values()) assert.ok(Math.abs(n - 10_000) < 716, String(n));
});

test('a draw beyond the last whole multiple of the list is drawn anew', t => {
  const draws = [0xffffffff, 7];
  t.mock.method(crypto, 'getRandomValues', (a: Uint32Array) => {
    a[0] = draws.shift() ?? 0;
    return a;
  });
  // 2^32 mod 3 is 1: 0xffffffff alone lies beyond.
  assert.deepEqual(drawWords(['aa', 'bb', 'cc'], 1), ['bb']);
  assert.equal(draws.length, 0);
  assert.throws(() => drawWords([], 1), RangeError);
});

test('the list is fetched once; not at all cut short, and again after a failure', async t => {
  const word = (i: number) => 'w' + [i / 676, (i / 26) % 26, i % 26].map(letter).join('');
  const letter = (n: number) => String.fromCharCode(97 + Math.floor(n));
  const whole = Array.from({ length: 7775 }, (_, i) => word(i));
  const replies: (string | null)[] = [null, whole.slice(0, 100).join('\n'), whole.join('\n')];
  const mock = t.mock.method(globalThis, 'fetch', async () => {
    const body = replies.shift();
    if (typeof body !== 'string') throw new TypeError('no network');
    return new Response(body);
  });
  await assert.rejects(loadWords(), { code: 'NETWORK' });
  await assert.rejects(loadWords(), { code: 'BAD_REPLY' });
  assert.equal((await loadWords()).length, 7775);
  await loadWords();
  assert.equal(mock.mock.callCount(), 3);
});
