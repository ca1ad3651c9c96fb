// SPDX-License-Identifier: Apache-2.0
/** Share codes: reading what people type or paste, drawing new ones, completing words. */

import { ApiError, asFailure } from './api';

/** Six words are an end-to-end code (docs/end-to-end.md); three to five are the server's own. */
export interface Code {
  kind: 'server' | 'e2e';
  words: string[];
  /** The words in lower case, joined by '-'. */
  text: string;
}

declare const WORDS_PATH: string;

const SEPARATORS = /[\s._\-\u2010-\u2015\u2212]+/;
const WORD = /^[a-z]{2,16}$/;

/** The part of a link that holds the code, or the text as it is. */
function codePart(text: string): string {
  const inPath = /\/(?:download|preview)\/([^/?#\s]+)/i.exec(text);
  const hash = text.indexOf('#');
  const part = hash >= 0 && hash + 1 < text.length ? text.slice(hash + 1) : (inPath?.[1] ?? text);
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A code in any spelling, or in a whole link; null: it cannot be one. Asks no word list. */
export function parseCode(text: string): Code | null {
  const words = codePart(text.trim())
    .toLowerCase()
    .split(SEPARATORS)
    .filter(word => word !== '');
  if (words.length < 3 || words.length > 6 || !words.every(word => WORD.test(word))) return null;
  return { kind: words.length === 6 ? 'e2e' : 'server', words, text: words.join('-') };
}

let loading: Promise<readonly string[]> | null = null;

async function fetchWords(): Promise<readonly string[]> {
  let body: string;
  try {
    const reply = await fetch(WORDS_PATH);
    if (!reply.ok) throw new ApiError(reply.status, 'BAD_REPLY');
    body = await reply.text();
  } catch (e) {
    throw asFailure(e);
  }
  const list = body.split('\n').filter(word => word !== '');
  // A list that is cut short would make codes that are easier to guess.
  if (list.length < 7000 || !list.every(word => WORD.test(word)))
    throw new ApiError(200, 'BAD_REPLY');
  return list;
}

/** The word list, in order, each word once. Fetched once; after a failure, at the next call. */
export function loadWords(): Promise<readonly string[]> {
  loading ??= fetchWords().catch((e: unknown) => {
    loading = null;
    throw e;
  });
  return loading;
}

/** Up to `max` words of the ordered `list` that begin with `prefix`. */
export function complete(list: readonly string[], prefix: string, max: number): string[] {
  const start = prefix.trim().toLowerCase();
  if (start === '') return [];
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] ?? '') < start) low = middle + 1;
    else high = middle;
  }
  const found: string[] = [];
  for (let i = low; i < list.length && found.length < max; i++) {
    const word = list[i] ?? '';
    if (!word.startsWith(start)) break;
    found.push(word);
  }
  return found;
}

/** A number below `n`, uniformly: what lies beyond the last whole multiple of `n` is drawn anew. */
function drawBelow(n: number): number {
  const limit = 2 ** 32 - (2 ** 32 % n);
  const draw = new Uint32Array(1);
  for (;;) {
    crypto.getRandomValues(draw);
    const value = draw[0] ?? limit;
    if (value < limit) return value % n;
  }
}

/** `n` words of `list`, each uniformly and independently. */
export function drawWords(list: readonly string[], n: number): string[] {
  if (list.length === 0) throw new RangeError('no words to draw from');
  return Array.from({ length: n }, () => list[drawBelow(list.length)] ?? '');
}
