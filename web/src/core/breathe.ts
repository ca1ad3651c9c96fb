// SPDX-License-Identifier: Apache-2.0
/** Long work in the page's one thread, with room for clicks and pictures in between. */

const WORK_MS = 24;

/**
 * A function to call often: now and then it waits until everything else has had its turn. Streams
 * alone do not: their promises come before any event, so that a cancel would wait for the end. By
 * a message, not a timer, which a page in the background gets once a second.
 */
export function breather(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < WORK_MS) return;
    await new Promise<void>(resolve => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    });
    since = performance.now();
  };
}
