// SPDX-License-Identifier: Apache-2.0
/** The one Trusted Types policy of the page: no string becomes a script's address but this one. */

export const WORKER_PATH = '/stream/sw.js';

interface Factory {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): unknown };
}

function only(url: string): string {
  if (url !== WORKER_PATH) throw new TypeError('not a script of this page');
  return url;
}

let made: unknown = null;

/** The service worker's address, as `register` takes it. */
export function workerUrl(): string {
  const { trustedTypes } = globalThis as { trustedTypes?: Factory };
  if (!trustedTypes) return WORKER_PATH;
  made ??= trustedTypes
    .createPolicy('mayfly', { createScriptURL: only })
    .createScriptURL(WORKER_PATH);
  return made as string;
}
