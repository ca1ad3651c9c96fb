// SPDX-License-Identifier: Apache-2.0
/** What the receiving view says and does next. Knows no document: everything here is a function. */
import type messages from '../../messages/receive.json';
import type { ApiError, EndedBy } from '../core/api';
import type { Code } from '../core/words';

export type ReceiveKey = keyof typeof messages;

/** What a person may do after a failure: look at the words, or do the same again. */
export type Follow = 'words' | 'retry';

export interface Problem {
  title: ReceiveKey;
  text: ReceiveKey;
  /** Fills {when} of the text. */
  when?: Date;
  follow: Follow[];
}

/** Where it failed: when asking what the file is, or when fetching it to be saved or shown. */
export type Phase = 'look' | 'save' | 'show';

/** Notes up to this size are offered to be shown in place. */
export const NOTE_BYTES = 65536;

const problem = (text: ReceiveKey, follow: Follow[], when?: Date): Problem => ({
  title: text.startsWith('receive.gone') ? 'receive.goneTitle' : 'receive.problemTitle',
  text,
  ...(when && { when }),
  follow,
});

const ENDS: Record<EndedBy, ReceiveKey> = {
  uses: 'receive.goneUses',
  expiry: 'receive.goneExpiry',
  revoked: 'receive.goneRevoked',
};

/** What is said of a file that has ended, as far as the server remembers. */
export function gone(endedBy?: EndedBy | null, endedAt?: Date | null): Problem {
  return endedBy && endedAt ? problem(ENDS[endedBy], [], endedAt) : problem('receive.gone', []);
}

/** What is said when there is no such file and was none lately: most likely a wrong word. */
export const never = (): Problem => problem('receive.never', ['words']);

function refusal(error: ApiError, phase: Phase): Problem {
  const { endedBy, endedAt, retryAt } = error.more;
  if (error.code === 'NETWORK')
    return problem(phase === 'look' ? 'receive.unreachable' : 'receive.networkLost', ['retry']);
  if (error.code === 'INTEGRITY_CHECK_FAILED') return problem('receive.damagedThere', []);
  if (error.status === 410) return gone(endedBy, endedAt);
  if (error.status === 404) return never();
  if (error.status === 429)
    return problem(retryAt ? 'receive.blockedUntil' : 'receive.blocked', ['retry'], retryAt);
  if (error.status >= 500) return problem('receive.serverAway', ['retry']);
  return problem('receive.notUnderstood', ['retry']);
}

/**
 * The sentence for a failure. Errors are told apart by their names: the classes of the end-to-end
 * code are only there once that code was loaded.
 */
export function problemOf(error: unknown, phase: Phase): Problem {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  switch (name) {
    case 'ApiError':
      return refusal(error as ApiError, phase);
    case 'WrongWordsError':
      return problem('receive.wrongWords', ['words']);
    case 'DamagedError':
      return problem('receive.damaged', ['retry']);
    case 'QuotaExceededError':
    case 'NotReadableError':
      return problem('receive.noRoom', []);
    case 'RangeError' /* longer than may be shown, or than memory has room for */:
      return phase === 'show'
        ? problem('receive.notText', ['retry'])
        : problem('receive.noRoom', []);
    default:
      return problem('receive.failed', ['retry']);
  }
}

export const wasCancelled = (error: unknown): boolean =>
  (error instanceof Error || error instanceof DOMException) && error.name === 'AbortError';

/**
 * Whether a code may go on, or a person is asked first. Six words never leave the page. Another
 * number than the server hands out may be a code with a word missing; of six it would tell the
 * server five (docs/end-to-end.md).
 */
export function doubtOf(code: Code, keyWords: number): ReceiveKey | null {
  if (code.kind === 'e2e' || code.words.length === keyWords) return null;
  return code.words.length === 5 ? 'receive.askFive' : 'receive.askCount';
}

/** Whether the bytes may be offered as text in place; what is not known is not offered. */
export function isNote(name: string | null, type: string | null, size: number | null): boolean {
  if (size === null || size > NOTE_BYTES) return false;
  const plain = /^text\/plain\s*(;|$)/i.test(type ?? '');
  return plain || /\.txt$/i.test(name ?? '');
}

/** Bytes per second of late, and seconds left at that rate; null while there is nothing to tell. */
export class Pace {
  private marks: { at: number; done: number }[] = [];

  /** `at` in milliseconds. Looks back over the last five seconds. */
  tell(at: number, done: number, total: number): { rate: number; left: number } | null {
    const last = this.marks[this.marks.length - 1];
    if (last && done < last.done) this.marks = [];
    this.marks.push({ at, done });
    while (this.marks.length > 2 && this.marks[1]!.at <= at - 5000) this.marks.shift();
    const first = this.marks[0]!;
    if (at - first.at < 500 || done <= first.done) return null;
    const rate = ((done - first.done) * 1000) / (at - first.at);
    return { rate, left: Math.max(0, total - done) / rate };
  }
}

/** The word around the caret of a text of words. */
export interface Spot {
  start: number;
  end: number;
  /** From the word's beginning to the caret. */
  prefix: string;
}

const BETWEEN = /[\s._\-\u2010-\u2015\u2212]/; /* as core/words reads them */

export function spotAt(text: string, caret: number): Spot {
  let start = caret;
  let end = caret;
  while (start > 0 && !BETWEEN.test(text[start - 1]!)) start--;
  while (end < text.length && !BETWEEN.test(text[end]!)) end++;
  return { start, end, prefix: text.slice(start, caret).toLowerCase() };
}

/** Whether this can only be words, not a link: completion stays away from links. */
export const isWords = (text: string): boolean => /^[a-z\s._\-\u2010-\u2015\u2212]*$/i.test(text);

export const wordsIn = (text: string): string[] =>
  text.toLowerCase().split(BETWEEN).filter(Boolean);

/** Puts `word` where the spot is, and a hyphen after it unless six words are there. */
export function put(text: string, spot: Spot, word: string): { text: string; caret: number } {
  const before = text.slice(0, spot.start) + word;
  const after = text.slice(spot.end);
  const more = after === '' && wordsIn(before).length < 6;
  const caret = before.length + (more ? 1 : 0);
  return { text: before + (more ? '-' : '') + after, caret };
}

/** The finished words that are in no code: all but the one the caret is in. */
export function strangers(text: string, caret: number, list: ReadonlySet<string>): string[] {
  if (!isWords(text)) return [];
  const spot = spotAt(text, caret);
  return wordsIn(text.slice(0, spot.start) + ' ' + text.slice(spot.end)).filter(w => !list.has(w));
}
