// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import texts from '../../messages/receive.json';
import { ApiError } from '../../src/core/api';
import type { Code } from '../../src/core/words';
import * as state from '../../src/view/receive-state';

const WHEN = new Date('2026-07-01T12:00:00Z');

function code(text: string): Code {
  const words = text.split('-');
  return { kind: words.length === 6 ? 'e2e' : 'server', words, text };
}

function named(name: string): Error {
  const error = new Error('secret-looking-text');
  error.name = name;
  return error;
}

describe('the sentence for a failure', () => {
  const said = (error: unknown, phase: state.Phase = 'save') => state.problemOf(error, phase);

  for (const [by, key] of [
    ['uses', 'receive.goneUses'],
    ['expiry', 'receive.goneExpiry'],
    ['revoked', 'receive.goneRevoked'],
  ] as const)
    it(`tells how and when a file was ended by ${by}, and offers no second try`, () => {
      const p = said(new ApiError(410, 'GONE', { endedBy: by, endedAt: WHEN }));
      assert.deepEqual(p, { title: 'receive.goneTitle', text: key, when: WHEN, follow: [] });
      assert.ok(texts[key].en.includes('{when}'));
    });

  it('says only that a file is gone when the server does not know how', () => {
    assert.equal(said(new ApiError(410, 'GONE')).text, 'receive.gone');
    assert.equal(said(new ApiError(410, 'GONE', { endedBy: 'uses' })).text, 'receive.gone');
    assert.ok(!texts['receive.gone'].en.includes('{when}'));
  });

  it('sends back to the words when there never was such a file', () => {
    assert.deepEqual(said(new ApiError(404, 'NOT_FOUND')).follow, ['words']);
    assert.equal(said(new ApiError(404, 'NOT_FOUND')).text, 'receive.never');
  });

  it('names the time of Retry-After when blocked, and none when there is none', () => {
    const until = said(new ApiError(429, 'BLOCKED', { retryAt: WHEN }));
    assert.equal(until.text, 'receive.blockedUntil');
    assert.equal(until.when, WHEN);
    const blocked = said(new ApiError(429, 'BLOCKED'));
    assert.equal(blocked.text, 'receive.blocked');
    assert.equal('when' in blocked, false);
  });

  it('tells a connection that broke from a server that was never reached', () => {
    const lost = new ApiError(0, 'NETWORK');
    assert.equal(said(lost, 'save').text, 'receive.networkLost');
    assert.equal(said(lost, 'look').text, 'receive.unreachable');
  });

  it('tells damage at the server, where no use was taken, from damage on the way', () => {
    assert.equal(said(new ApiError(500, 'INTEGRITY_CHECK_FAILED')).text, 'receive.damagedThere');
    assert.equal(said(named('DamagedError')).text, 'receive.damaged');
    assert.equal(said(new ApiError(500, 'INTERNAL_ERROR')).text, 'receive.serverAway');
  });

  it('sends back to the words when they do not open the file', () => {
    assert.equal(said(named('WrongWordsError')).text, 'receive.wrongWords');
    assert.deepEqual(said(named('WrongWordsError')).follow, ['words']);
  });

  it('says that a server is away for 502, 503 and 504, and may be asked again', () => {
    for (const status of [502, 503, 504]) {
      assert.equal(said(new ApiError(status, 'STORE_UNAVAILABLE')).text, 'receive.serverAway');
      assert.deepEqual(said(new ApiError(status, 'BAD_REPLY')).follow, ['retry']);
    }
  });

  it('does not guess at what it does not know', () => {
    assert.equal(said(new ApiError(200, 'BAD_REPLY')).text, 'receive.notUnderstood');
    assert.equal(said(new ApiError(418, 'TEAPOT')).text, 'receive.notUnderstood');
    assert.equal(said(new TypeError('x')).text, 'receive.failed');
    assert.equal(said('a string').text, 'receive.failed');
  });

  it('says that there is no room when the browser refuses to hold the file', () => {
    assert.equal(said(new DOMException('x', 'QuotaExceededError')).text, 'receive.noRoom');
    assert.equal(said(new RangeError('x'), 'save').text, 'receive.noRoom');
  });

  it('says that a note is too long only where it was to be shown', () => {
    assert.equal(said(new RangeError('x'), 'show').text, 'receive.notText');
  });

  it('takes nothing of the error itself into the sentence', () => {
    assert.ok(!JSON.stringify(said(named('DamagedError'))).includes('secret-looking-text'));
  });

  it('tells a stop by the person from every failure', () => {
    assert.equal(state.wasCancelled(new DOMException('x', 'AbortError')), true);
    assert.equal(state.wasCancelled(named('AbortError')), true);
    assert.equal(state.wasCancelled(new ApiError(0, 'NETWORK')), false);
    assert.equal(state.wasCancelled(null), false);
  });
});

