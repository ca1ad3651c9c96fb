// SPDX-License-Identifier: Apache-2.0
/** Receiving: what a code stands for, and its file, verified while it streams. */
import { ApiError, asFailure, download, preview, status, type OnProgress } from './api';
import type { Meta } from './e2e';
import { cleanName, dispositionName } from './names';
import { PAUSES_MS, announcedSize, resumed } from './resume';
import type { Code } from './words';

export { DamagedError, WrongWordsError } from './errors';

/** What waits behind a code. What is null is not known before the download. */
export interface Offer {
  code: Code;
  /** The code, or the id of an end-to-end upload. */
  key: string;
  name: string | null;
  type: string | null;
  size: number | null;
  expiry: Date | null;
  uses: number | null;
  /** The one preview was given to somebody before. */
  previewTaken: boolean;
  meta: Meta | null;
}

export interface Fetched {
  name: string;
  type: string;
  size: number | null;
  /** The hash that the stream is held against; null: nobody has said one. */
  sha256: string | null;
  /** Errors, before its end, when a byte is not as it was sent. */
  stream: ReadableStream<Uint8Array>;
}

const ANY_TYPE = 'application/octet-stream';

/** What status tells when the preview is gone. */
async function lookAgain(code: Code, key: string): Promise<Offer> {
  const now = await status(key);
  if (now.status === 'unknown') throw new ApiError(404, 'NOT_FOUND');
  if (now.status !== 'active') {
    const more: ApiError['more'] = {};
    if (now.endedAt) more.endedAt = now.endedAt;
    if (now.endedBy) more.endedBy = now.endedBy;
    throw new ApiError(410, 'GONE', more);
  }
  return {
    code,
    key,
    name: null,
    type: null,
    size: null,
    expiry: now.expiresAt,
    uses: now.remainingUses,
    previewTaken: true,
    meta: null,
  };
}

/**
 * Looks what the code stands for; takes the one preview. Rejects with ApiError, and DamagedError
 * when the sealed metadata is not the sender's.
 */
export async function look(code: Code): Promise<Offer> {
  const e2e = code.kind === 'e2e' ? await import('./e2e') : null;
  const key = e2e ? e2e.deriveId(code.text) : code.text;
  let seen;
  try {
    seen = await preview(key);
  } catch (e) {
    if (e instanceof ApiError && e.code === 'PREVIEW_TAKEN') return lookAgain(code, key);
    throw e;
  }
  const { expiry, uses } = seen;
  const common = { code, key, expiry, uses, previewTaken: false };
  if (!e2e)
    return {
      ...common,
      name: cleanName(seen.filename),
      type: seen.mimeType,
      size: seen.size,
      meta: null,
    };
  const meta = seen.meta === null ? null : e2e.openMeta(code.text, seen.meta);
  return {
    ...common,
    name: meta && cleanName(meta.name),
    type: meta?.type ?? null,
    size: meta?.size ?? e2e.decryptedSize(seen.size),
    meta,
  };
}

/**
 * Begins the download, which takes a use. Resolves when the file is known to be openable. Rejects
 * with ApiError, WrongWordsError, DamagedError, AbortError; the stream errors with the same.
 */
export async function fetchFile(
  offer: Offer,
  onProgress: OnProgress,
  signal: AbortSignal,
  pausesMs: readonly number[] = PAUSES_MS,
): Promise<Fetched> {
  const { code, key } = offer;
  // Loaded first: a use must not be taken by a page that then cannot open the file.
  const e2e = code.kind === 'e2e' ? await loaded(import('./e2e'), signal) : null;
  const { verified } = await loaded(import('./hash'), signal);
  const first = await download(key, 0, null, signal);
  const body = resumed(key, first, onProgress, signal, pausesMs);
  const size = announcedSize(first);
  if (!e2e) {
    const sent = dispositionName(first.headers.get('Content-Disposition'));
    const sha256 = first.headers.get('X-SHA256');
    return {
      name: sent === null ? (offer.name ?? cleanName('')) : cleanName(sent),
      type: first.headers.get('Content-Type') ?? ANY_TYPE,
      size,
      sha256,
      stream: verified(body, { size, sha256 }),
    };
  }
  try {
    const sealed = first.headers.get('X-Mayfly-Meta');
    const meta = offer.meta ?? (sealed ? e2e.openMeta(code.text, sealed) : null);
    const plain = await e2e.decrypt(body, code.text);
    return {
      name: meta ? cleanName(meta.name) : cleanName(''),
      type: meta?.type ?? ANY_TYPE,
      size: meta?.size ?? (size === null ? null : e2e.decryptedSize(size)),
      sha256: meta?.sha256 ?? null,
      stream: verified(plain, { size: meta?.size ?? null, sha256: meta?.sha256 ?? null }),
    };
  } catch (e) {
    if (!body.locked) void body.cancel(e).catch(() => undefined);
    throw e;
  }
}

/** A part of the page that is loaded when needed fails like the network does. */
async function loaded<T>(part: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await part;
  } catch (e) {
    throw asFailure(e, signal);
  }
}
