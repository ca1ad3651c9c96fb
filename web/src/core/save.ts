// SPDX-License-Identifier: Apache-2.0
/**
 * Saving a file that arrives as a stream. Where the browser can, its bytes go to disk one by one:
 * the service worker answers a request of a hidden frame with them, as a download. Elsewhere they
 * are collected first. Either way nothing is saved under its name unless the stream ends well.
 */
import { collect } from './collect';
import { hex } from './hex';
import type { Fetched } from './receive';
import type { FromPage, FromWorker, ToWorker } from './stream-protocol';
import { workerUrl } from './trusted';

const START_MS = 10_000; // for the worker to start and the frame to reach it
const AWAKE_MS = 10_000; // browsers end a worker that gets no event for some 30 s
// A small file may end before the browser makes a download of it; then it needs the frame still.
const KEEP_FRAME_MS = 60_000;
const KEEP_URL_MS = 60_000; // the browser reads a saved Blob after the click

const cancelled = () => new DOMException('Cancelled.', 'AbortError');

/** The worker, once it is active; null: there is none to be had here. */
async function activeWorker(): Promise<ServiceWorker | null> {
  if (!isSecureContext || !('serviceWorker' in navigator)) return null;
  // Safari asks for a download again by itself, without the worker, and saves what it gets then.
  if (navigator.vendor.startsWith('Apple')) return null;
  try {
    const registration = await navigator.serviceWorker.register(workerUrl(), { scope: '/stream/' });
    const worker = registration.installing ?? registration.waiting ?? registration.active;
    if (!worker || worker.state === 'activated') return worker;
    return await new Promise(resolve => {
      const timer = setTimeout(() => resolve(null), START_MS);
      worker.addEventListener('statechange', () => {
        if (worker.state !== 'activated' && worker.state !== 'redundant') return;
        clearTimeout(timer);
        resolve(worker.state === 'activated' ? worker : registration.active);
      });
    });
  } catch {
    return null;
  }
}

function randomId(): string {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}

/** The bytes in a buffer of their own, to be given away. */
function detach(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && byteLength === buffer.byteLength)
    return buffer;
  return bytes.slice().buffer as ArrayBuffer;
}

/** One file on its way to the worker. Bytes are only read when the worker asks for them. */
class Transfer {
  private readonly port: MessagePort;
  private readonly frame = document.createElement('iframe');
  private reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  private awakeAt = 0;
  private keepFrameMs = 0;
  private settle: { resolve(began: boolean): void; reject(e: unknown): void } | null = null;

  constructor(
    private readonly worker: ServiceWorker,
    private readonly fetched: Fetched,
    private readonly signal: AbortSignal,
  ) {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    const id = randomId();
    this.port.onmessage = (e: MessageEvent<FromWorker>) => this.hear(e.data, id);
    const { name, size } = fetched;
    this.worker.postMessage({ kind: 'offer', id, name, size } satisfies ToWorker, [port2]);
  }

  /** Whether the file was saved; false: the worker was not reached, and no byte was read. */
  run(): Promise<boolean> {
    const stop = () => this.fail(cancelled());
    const leave = () => this.say('failed');
    const start = setTimeout(() => {
      if (!this.reader) this.settle?.resolve(false);
    }, START_MS);
    const awake = setInterval(() => this.keepAwake(), AWAKE_MS);
    this.signal.addEventListener('abort', stop);
    addEventListener('pagehide', leave);
    return new Promise<boolean>((resolve, reject) => {
      this.settle = { resolve, reject };
      if (this.signal.aborted) stop();
    }).finally(() => {
      clearTimeout(start);
      clearInterval(awake);
      this.signal.removeEventListener('abort', stop);
      removeEventListener('pagehide', leave);
      this.say('failed'); // Means nothing to a worker that has closed its stream.
      this.port.close();
      setTimeout(() => this.frame.remove(), this.keepFrameMs);
    });
  }

  private say(message: FromPage): void {
    this.port.postMessage(message, message instanceof ArrayBuffer ? [message] : []);
  }

  private hear(message: FromWorker, id: string): void {
    if (message === 'ready') {
      this.frame.hidden = true;
      this.frame.src = `/stream/${id}`;
      document.body.append(this.frame);
    } else if (message === 'pull') void this.feed();
    else if (message === 'cancelled') this.fail(cancelled());
    else {
      this.keepFrameMs = KEEP_FRAME_MS;
      this.settle?.resolve(true);
    }
  }

  private async feed(): Promise<void> {
    try {
      this.reader ??= this.fetched.stream.getReader();
      const { done, value } = await this.reader.read();
      this.say(done ? 'end' : detach(value));
      // Timers of a page in the background are slowed down, so bytes keep the worker awake too.
      if (Date.now() - this.awakeAt > AWAKE_MS) this.keepAwake();
    } catch (e) {
      this.fail(e);
    }
  }

  private keepAwake(): void {
    this.awakeAt = Date.now();
    this.say('alive');
    this.worker.postMessage({ kind: 'awake' } satisfies ToWorker);
  }

  private fail(reason: unknown): void {
    this.say('failed');
    const ended = this.reader ? this.reader.cancel(reason) : this.fetched.stream.cancel(reason);
    ended.catch(() => undefined);
    this.settle?.reject(reason);
  }
}

async function saveFromMemory(fetched: Fetched, signal: AbortSignal): Promise<void> {
  const blob = await collect(fetched.stream, () => undefined, signal);
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = fetched.name;
  link.hidden = true;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), KEEP_URL_MS);
}

/**
 * Saves the file. Tells by what way; rejects with what the stream failed with, or AbortError when
 * `signal` or the browser's own list of downloads ended it.
 */
export async function save(fetched: Fetched, signal: AbortSignal): Promise<'disk' | 'memory'> {
  const worker = await activeWorker();
  if (worker && (await new Transfer(worker, fetched, signal).run())) return 'disk';
  await saveFromMemory(fetched, signal);
  return 'memory';
}

/** The file as text, to be shown in place. RangeError: it is longer than `max` bytes. */
export async function readText(fetched: Fetched, max: number): Promise<string> {
  const reader = fetched.stream.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (let size = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.length;
    if (size > max) {
      const tooLong = new RangeError('too long to be shown');
      void reader.cancel(tooLong).catch(() => undefined);
      throw tooLong;
    }
    text += decoder.decode(value, { stream: true });
  }
}
