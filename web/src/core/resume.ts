// SPDX-License-Identifier: Apache-2.0
/** The body of a download that survives broken connections: the rest is asked for by Range. */
import { ApiError, asFailure, download, type OnProgress } from './api';
import { DamagedError } from './errors';

/** Pauses before the tries in a row that brought no byte; then it is given up. */
export const PAUSES_MS: readonly number[] = [500, 1000, 2000, 4000, 8000];

/** Resolves after `ms`; rejects when `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** Bytes of the whole file that a reply announces; null: it does not, or it packs the body. */
export function announcedSize(reply: Response): number | null {
  const length = reply.headers.get('Content-Length');
  if (length === null || !/^\d+$/.test(length) || reply.headers.has('Content-Encoding'))
    return null;
  return Number(length);
}

/** Whether trying again makes sense: no answer, or a server that is busy. */
const mayPass = (e: unknown) =>
  e instanceof ApiError && (e.code === 'NETWORK' || (e.status >= 502 && e.status <= 504));

type Reader = ReadableStreamDefaultReader<Uint8Array>;

class Resumed {
  private reader: Reader | null;
  private got = 0;
  private failures = 0;
  private readonly total: number | null;
  private readonly etag: string | null;

  constructor(
    private readonly key: string,
    first: Response,
    private readonly onProgress: OnProgress,
    private readonly signal: AbortSignal,
    private readonly pausesMs: readonly number[],
  ) {
    this.reader = first.body?.getReader() ?? null;
    this.total = announcedSize(first);
    this.etag = first.headers.get('ETag');
  }

  /** The next bytes; null at the end. */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      try {
        this.reader ??= await this.reopen();
        const { done, value } = await this.reader.read();
        if (!done && value.length === 0) continue;
        if (!done) return this.take(value);
        if (this.total === null || this.got === this.total) return null;
        throw new ApiError(0, 'NETWORK');
      } catch (e) {
        await this.recover(e);
      }
    }
  }

  cancel(reason: unknown): Promise<void> {
    return this.reader?.cancel(reason) ?? Promise.resolve();
  }

  private take(value: Uint8Array): Uint8Array {
    this.got += value.length;
    this.failures = 0;
    if (this.total !== null && this.got > this.total)
      throw new DamagedError('longer than announced');
    this.onProgress(this.got, this.total ?? this.got);
    return value;
  }

  /** Waits for the next try, or throws what there is no use in trying against. */
  private async recover(e: unknown): Promise<void> {
    if (e instanceof DamagedError) throw e;
    const failure = asFailure(e, this.signal);
    void this.reader?.cancel(failure).catch(() => undefined);
    this.reader = null;
    const wait = this.pausesMs[this.failures];
    // Without a length nobody can say what is missing, and without a tag of what file.
    if (!mayPass(failure) || wait === undefined || this.total === null || !this.etag) throw failure;
    this.failures++;
    await pause(wait, this.signal);
  }

  private async reopen(): Promise<Reader> {
    // All is here and only the end was lost; a range behind the end would be refused.
    if (this.got === this.total) return new Blob([]).stream().getReader();
    const reply = await download(this.key, this.got, this.etag, this.signal);
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(reply.headers.get('Content-Range') ?? '');
    const fits = Number(range?.[1]) === this.got && Number(range?.[2]) === this.total;
    if (reply.status !== 206 || !fits || !reply.body) {
      void reply.body?.cancel().catch(() => undefined);
      throw new ApiError(reply.status, 'BAD_REPLY');
    }
    return reply.body.getReader();
  }
}

/**
 * The whole body of the download that `first` began. Errors with ApiError, DamagedError, or
 * AbortError.
 */
export function resumed(
  key: string,
  first: Response,
  onProgress: OnProgress,
  signal: AbortSignal,
  pausesMs: readonly number[] = PAUSES_MS,
): ReadableStream<Uint8Array> {
  const body = new Resumed(key, first, onProgress, signal, pausesMs);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const bytes = await body.next();
        if (bytes) controller.enqueue(bytes);
        else controller.close();
      },
      cancel: reason => body.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
