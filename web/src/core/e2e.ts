// SPDX-License-Identifier: Apache-2.0
/** End-to-end mode as docs/end-to-end.md defines it. Loaded only when it is needed. */

import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { gcm } from '@noble/ciphers/aes.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { scryptAsync } from '@noble/hashes/scrypt.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { base32nopad, base64nopad, base64urlnopad } from '@scure/base';
import { Decrypter, Encrypter, type Identity, type Stanza } from 'age-encryption';
import { DamagedError, WrongWordsError } from './errors';

/** What is sealed for the receivers: of the plaintext. */
export interface Meta {
  name: string;
  type: string;
  size: number;
  sha256: string;
}

export { DamagedError, WrongWordsError };

const WORK = 15;
const WORK_MAX = 19; // what a file may ask for: the client's limit too
const HEADER_MAX = 4096; // bytes; ours has 150
const META_MAX = 4096; // characters
const NAME_MAX = 255; // bytes, as are the next
const TYPE_MAX = 127;
const NONCE_LEN = 12;
const TAG_LEN = 16;
const CHUNK = 65536;
const HEAD_LEN = 150 + 16;

const derive = (words: string, label: string, length: number) =>
  hkdf(sha256, utf8ToBytes(words), undefined, utf8ToBytes(label), length);

/** The id of the six `words`, in lower case and joined by '-'. */
export function deriveId(words: string): string {
  return base32nopad.encode(derive(words, 'mayfly e2e id v1', 16)).toLowerCase();
}

const metaKey = (words: string) => derive(words, 'mayfly e2e meta v1', 32);

/** The sealed metadata, as the field `meta` takes it. */
export function sealMeta(words: string, meta: Meta): string {
  const { name, type, size, sha256: hash } = meta;
  const nonce = randomBytes(NONCE_LEN);
  const plain = utf8ToBytes(JSON.stringify({ name, type, size, sha256: hash }));
  return base64urlnopad.encode(concatBytes(nonce, gcm(metaKey(words), nonce).encrypt(plain)));
}

const isText = (value: unknown, max: number): value is string =>
  typeof value === 'string' && utf8ToBytes(value).length <= max && !value.includes('\0');

function checkMeta(value: unknown): Meta {
  if (typeof value !== 'object' || value === null) throw new DamagedError('no object');
  const { name, type, size, sha256: hash } = value as Record<string, unknown>;
  if (!isText(name, NAME_MAX) || !isText(type, TYPE_MAX)) throw new DamagedError('texts');
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > 2 ** 63)
    throw new DamagedError('size');
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) throw new DamagedError('hash');
  return { name, type, size, sha256: hash };
}

/** What sealMeta sealed. DamagedError: other words, other bytes, or not what the format says. */
export function openMeta(words: string, sealed: string): Meta {
  if (sealed.length > META_MAX) throw new DamagedError('too long');
  try {
    const bytes = base64urlnopad.decode(sealed);
    const nonce = bytes.subarray(0, NONCE_LEN);
    const plain = gcm(metaKey(words), nonce).decrypt(bytes.subarray(NONCE_LEN));
    const json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain);
    return checkMeta(JSON.parse(json));
  } catch {
    throw new DamagedError('metadata');
  }
}

/** Bytes of the age file of `n` bytes. */
export function encryptedSize(n: number): number {
  return HEAD_LEN + n + TAG_LEN * Math.max(1, Math.ceil(n / CHUNK));
}

/** Bytes in an age file of `n` bytes; null: no such file has that length. */
export function decryptedSize(n: number): number | null {
  const body = n - HEAD_LEN;
  const size = body - TAG_LEN * Math.ceil(body / (CHUNK + TAG_LEN));
  return size >= 0 && encryptedSize(size) === n ? size : null;
}

/** The age file of `plain` for the six `words`. */
export async function encrypt(
  plain: ReadableStream<Uint8Array>,
  words: string,
): Promise<ReadableStream<Uint8Array>> {
  const encrypter = new Encrypter();
  encrypter.setPassphrase(words);
  encrypter.setScryptWorkFactor(WORK);
  return encrypter.encrypt(plain);
}

