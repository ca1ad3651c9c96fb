// SPDX-License-Identifier: Apache-2.0
/** What the sender hands on: the code, the link, the QR code; and what becomes of the upload. */

import { ApiError, burn, type Status } from '../core/api';
import { announce, copyButton, el, follow, retitle, tx, type Child } from '../dom';
import { formatDuration, formatSize, formatTime, t, tn, type Key } from '../i18n';
import { forget, type Upload } from '../session';
import { watch } from '../watch';

const SURE_MS = 6_000;

/** The words with marks where a line may end; copied by hand it is the code as it is. */
function codeWords(code: string): HTMLElement {
  const parts = code
    .split('-')
    .flatMap((word, i): Child[] => (i === 0 ? [word] : [el('i', {}, '-'), el('wbr'), word]));
  return el('p', { class: 'code', id: 'result-code', translate: 'no' }, ...parts);
}

function qrBox(link: string): HTMLElement {
  const box = el('div', { class: 'qr' });
  import('../qr').then(
    ({ qrCode }) =>
      box.append(
        follow(qrCode(link, t('send.qr')), svg => svg.setAttribute('aria-label', t('send.qr'))),
      ),
    () => box.remove(), // the link is there without its picture
  );
  return box;
}

/** The sentence for what is over. */
export function endOf(s: Status): [Key, Date | null] {
  const keys = { uses: 'send.endedUses', expiry: 'send.endedExpiry', revoked: 'send.endedRevoked' };
  if (!s.endedBy) return ['send.endedUnknown', null];
  return [keys[s.endedBy] as Key, s.endedAt];
}

/** Watches one upload and says what it sees, once for every change. */
class Course {
  readonly node = el('p', { class: 'notice', id: 'result-state' });
  private taken: Date | null = null;
  private left: number;
  private said: string | null = null;
  private say: () => string = () => '';

  constructor(readonly upload: Upload) {
    this.left = upload.uses;
    follow(this.node, n => (n.textContent = this.say()));
    this.show(() => this.waiting());
  }

  private waiting(): string {
    const n = this.left;
    if (!this.taken) return tn('send.waitingOne', 'send.waiting', n);
    return tn('send.takenOne', 'send.taken', n, { when: formatTime(this.taken) });
  }

  private show(say: () => string, look = 'notice'): void {
    this.say = say;
    const text = say();
    this.node.className = look;
    if (this.node.textContent === text) return;
    this.node.textContent = text;
    if (this.said !== null) announce(text);
    this.said = text;
  }

  seen(s: Status | null): void {
    if (!s) return this.show(() => t('send.noAnswer'));
    if (s.status === 'active') {
      if (s.remainingUses < this.left) this.taken = new Date();
      if (s.remainingUses >= this.upload.uses) this.taken = null;
      this.left = s.remainingUses;
      return this.show(() => this.waiting());
    }
    const [key, when] = endOf(s);
    const look = s.endedBy === 'uses' ? 'notice notice-good' : 'notice';
    this.show(() => t(key, { when: when ? formatTime(when) : '' }), look);
  }

  failed(key: Key): void {
    this.show(() => t(key), 'notice notice-bad');
  }
}

function burnButton(
  upload: Upload,
  course: Course,
  burned: (s: Status) => void,
): HTMLButtonElement {
  let sure = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const label = follow(new Text(), n => (n.data = t(sure ? 'send.burnSure' : 'send.burn')));
  const set = (on: boolean): void => {
    sure = on;
    label.data = t(on ? 'send.burnSure' : 'send.burn');
    button.setAttribute('aria-pressed', String(on));
    clearTimeout(timer);
    if (on) timer = setTimeout(() => set(false), SURE_MS);
  };
  const press = async (): Promise<void> => {
    if (!sure) {
      set(true);
      return announce(t('send.burnSure'));
    }
    set(false);
    button.disabled = true;
    try {
      await burn(upload.key, upload.burnToken);
    } catch (e) {
      const over = e instanceof ApiError && (e.status === 410 || e.status === 404);
      button.disabled = false;
      if (!over) return course.failed('send.burnFailed');
      return; // it ended by itself: the next look at its status says how
    }
    const endedAt = new Date();
    burned({ status: 'burned', remainingUses: 0, expiresAt: null, endedAt, endedBy: 'revoked' });
  };
  const button = el(
    'button',
    {
      type: 'button',
      class: 'button-danger',
      'aria-pressed': 'false',
      onclick: () => void press(),
    },
    label,
  );
  return button;
}

