// SPDX-License-Identifier: Apache-2.0
/**
 * The service worker, for /stream/ only: answers a frame's request for /stream/ID with the bytes
 * that the page gives by a port, as a download. Asks the network for nothing and stores nothing.
 */
import { ID, type FromPage, type FromWorker, type ToWorker } from './core/stream-protocol';

/** What the DOM's types lack of a worker's. */
interface Extendable extends Event {
  waitUntil(done: Promise<unknown>): void;
}
interface FetchCall extends Extendable {
  readonly request: Request;
  respondWith(reply: Response): void;
}
interface Worker {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  addEventListener(type: 'install' | 'activate', on: (e: Extendable) => void): void;
  addEventListener(type: 'message', on: (e: MessageEvent<ToWorker>) => void): void;
  addEventListener(type: 'fetch', on: (e: FetchCall) => void): void;
}
const worker = self as unknown as Worker;

const SILENCE_MS = 150_000; // after that the page is gone; in the background it speaks each minute

interface Offered {
  name: string;
  size: number | null;
  port: MessagePort;
}
const offers = new Map<string, Offered>();

/** A file name in Content-Disposition as RFC 6266 and RFC 8187 write it. */
function disposition(name: string): string {
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    c => '%' + c.charCodeAt(0).toString(16).toUpperCase(),
  );
  return `attachment; filename*=UTF-8''${encoded}`;
}

/** The bytes as the page gives them, each time the browser wants more. */
function bytesFrom(port: MessagePort): ReadableStream<Uint8Array> {
  const say = (message: FromWorker) => port.postMessage(message);
  let wanted: (() => void) | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const stop = (message?: FromWorker) => {
          clearTimeout(timer);
          port.onmessage = null;
          wanted?.();
          if (message) say(message);
        };
        const fail = () => {
          controller.error(new Error('The page ended the download.'));
          stop();
        };
        const watch = () => {
          clearTimeout(timer);
          timer = setTimeout(fail, SILENCE_MS);
        };
        watch();
        port.onmessage = (e: MessageEvent<FromPage>) => {
          watch();
          if (e.data === 'failed') return fail();
          if (e.data === 'alive') return;
          if (e.data === 'end') {
            controller.close();
            return stop('closed');
          }
          controller.enqueue(new Uint8Array(e.data));
          wanted?.();
        };
      },
      pull() {
        say('pull');
        return new Promise<void>(resolve => (wanted = resolve));
      },
      cancel() {
        clearTimeout(timer);
        say('cancelled');
      },
    },
    { highWaterMark: 1 },
  );
}

function reply({ name, size, port }: Offered): Response {
  const headers = new Headers({
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': disposition(name),
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
  });
  if (size !== null) headers.set('Content-Length', String(size));
  return new Response(bytesFrom(port), { headers });
}

worker.addEventListener('install', e => e.waitUntil(worker.skipWaiting()));
worker.addEventListener('activate', e => e.waitUntil(worker.clients.claim()));

worker.addEventListener('message', e => {
  const [port] = e.ports;
  if (e.data.kind !== 'offer' || !port || !ID.test(e.data.id)) return;
  const { id, name, size } = e.data;
  offers.set(id, { name, size, port });
  port.onmessage = (said: MessageEvent<FromPage>) => {
    if (said.data === 'failed') offers.delete(id);
  };
  port.postMessage('ready' satisfies FromWorker);
});

worker.addEventListener('fetch', e => {
  const { pathname } = new URL(e.request.url);
  const id = pathname.slice('/stream/'.length);
  if (!ID.test(id)) return;
  const offered = offers.get(id);
  offers.delete(id);
  e.respondWith(offered ? reply(offered) : new Response(null, { status: 404 }));
});
