// SPDX-License-Identifier: Apache-2.0
/** What the page and its service worker say to each other while a file streams to disk. */

/** To the worker, with a port: a file waits to be fetched at /stream/ID. Or: stay awake. */
export type ToWorker =
  { kind: 'offer'; id: string; name: string; size: number | null } | { kind: 'awake' };

/** From the worker, by the port. A pull asks for the next bytes; the first says it has begun. */
export type FromWorker = 'ready' | 'pull' | 'closed' | 'cancelled';

/** From the page, by the port: the next bytes, the good end, or that there will be none. */
export type FromPage = ArrayBuffer | 'end' | 'failed' | 'alive';

export const ID = /^[0-9a-f]{32}$/;