describe('whether a code goes on', () => {
  it('lets six words and as many as the server hands out pass', () => {
    assert.equal(state.doubtOf(code('a-b-c-d-e-f'), 4), null);
    assert.equal(state.doubtOf(code('a-b-c-d'), 4), null);
    assert.equal(state.doubtOf(code('a-b-c-d-e'), 5), null);
  });

  it('asks before five words that may be six with one missing are told', () => {
    assert.equal(state.doubtOf(code('a-b-c-d-e'), 4), 'receive.askFive');
    assert.equal(state.doubtOf(code('a-b-c-d-e'), 3), 'receive.askFive');
  });

  it('asks when words seem to be missing or too many', () => {
    assert.equal(state.doubtOf(code('a-b-c'), 4), 'receive.askCount');
    assert.equal(state.doubtOf(code('a-b-c-d'), 5), 'receive.askCount');
  });
});

describe('what is offered to be shown in place', () => {
  it('is plain text by type or name, up to 64 KiB', () => {
    assert.equal(state.isNote('a', 'text/plain', 65536), true);
    assert.equal(state.isNote('a', 'text/plain; charset=utf-8', 0), true);
    assert.equal(state.isNote('LIST.TXT', 'application/octet-stream', 3), true);
    assert.equal(state.isNote(null, 'TEXT/PLAIN', 3), true);
  });

  it('is not what is longer, of another type, or unknown', () => {
    assert.equal(state.isNote('a.txt', 'text/plain', 65537), false);
    assert.equal(state.isNote('a.html', 'text/html', 3), false);
    assert.equal(state.isNote('a.txt.html', 'text/plainer', 3), false);
    assert.equal(state.isNote('a.txt', 'text/plain', null), false);
    assert.equal(state.isNote(null, null, 3), false);
  });
});

describe('the pace of a download', () => {
  it('is told from half a second on, and from the last five seconds only', () => {
    const pace = new state.Pace();
    assert.equal(pace.tell(0, 0, 1000), null);
    assert.equal(pace.tell(400, 40, 1000), null);
    assert.deepEqual(pace.tell(1000, 100, 1000), { rate: 100, left: 9 });
    for (let at = 2000; at <= 20000; at += 1000) pace.tell(at, 100 + (at - 1000) / 100, 1000);
    assert.deepEqual(pace.tell(21000, 300, 1000), { rate: 10, left: 70 });
  });

  it('is not told while nothing moves, and begins anew when the count falls', () => {
    const pace = new state.Pace();
    pace.tell(0, 500, 1000);
    assert.equal(pace.tell(3000, 500, 1000), null);
    assert.equal(pace.tell(4000, 100, 1000), null);
    assert.deepEqual(pace.tell(5000, 200, 1000), { rate: 100, left: 8 });
  });
});

describe('completing words where they stand', () => {
  it('finds the word around the caret, whatever parts the words', () => {
    assert.deepEqual(state.spotAt('velvet-can', 10), { start: 7, end: 10, prefix: 'can' });
    assert.deepEqual(state.spotAt('Velvet can', 3), { start: 0, end: 6, prefix: 'vel' });
    assert.deepEqual(state.spotAt('velvet.', 7), { start: 7, end: 7, prefix: '' });
  });

  it('puts a word in its place and a hyphen only behind the last of fewer than six', () => {
    const end = state.put('velvet-can', state.spotAt('velvet-can', 10), 'canyon');
    assert.deepEqual(end, { text: 'velvet-canyon-', caret: 14 });
    const middle = state.put('ve oboe', state.spotAt('ve oboe', 2), 'velvet');
    assert.deepEqual(middle, { text: 'velvet oboe', caret: 6 });
    const six = state.put('a-b-c-d-e-fo', state.spotAt('a-b-c-d-e-fo', 12), 'foam');
    assert.deepEqual(six, { text: 'a-b-c-d-e-foam', caret: 14 });
  });

  it('names finished words that are in no list, but not the one being typed', () => {
    const list = new Set(['velvet', 'canyon']);
    assert.deepEqual(state.strangers('velvett-canyon-ob', 17, list), ['velvett']);
    assert.deepEqual(state.strangers('velvet canyon ', 14, list), []);
  });

  it('stays away from links', () => {
    const link = 'https://host/#velvet-canyon-oboe-thrift';
    assert.equal(state.isWords(link), false);
    assert.deepEqual(state.strangers(link, 0, new Set()), []);
    assert.equal(state.isWords('Velvet canyon_oboe.thrift-'), true);
  });
});
