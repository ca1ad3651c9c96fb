// SPDX-License-Identifier: Apache-2.0
/** A stream as a Blob. In pieces of their own, so that the browser can keep them out of the tab. */
import { breather } from './breathe';

const PIECE = 1 << 20;

/** Reads `stream` to its end. Rejects as the stream does, or as `signal` says; cancels it then. */
export async function collect(
  stream: ReadableStream<Uint8Array>,
  onBytes: (done: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const pieces: Blob[] = [];
  const piece = new Uint8Array(PIECE);
  let used = 0;
  let done = 0;
  const breathe = breather();
  const reader = stream.getReader();
  const stop = () => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener('abort', stop);
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await reader.read();
      signal.throwIfAborted();
      if (next.done) break;
      for (let rest = next.value; rest.length > 0;) {
        const part = rest.subarray(0, PIECE - used);
        piece.set(part, used);
        used += part.length;
        rest = rest.subarray(part.length);
        if (used === PIECE) {
          pieces.push(new Blob([piece]));
          used = 0;
        }
      }
      done += next.value.length;
      onBytes(done);
      await breathe();
    }
  } catch (e) {
    stop();
    throw e;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  pieces.push(new Blob([piece.subarray(0, used)]));
  return new Blob(pieces, { type: 'application/octet-stream' });
}
