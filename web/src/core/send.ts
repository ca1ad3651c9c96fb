// SPDX-License-Identifier: Apache-2.0
/** Sending: encrypts where wished, uploads, and says what to hand on. */
import { ApiError, upload, type OnProgress, type Receipt, type UploadFields } from './api';
import { collect } from './collect';
import { fitName } from './names';
import type { Packed } from './pack';
import { drawWords, loadWords } from './words';

export interface SendOptions {
  expiryMin: number;
  uses: number;
  token?: string;
  endToEnd: boolean;
}

/** `progress` counts the bytes of the phase that was said last, and begins anew with each. */
export interface SendEvents {
  phase(phase: 'preparing' | 'sending'): void;
  progress: OnProgress;
}

export interface Sent {
  receipt: Receipt;
  /** The six words, joined by '-', of an end-to-end upload. */
  words: string | null;
  name: string;
  size: number;
  shareUrl: string;
}

const WORDS = 6;
const DRAWS_MAX = 3;
const TYPE_MAX = 127;

function fieldsOf(options: SendOptions): UploadFields {
  const { expiryMin, uses, token } = options;
  return token ? { expiryMin, uses, token } : { expiryMin, uses };
}

async function sendPlain(
  what: Packed,
  options: SendOptions,
  on: SendEvents,
  signal: AbortSignal,
): Promise<Sent> {
  let body = what.whole;
  if (!body) {
    on.phase('preparing');
    body = await collect(what.stream(), done => on.progress(done, what.size), signal);
  }
  on.phase('sending');
  const receipt = await upload(body, fitName(what.name), fieldsOf(options), on.progress, signal);
  if (receipt.shareUrl === null) throw new ApiError(201, 'BAD_REPLY');
  const { filename: name, size, shareUrl } = receipt;
  return { receipt, words: null, name, size, shareUrl };
}

/** Encrypts with new words and uploads. 409: these words are taken, which only chance can do. */
async function sendSealed(
  what: Packed,
  options: SendOptions,
  on: SendEvents,
  signal: AbortSignal,
): Promise<Sent> {
  const [e2e, { hashing }, list] = await Promise.all([
    import('./e2e'),
    import('./hash'),
    loadWords(),
  ]);
  signal.throwIfAborted();
  const words = drawWords(list, WORDS).join('-');
  on.phase('preparing');
  const { transform, digest, size } = hashing();
  const total = e2e.encryptedSize(what.size);
  const sealed = await e2e.encrypt(what.stream().pipeThrough(transform), words);
  const body = await collect(sealed, done => on.progress(done, total), signal);
  const meta = {
    name: fitName(what.name),
    type: what.type.length <= TYPE_MAX ? what.type : 'application/octet-stream',
    size: size(),
    sha256: digest(),
  };
  on.phase('sending');
  const receipt = await upload(
    body,
    'file.age',
    {
      ...fieldsOf(options),
      e2e: { id: e2e.deriveId(words), meta: e2e.sealMeta(words, meta) },
    },
    on.progress,
    signal,
  );
  const host = new URL(receipt.downloadUrl, location.href).origin;
  return { receipt, words, name: meta.name, size: meta.size, shareUrl: `${host}/#${words}` };
}

/** Sends one file. Rejects with ApiError; AbortError when `signal` says so; or as reading fails. */
export async function sendFiles(
  what: Packed,
  options: SendOptions,
  on: SendEvents,
  signal: AbortSignal,
): Promise<Sent> {
  if (!options.endToEnd) return sendPlain(what, options, on, signal);
  for (let draw = 1; ; draw++) {
    try {
      return await sendSealed(what, options, on, signal);
    } catch (e) {
      if (!(e instanceof ApiError && e.code === 'ID_IN_USE') || draw === DRAWS_MAX) throw e;
    }
  }
}