/** What is left of its time, every second until `stop`. */
function countdown(upload: Upload): { node: Text; stop: () => void } {
  let over = false;
  const write = (node: Text): void => {
    const left = formatDuration((upload.expiry - Date.now()) / 1000);
    const when = formatTime(new Date(upload.expiry));
    node.data = over ? '–' : t('send.endsAt', { left, when });
  };
  const node = follow(new Text(), write);
  const timer = setInterval(() => write(node), 1000);
  const stop = (): void => {
    over = true;
    clearInterval(timer);
    write(node);
  };
  return { node, stop };
}

function facts(upload: Upload, left: Node): HTMLElement {
  const row = (key: Key, value: Child, kind = ''): Node[] => [
    el('dt', { class: kind || null }, tx(key)),
    el('dd', { class: kind || null }, value),
  ];
  const size = follow(new Text(), n => (n.data = formatSize(upload.size)));
  return el(
    'dl',
    { class: 'meta-list' },
    ...row('send.name', el('bdi', {}, upload.name)),
    ...row('send.size', size),
    ...row('send.ends', left, 'time-left'),
    ...row('send.sealed', tx(upload.endToEnd ? 'send.sealedHere' : 'send.sealedThere')),
  );
}

export interface ResultView {
  node: HTMLElement;
  heading: HTMLElement;
  stop: () => void;
}

/** Lives until `stop`. `again` is the button to the form. */
export function resultView(upload: Upload, again: () => void): ResultView {
  const course = new Course(upload);
  const left = countdown(upload);
  const stop = (): void => {
    unwatch();
    left.stop();
  };
  // The last use may come back: then everything is as it was.
  const alive = (on: boolean): void => {
    handing.hidden = burning.hidden = !on;
    node.classList.toggle('over', !on);
    retitle(heading, on ? 'send.ready' : 'send.over');
  };
  const seen = (s: Status | null, over: boolean): void => {
    course.seen(s);
    if (s) alive(s.status === 'active');
    if (!over) return;
    forget(upload.key);
    burning.remove();
    handing.remove();
    left.stop();
  };
  const burning = burnButton(upload, course, s => {
    unwatch();
    seen(s, true);
    heading.focus();
  });
  const handing = el(
    'div',
    { class: 'row actions' },
    copyButton('send.copyCode', () => upload.code, 'button'),
    copyButton('send.copyLink', () => upload.link),
    el(
      'button',
      { type: 'button', class: 'button-quiet', onclick: () => print() },
      tx('send.print'),
    ),
  );
  const heading = el('h1', { tabindex: -1, id: 'result-title' });
  follow(heading, n => retitle(n, (n.dataset['t'] as Key | undefined) ?? 'send.ready'));
  const link = el('a', { href: upload.link, rel: 'noreferrer' }, upload.link);
  const node = el(
    'section',
    { class: 'card stack', 'aria-labelledby': 'result-title' },
    heading,
    el('div', { class: 'ticket' }, codeWords(upload.code), qrBox(upload.link)),
    el('p', { class: 'share' }, link),
    handing,
    course.node,
    facts(upload, left.node),
    el(
      'div',
      { class: 'row actions' },
      el('button', { type: 'button', class: 'button-quiet', onclick: again }, tx('send.again')),
      burning,
    ),
  );
  const unwatch = watch(upload.key, seen);
  return { node, heading, stop };
}
