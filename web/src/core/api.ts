// SPDX-License-Identifier: Apache-2.0
/** The server's interface (docs/api.md) as functions. Knows no view and no text for people. */

export type EndedBy = 'uses' | 'expiry' | 'revoked';

/** A refusal of the server, or of the network. */
export class ApiError extends Error {
  /**
   * @param status the HTTP status; 0: no answer came (network lost, or the request was cut)
   * @param code the server's `error_code`, such as "GONE"; "NETWORK" when no answer came,
   *   "BAD_REPLY" when the answer was not what the interface promises
   * @param more `retryAt` from Retry-After; `endedAt` and `endedBy` of what is gone
   */
  constructor(
    readonly status: number,
    readonly code: string,
    readonly more: { retryAt?: Date; endedAt?: Date; endedBy?: EndedBy } = {},
  ) {
    super(`${code} (${status})`);
    this.name = 'ApiError';
  }
}

/** What the sender gets (201 of POST /upload/). `shareUrl` is null for end-to-end uploads. */
export interface Receipt {
  key: string;
  downloadUrl: string;
  shareUrl: string | null;
  expiry: Date;
  createdAt: Date;
  uses: number;
  filename: string;
  size: number;
  mimeType: string;
  sha256: string;
  burnToken: string;
}

export interface UploadFields {
  expiryMin: number;
  uses: number;
  token?: string;
  /** An end-to-end upload: the body is an age file. */
  e2e?: { id: string; meta: string };
}

export interface Preview {
  key: string;
  filename: string;
  size: number;
  mimeType: string;
  expiry: Date;
  uses: number;
  sha256: string;
  /** Sealed metadata of an end-to-end upload. */
  meta: string | null;
  isEndToEnd: boolean;
}

export interface Status {
  status: 'active' | 'expired' | 'burned' | 'unknown';
  remainingUses: number;
  expiresAt: Date | null;
  endedAt: Date | null;
  endedBy: EndedBy | null;
}

/** Bytes of the body that were sent, of all; called often. */
export type OnProgress = (done: number, total: number) => void;

type Json = Record<string, unknown>;

const bad = (status: number) => new ApiError(status, 'BAD_REPLY');
const lost = () => new ApiError(0, 'NETWORK');
const cancelled = () => new DOMException('Cancelled.', 'AbortError');

/** What a field of a reply must be; anything else is a reply that the interface does not have. */
const text = (o: Json, key: string) => {
  const value = o[key];
  if (typeof value !== 'string') throw bad(200);
  return value;
};
const count = (o: Json, key: string) => {
  const value = o[key];
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw bad(200);
  return value;
};
const time = (o: Json, key: string) => {
  const value = new Date(text(o, key));
  if (Number.isNaN(value.getTime())) throw bad(200);
  return value;
};
const maybe = <T>(o: Json, key: string, take: (o: Json, key: string) => T) =>
  o[key] === undefined || o[key] === null ? null : take(o, key);

function parse(body: string, status: number): Json {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  } catch {
    // Said below, as for JSON that is no object.
  }
  throw bad(status);
}

const ENDED_BY: readonly unknown[] = ['uses', 'expiry', 'revoked'];
const endedBy = (o: Json) => {
  const by = o['ended_by'];
  return ENDED_BY.includes(by) ? (by as EndedBy) : null;
};

/** Retry-After in seconds or as a date (RFC 9110, section 10.2.3). */
function retryAt(header: string | null): Date | null {
  if (!header) return null;
  const at = /^\d+$/.test(header) ? Date.now() + Number(header) * 1000 : Date.parse(header);
  return Number.isNaN(at) ? null : new Date(at);
}

/** The refusal in a reply that is not 2xx. A proxy's page instead of JSON is BAD_REPLY. */
function refusal(status: number, body: string, retryAfter: string | null): ApiError {
  const more: ApiError['more'] = {};
  const retry = retryAt(retryAfter);
  if (retry) more.retryAt = retry;
  try {
    const o = parse(body, status);
    const code = text(o, 'error_code');
    const ended = maybe(o, 'ended_at', time);
    const by = endedBy(o);
    if (ended) more.endedAt = ended;
    if (by) more.endedBy = by;
    return new ApiError(status, code, more);
  } catch {
    return new ApiError(status, 'BAD_REPLY', more);
  }
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  let reply: Response;
  try {
    reply = await fetch(path, {
      cache: 'no-store',
      credentials: 'same-origin',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      ...init,
    });
    if (reply.ok) return reply;
    throw refusal(reply.status, await reply.text(), reply.headers.get('Retry-After'));
  } catch (e) {
    throw asFailure(e, init.signal);
  }
}

