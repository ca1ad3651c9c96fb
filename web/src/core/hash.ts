// SPDX-License-Identifier: Apache-2.0
/** Passing bytes on while hashing them. Own code for the hash: plain http has no crypto.subtle. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { DamagedError } from './errors';

/** Passes everything on; `digest()` is the SHA-256 of what went through so far, once. */
export function hashing(): {
  transform: TransformStream<Uint8Array, Uint8Array>;
  digest: () => string;
  size: () => number;
} {
  const hash = sha256.create();
  let size = 0;
  const transform = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      hash.update(chunk);
      size += chunk.length;
      controller.enqueue(chunk);
    },
  });
  return { transform, digest: () => bytesToHex(hash.digest()), size: () => size };
}

/** Passes everything on, and ends with DamagedError unless size and hash are as given. */
export function verified(
  stream: ReadableStream<Uint8Array>,
  want: { size: number | null; sha256: string | null },
): ReadableStream<Uint8Array> {
  const hash = sha256.create();
  let size = 0;
  return stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.length;
        if (want.size !== null && size > want.size) throw new DamagedError('longer than it was');
        if (want.sha256 !== null) hash.update(chunk);
        controller.enqueue(chunk);
      },
      flush() {
        if (want.size !== null && size !== want.size) throw new DamagedError('shorter than it was');
        if (want.sha256 !== null && bytesToHex(hash.digest()) !== want.sha256)
          throw new DamagedError('another hash');
      },
    }),
  );
}