/**
 * Opens the one scrypt stanza. Ours, not the library's, so that wrong words can be told from a
 * damaged file, work is bounded, and the page lives on while scrypt runs.
 */
class Passphrase implements Identity {
  constructor(private readonly words: string) {}

  async unwrapFileKey(stanzas: Stanza[]): Promise<Uint8Array> {
    const [stanza] = stanzas;
    const [type, salt64, work] = stanza?.args ?? [];
    if (stanzas.length !== 1 || !stanza || type !== 'scrypt' || stanza.args.length !== 3)
      throw new DamagedError('not for a passphrase alone');
    const salt = base64nopad.decode(salt64 ?? '');
    if (salt.length !== 16 || stanza.body.length !== 32 || !/^[1-9]\d?$/.test(work ?? ''))
      throw new DamagedError('stanza');
    if (Number(work) > WORK_MAX) throw new DamagedError('asks for too much work');
    const labelled = concatBytes(utf8ToBytes('age-encryption.org/v1/scrypt'), salt);
    const cost = { N: 2 ** Number(work), r: 8, p: 1, dkLen: 32 };
    const key = await scryptAsync(utf8ToBytes(this.words), labelled, cost);
    try {
      return chacha20poly1305(key, new Uint8Array(NONCE_LEN)).decrypt(stanza.body);
    } catch {
      throw new WrongWordsError('the words do not open it');
    }
  }
}

/** Passes `stream` on and remembers what broke it, to be told from what the decrypter finds. */
class Watched {
  failure: { reason: unknown } | null = null;
  private headerSeen = false;
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly stream: ReadableStream<Uint8Array>;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.reader = stream.getReader();
    this.stream = new ReadableStream<Uint8Array>(
      {
        pull: controller => this.pull(controller),
        cancel: reason => this.reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  private async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      if (!this.headerSeen) return controller.enqueue(await this.header());
      const { done, value } = await this.reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    } catch (reason) {
      this.failure = { reason };
      controller.error(reason);
      this.cancel(reason);
    }
  }

  /** Ends the source too; whoever reads from here may hold the stream. */
  cancel(reason: unknown): void {
    this.reader.cancel(reason).catch(() => undefined);
  }

  /** The first bytes, with the whole header: the library would look for its end for ever. */
  private async header(): Promise<Uint8Array> {
    this.headerSeen = true;
    let bytes: Uint8Array = new Uint8Array(0);
    for (;;) {
      const { done, value } = await this.reader.read();
      if (value) bytes = concatBytes(bytes, value);
      const start = new TextDecoder('latin1').decode(bytes.subarray(0, HEADER_MAX));
      if (/\n--- [^\n]*\n/.test(start)) return bytes;
      if (done || bytes.length >= HEADER_MAX) throw new DamagedError('no header');
    }
  }

  /** What to say about an error: the source's own, ours, or that the file is damaged. */
  explain(e: unknown): unknown {
    if (this.failure) return this.failure.reason;
    return e instanceof WrongWordsError || e instanceof DamagedError
      ? e
      : new DamagedError('the age file');
  }
}

/** Rejects, or ends the stream, with WrongWordsError or DamagedError; or as `cipher` fails. */
export async function decrypt(
  cipher: ReadableStream<Uint8Array>,
  words: string,
): Promise<ReadableStream<Uint8Array>> {
  const watched = new Watched(cipher);
  const decrypter = new Decrypter();
  decrypter.addIdentity(new Passphrase(words));
  let plain: ReadableStream<Uint8Array>;
  try {
    plain = await decrypter.decrypt(watched.stream);
  } catch (e) {
    const reason = watched.explain(e);
    watched.cancel(reason);
    throw reason;
  }
  const reader = plain.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (e) {
          const reason = watched.explain(e);
          controller.error(reason);
          watched.cancel(reason);
        }
      },
      cancel(reason) {
        watched.cancel(reason);
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
