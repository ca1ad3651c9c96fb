// SPDX-License-Identifier: Apache-2.0
/** The bar of a running upload: how much, how fast, how much longer; and the way out. */

import { announce, el, tx } from '../dom';
import { formatDuration, formatPercent, formatSize, t, type Key } from '../i18n';

/** Screen readers hear of every quarter, at most every so many milliseconds. */
const QUIET_MS = 5_000;
const REDRAW_MS = 200;
/** The rate is that of the last seconds: an average over everything is slow to tell the truth. */
const WINDOW_MS = 4_000;

export interface SendProgress {
  node: HTMLElement;
  heading: HTMLElement;
  phase(name: 'preparing' | 'sending'): void;
  progress(done: number, total: number): void;
}

/** Bytes per second and seconds left, from points (ms, bytes); null: too early. */
export function speed(
  points: readonly (readonly [number, number])[],
  total: number,
): { rate: number; left: number } | null {
  const first = points[0];
  const last = points[points.length - 1];
  if (!first || !last || last[0] - first[0] < 500 || last[1] <= first[1]) return null;
  const rate = ((last[1] - first[1]) * 1000) / (last[0] - first[0]);
  return { rate, left: (total - last[1]) / rate };
}

function figures(done: number, total: number, now: ReturnType<typeof speed>): string {
  const moved = t('common.moving', { done: formatSize(done), total: formatSize(total) });
  if (!now || done >= total) return moved;
  const left = formatDuration(Math.ceil(now.left), 'short');
  return `${moved} · ${t('common.movingRate', { rate: formatSize(Math.round(now.rate)), left })}`;
}

export function sendProgress(cancel: () => void): SendProgress {
  const bar = el('progress', { max: 1, value: 0, 'aria-labelledby': 'send-phase' });
  const label = el('h1', { id: 'send-phase', tabindex: -1 }, tx('send.preparing'));
  const line = el('p', { class: 'figures muted' });
  const stop = el(
    'button',
    { type: 'button', class: 'button-quiet', onclick: cancel },
    tx('common.cancel'),
  );
  const node = el(
    'div',
    { class: 'card stack' },
    label,
    bar,
    line,
    el('div', { class: 'row actions' }, stop),
  );
  let points: [number, number][] = [];
  let drawn = 0;
  let said = 0;
  let quarter = 0;
  return {
    node,
    heading: label,
    phase(name) {
      const key: Key = name === 'preparing' ? 'send.preparing' : 'send.sending';
      label.replaceChildren(tx(key));
      line.textContent = '';
      bar.value = drawn = 0;
      points = [];
    },
    progress(done, total) {
      const now = performance.now();
      if (now - drawn < REDRAW_MS && done < total) return;
      drawn = now;
      points = [...points.filter(([at]) => now - at < WINDOW_MS), [now, done]];
      bar.value = total > 0 ? done / total : 0;
      line.textContent = figures(done, total, speed(points, total));
      const part = Math.floor(bar.value * 4);
      if (part > quarter && part < 4 && now - said > QUIET_MS) {
        quarter = part;
        said = now;
        announce(t('send.said', { part: formatPercent(part / 4) }));
      }
    },
  };
}
