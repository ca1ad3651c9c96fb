// SPDX-License-Identifier: Apache-2.0
/** Follows an upload through /status/, which takes nothing. */

import { ApiError, status, type Status } from './core/api';

export const PACE = { shown: 5_000, hidden: 30_000, trouble: 30_000 };

/** How often to look again after the last use was taken: a download that breaks gives it back. */
const AFTER_LAST_USE = 6;

/** Older than any download that could still give its use back. */
const LONG_GONE_MS = 10 * 60_000;

/** What is over, and cannot come back. `looks`: how often it was seen so already. */
export function isOver(s: Status, looks: number, now = Date.now()): boolean {
  if (s.status === 'active') return false;
  if (s.endedBy !== 'uses' || looks >= AFTER_LAST_USE) return true;
  return s.endedAt !== null && now - s.endedAt.getTime() > LONG_GONE_MS;
}

/**
 * Ask again and again: every 5 s while the page is seen, else every 30 s, until it is over.
 * `seen` gets each answer, or null when none came. Returns what stops it.
 */
export function watch(key: string, seen: (s: Status | null, over: boolean) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let usedUp = 0;
  let asking = false;

  const stop = (): void => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', shown);
  };
  const ask = async (): Promise<void> => {
    if (asking || stopped) return;
    asking = true;
    clearTimeout(timer);
    let wait = document.hidden ? PACE.hidden : PACE.shown;
    try {
      const now = await status(key);
      if (stopped) return;
      usedUp = now.endedBy === 'uses' ? usedUp + 1 : 0;
      const over = isOver(now, usedUp);
      if (over) stop();
      seen(now, over);
    } catch (e) {
      if (stopped) return;
      if (!(e instanceof ApiError)) throw e;
      wait = Math.max(PACE.trouble, (e.more.retryAt?.getTime() ?? 0) - Date.now());
      seen(null, false);
    } finally {
      asking = false;
      if (!stopped) timer = setTimeout(() => void ask(), wait);
    }
  };
  const shown = (): void => {
    if (!document.hidden) void ask();
  };
  document.addEventListener('visibilitychange', shown);
  void ask();
  return stop;
}
