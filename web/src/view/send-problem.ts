// SPDX-License-Identifier: Apache-2.0
/** Which sentence a sender gets for what went wrong. Knows no elements. */

import { ApiError } from '../core/api';
import type { Key } from '../i18n';

export interface SendProblem {
  text: Key;
  /** When to try again. */
  when?: Date;
  /** The server's own code, for what has no sentence. */
  code?: string;
}

const SENTENCES: Record<string, Key> = {
  TOO_LARGE: 'send.badTooLarge',
  LENGTH_REQUIRED: 'send.badTooLarge',
  TYPE_NOT_ALLOWED: 'send.badType',
  NOT_AGE: 'send.badFile',
  INSUFFICIENT_STORAGE: 'send.badSpace',
  UNAUTHORIZED: 'send.badToken',
  INVALID_FIELD: 'send.badField',
  NETWORK: 'send.badNetwork',
  BAD_REPLY: 'send.badAway',
  STORE_UNAVAILABLE: 'send.badAway',
};

export const wasCancelled = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'AbortError';

/** What is no answer of the server came from reading the files: nothing else can fail here. */
export function sendProblem(error: unknown): SendProblem {
  if (!(error instanceof ApiError)) return { text: 'send.badFile' };
  if (error.status === 429) {
    const when = error.more.retryAt;
    return when ? { text: 'send.badRate', when } : { text: 'send.badRateSoon' };
  }
  const text = SENTENCES[error.code];
  if (text) return { text };
  if (error.status === 413) return { text: 'send.badTooLarge' };
  if (error.status >= 500) return { text: 'send.badAway' };
  return { text: 'send.badOther', code: error.code };
}
