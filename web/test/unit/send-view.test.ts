// SPDX-License-Identifier: Apache-2.0
/** What the sending side decides without a page: sentences, rates, times, ends and its memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type Status } from '../../src/core/api';
import { expiryChoices } from '../../src/expiry';
import { choose } from '../../src/i18n';
import { forget, remember, tidy, toUpload, uploads, type Upload } from '../../src/session';
import { sendProblem, wasCancelled } from '../../src/view/send-problem';
import { speed } from '../../src/view/send-progress';
import { isOver } from '../../src/watch';

test('each refusal of the server has a sentence of its own', () => {
  const codes: [number, string, string][] = [
    [413, 'TOO_LARGE', 'send.badTooLarge'],
    [415, 'TYPE_NOT_ALLOWED', 'send.badType'],
    [507, 'INSUFFICIENT_STORAGE', 'send.badSpace'],
    [401, 'UNAUTHORIZED', 'send.badToken'],
    [422, 'INVALID_FIELD', 'send.badField'],
    [0, 'NETWORK', 'send.badNetwork'],
    [503, 'STORE_UNAVAILABLE', 'send.badAway'],
    [502, 'BAD_REPLY', 'send.badAway'],
  ];
  for (const [status, code, text] of codes)
    assert.deepEqual(sendProblem(new ApiError(status, code)), { text }, code);
});

test('a refusal that nobody foresaw is shown by its code', () => {
  assert.deepEqual(sendProblem(new ApiError(400, 'BAD_REQUEST')), {
    text: 'send.badOther',
    code: 'BAD_REQUEST',
  });
});

test('a limit says until when, if the server does', () => {
  const when = new Date(1e12);
  const limited = new ApiError(429, 'RATE_LIMITED', { retryAt: when });
  assert.deepEqual(sendProblem(limited), { text: 'send.badRate', when });
  assert.deepEqual(sendProblem(new ApiError(429, 'RATE_LIMITED')), { text: 'send.badRateSoon' });
});

test('what the server did not say came from the file, and a cancel is no failure', () => {
  assert.equal(sendProblem(new Error('NotReadableError')).text, 'send.badFile');
  assert.equal(wasCancelled(new DOMException('', 'AbortError')), true);
  assert.equal(wasCancelled(new DOMException('', 'NotReadableError')), false);
});

test('the rate is told when there is one to tell', () => {
  const points = [
    [0, 0],
    [1000, 500],
    [2000, 1000],
  ] as const;
  assert.deepEqual(speed(points, 3000), { rate: 500, left: 4 });
  assert.equal(speed([], 3000), null);
  assert.equal(
    speed(
      [
        [0, 0],
        [100, 50],
      ],
      3000,
    ),
    null,
    'too early',
  );
  assert.equal(
    speed(
      [
        [0, 50],
        [2000, 50],
      ],
      3000,
    ),
    null,
    'nothing moves',
  );
});

test('times are round, hold the default, and end with the longest', () => {
  assert.deepEqual(expiryChoices(60, 10), [1, 5, 10, 30, 60]);
  assert.deepEqual(expiryChoices(45, 7), [1, 5, 7, 10, 30, 45]);
  assert.deepEqual(expiryChoices(3, 10), [1, 3]);
});

test('the last use may come back, everything else is over', () => {
  const at = (endedBy: Status['endedBy'], age = 0): Status => ({
    status: endedBy === 'expiry' ? 'expired' : 'burned',
    remainingUses: 0,
    expiresAt: null,
    endedAt: new Date(1e12 - age),
    endedBy,
  });
  assert.equal(isOver(at('uses'), 1, 1e12), false);
  assert.equal(isOver(at('uses'), 6, 1e12), true);
  assert.equal(isOver(at('uses', 3_600_000), 1, 1e12), true);
  assert.equal(isOver(at('revoked'), 1, 1e12), true);
  assert.equal(isOver(at('expiry'), 1, 1e12), true);
  assert.equal(isOver({ ...at(null), status: 'active' }, 9, 1e12), false);
  assert.equal(isOver({ ...at(null), status: 'unknown', endedAt: null }, 1, 1e12), true);
});

test('the first language that we speak is taken, and English when there is none', () => {
  assert.equal(choose(['nl', 'pt-BR', 'en']), 'pt');
  assert.equal(choose(['zh-Hant-TW']), 'zh');
  assert.equal(choose(['xx', 'constructor']), 'en');
  assert.equal(choose([]), 'en');
});

function fakeStorage(): Map<string, string> {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (k: string) => kept.get(k) ?? null,
    setItem: (k: string, v: string) => void kept.set(k, v),
    removeItem: (k: string) => void kept.delete(k),
  };
  Object.defineProperty(globalThis, 'sessionStorage', { value: storage, configurable: true });
  return kept;
}

const upload = (key: string, lives = 60_000): Upload => ({
  key,
  code: key,
  endToEnd: false,
  link: `https://host/#${key}`,
  name: 'a',
  size: 1,
  uses: 1,
  expiry: Date.now() + lives,
  burnToken: 'token',
});

test('living uploads are remembered, and nothing is left when the last one ends', () => {
  const kept = fakeStorage();
  remember(upload('a'));
  remember(upload('b'));
  remember(upload('b'));
  assert.deepEqual(
    uploads().map(u => u.key),
    ['b', 'a'],
  );
  forget('b');
  forget('a');
  assert.equal(kept.size, 0);
});

test('what expired while the page was closed is thrown out', () => {
  const kept = fakeStorage();
  kept.set('mayfly.uploads', JSON.stringify([upload('old', -1)]));
  assert.deepEqual(uploads(), []);
  tidy();
  assert.equal(kept.size, 0);
});

test('a memory that is damaged is an empty one', () => {
  const kept = fakeStorage();
  for (const text of ['{', '{"a":1}', '[null, 3, {"key":"a"}]']) {
    kept.set('mayfly.uploads', text);
    assert.deepEqual(uploads(), [], text);
  }
  Object.defineProperty(globalThis, 'sessionStorage', {
    get: () => {
      throw new DOMException('', 'SecurityError');
    },
    configurable: true,
  });
  assert.deepEqual(uploads(), []);
  remember(upload('a'));
});

test('what is handed on is the words, where there are words, and else the key', () => {
  const receipt = {
    key: 'id',
    downloadUrl: '',
    shareUrl: null,
    expiry: new Date(5),
    createdAt: new Date(0),
    uses: 2,
    filename: 'file.age',
    size: 200,
    mimeType: '',
    sha256: '',
    burnToken: 'token',
  };
  const sent = { receipt, words: 'a-b-c-d-e-f', name: 'x', size: 3, shareUrl: 'https://h/#a' };
  const sealed = toUpload(sent);
  assert.deepEqual([sealed.code, sealed.endToEnd, sealed.name], ['a-b-c-d-e-f', true, 'x']);
  const plain = toUpload({ ...sent, words: null });
  assert.deepEqual([plain.code, plain.endToEnd, plain.expiry], ['id', false, 5]);
});