/** What a broken fetch or body is called here: cancelled, a refusal, or the network. */
export function asFailure(e: unknown, signal?: AbortSignal | null): unknown {
  if (e instanceof ApiError) return e;
  return signal?.aborted ? cancelled() : lost();
}

async function askJson(path: string, init: RequestInit): Promise<Json> {
  const reply = await ask(path, {
    ...init,
    headers: { Accept: 'application/json', ...(init.headers as Record<string, string>) },
  });
  try {
    return parse(await reply.text(), reply.status);
  } catch (e) {
    throw asFailure(e, init.signal);
  }
}

function receipt(o: Json): Receipt {
  return {
    key: text(o, 'key'),
    downloadUrl: text(o, 'download_url'),
    shareUrl: maybe(o, 'share_url', text),
    expiry: time(o, 'expiry'),
    createdAt: time(o, 'created_at'),
    uses: count(o, 'uses'),
    filename: text(o, 'filename'),
    size: count(o, 'size'),
    mimeType: text(o, 'mime_type'),
    sha256: text(o, 'sha256'),
    burnToken: text(o, 'burn_token'),
  };
}

function form(body: Blob, name: string, fields: UploadFields): FormData {
  const parts = new FormData();
  parts.append('expiry', String(fields.expiryMin));
  parts.append('uses', String(fields.uses));
  if (fields.e2e) {
    parts.append('id', fields.e2e.id);
    parts.append('encryption', 'age');
    parts.append('meta', fields.e2e.meta);
  }
  parts.append('file', body, name);
  return parts;
}

/** POST /upload/. By XMLHttpRequest: fetch does not tell how much of a body has been sent. */
export function upload(
  body: Blob,
  name: string,
  fields: UploadFields,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<Receipt> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(cancelled());
    const xhr = new XMLHttpRequest();
    const stop = () => xhr.abort();
    const settle = (done: () => void) => {
      signal.removeEventListener('abort', stop);
      done();
    };
    xhr.open('POST', '/upload/');
    xhr.setRequestHeader('Accept', 'application/json');
    if (fields.token) xhr.setRequestHeader('Authorization', `Bearer ${fields.token}`);
    xhr.upload.onprogress = e => onProgress(Math.min(e.loaded, body.size), body.size);
    xhr.onerror = () => settle(() => reject(lost()));
    xhr.onabort = () => settle(() => reject(cancelled()));
    xhr.onload = () =>
      settle(() => {
        try {
          if (xhr.status < 200 || xhr.status > 299)
            throw refusal(xhr.status, xhr.responseText, xhr.getResponseHeader('Retry-After'));
          resolve(receipt(parse(xhr.responseText, xhr.status)));
        } catch (e) {
          reject(e);
        }
      });
    signal.addEventListener('abort', stop);
    xhr.send(form(body, name, fields));
  });
}

/** GET /preview/KEY: takes the one preview of an upload. */
export async function preview(key: string, signal?: AbortSignal): Promise<Preview> {
  const o = await askJson(`/preview/${encodeURIComponent(key)}`, signal ? { signal } : {});
  return {
    key: text(o, 'key'),
    filename: text(o, 'filename'),
    size: count(o, 'size'),
    mimeType: text(o, 'mime_type'),
    expiry: time(o, 'expiry'),
    uses: count(o, 'uses'),
    sha256: text(o, 'sha256'),
    meta: maybe(o, 'meta', text),
    isEndToEnd: o['encryption'] === 'age',
  };
}

const STATES: readonly unknown[] = ['active', 'expired', 'burned', 'unknown'];

/** GET /status/KEY: takes nothing. */
export async function status(key: string): Promise<Status> {
  const o = await askJson(`/status/${encodeURIComponent(key)}`, {});
  if (!STATES.includes(o['status'])) throw bad(200);
  return {
    status: o['status'] as Status['status'],
    remainingUses: maybe(o, 'remaining_uses', count) ?? 0,
    expiresAt: maybe(o, 'expires_at', time),
    endedAt: maybe(o, 'ended_at', time),
    endedBy: endedBy(o),
  };
}

/** POST /burn/KEY: destroys the upload now. */
export async function burn(key: string, burnToken: string): Promise<void> {
  await askJson(`/burn/${encodeURIComponent(key)}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${burnToken}` },
  });
}

/**
 * GET /download/KEY, from byte `from` on. Takes a use when it begins; what goes on within the lease
 * takes none. With `etag`, that of the download to go on with, the server gives the rest only of
 * that very file; it then is a range even from byte 0, which takes no second use.
 */
export function download(
  key: string,
  from: number,
  etag: string | null,
  signal: AbortSignal,
): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/octet-stream' };
  if (from > 0 || etag) headers['Range'] = `bytes=${from}-`;
  if (etag) headers['If-Range'] = etag;
  return ask(`/download/${encodeURIComponent(key)}`, { headers, signal });
}
