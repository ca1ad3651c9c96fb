// SPDX-License-Identifier: Apache-2.0
/**
 * The sender's living uploads, in this tab's session storage and nowhere else. An entry holds the
 * words and the burn token, so it goes as soon as its upload has ended.
 */

import type { Sent } from './core/send';

export interface Upload {
  key: string;
  /** What to tell the receiver: the server's code, or the six words of an end-to-end upload. */
  code: string;
  endToEnd: boolean;
  link: string;
  name: string;
  size: number;
  uses: number;
  /** Milliseconds since 1970. */
  expiry: number;
  burnToken: string;
}

const PLACE = 'mayfly.uploads';

export function toUpload(sent: Sent): Upload {
  const { receipt } = sent;
  return {
    key: receipt.key,
    code: sent.words ?? receipt.key,
    endToEnd: sent.words !== null,
    link: sent.shareUrl,
    name: sent.name,
    size: sent.size,
    uses: receipt.uses,
    expiry: receipt.expiry.getTime(),
    burnToken: receipt.burnToken,
  };
}

function isUpload(u: Partial<Upload> | null): u is Upload {
  return (
    typeof u === 'object' &&
    u !== null &&
    [u.key, u.code, u.link, u.name, u.burnToken].every(s => typeof s === 'string') &&
    [u.size, u.uses, u.expiry].every(n => typeof n === 'number')
  );
}

/** What is left of the list: nothing that has expired. Without storage it is empty. */
export function uploads(now = Date.now()): Upload[] {
  try {
    const all: unknown = JSON.parse(sessionStorage.getItem(PLACE) ?? '[]');
    return Array.isArray(all) ? all.filter(isUpload).filter(u => u.expiry > now) : [];
  } catch {
    return [];
  }
}

function write(all: Upload[]): void {
  try {
    if (all.length > 0) sessionStorage.setItem(PLACE, JSON.stringify(all));
    else sessionStorage.removeItem(PLACE);
  } catch {
    // Storage is forbidden or full: the list is a comfort, the upload is fine without it.
  }
}

export function remember(upload: Upload): void {
  write([upload, ...uploads().filter(u => u.key !== upload.key)]);
}

export function forget(key: string): void {
  write(uploads().filter(u => u.key !== key));
}

/** Throw out what ended while the page was closed. */
export function tidy(): void {
  write(uploads());
}
