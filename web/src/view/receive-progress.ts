// SPDX-License-Identifier: Apache-2.0
/** How far a download is: a bar, figures, and a way to stop it. */
import { announce, el, follow, tx } from '../dom';
import { formatDuration, formatSize, t } from '../i18n';
import { Pace, type ReceiveKey } from './receive-state';

export interface Progressing {
  /** Null while it is not known; the sender's, so nothing is done with it but to show it. */
  name: string | null;
  /** Whether stopping loses the file, so that it takes a second press. */
  last: boolean;
  stop: () => void;
}

export interface ProgressView {
  parts: HTMLElement[];
  progress: (done: number, total: number) => void;
}

const SHOW_MS = 200; /* figures that change faster cannot be read */
const SAY_MS = 10000; /* and a screen reader would say nothing else */

function press(key: ReceiveKey, kind: string, onclick: () => void): HTMLButtonElement {
  return el('button', { type: 'button', class: kind, onclick }, tx(key));
}

function stopping(last: boolean, stop: () => void): HTMLElement {
  const ask = (asked: boolean) => {
    question.hidden = !asked;
    cancel.hidden = asked;
    (asked ? keep : cancel).focus();
    if (asked) announce(t('receive.stopSure'));
  };
  const cancel = press('receive.cancel', 'button-quiet', () => (last ? ask(true) : stop()));
  const keep = press('receive.keepOn', 'button-quiet', () => ask(false));
  const anyway = press('receive.stopAnyway', 'button-danger', stop);
  const sure = el('p', { class: 'notice' }, tx('receive.stopSure'));
  const question = el('div', { class: 'stack', hidden: true }, sure);
  question.append(el('div', { class: 'row actions' }, keep, anyway));
  return el('div', {}, el('div', { class: 'row actions' }, cancel), question);
}

export function progressView(of: Progressing): ProgressView {
  const bar = el('progress', { class: 'progress' });
  follow(bar, b => b.setAttribute('aria-label', t('receive.downloading')));
  const figures = el('p', { class: 'figures' });
  const pace = new Pace();
  let shownAt = -Infinity;
  let saidAt = performance.now();

  const progress = (done: number, total: number) => {
    const now = performance.now();
    const whole = total > 0 && done >= total;
    const speed = pace.tell(now, done, total);
    if (!whole && now - shownAt < SHOW_MS) return;
    shownAt = now;
    const values = { done: formatSize(done), total: formatSize(total) };
    let text = total > 0 ? t('receive.progress', values) : formatSize(done);
    if (total > 0) {
      bar.max = total;
      bar.value = Math.min(done, total);
    }
    if (whole) text = t('receive.finishing');
    else if (speed && total > 0)
      text += ` · ${t('receive.rate', {
        rate: formatSize(speed.rate),
        left: formatDuration(Math.ceil(speed.left)),
      })}`;
    figures.textContent = text;
    if (now - saidAt < SAY_MS) return;
    saidAt = now;
    announce(text);
  };

  const name = el('p', { class: 'file-name' }, el('bdi', {}, of.name ?? ''));
  name.hidden = of.name === null;
  return { parts: [name, bar, figures, stopping(of.last, of.stop)], progress };
}
