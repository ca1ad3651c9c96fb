// SPDX-License-Identifier: Apache-2.0
/**
 * The receiving view: words or a link, what the file is, the download, and what came of it. Each
 * step replaces the one before; the heading of the new one gets the focus, and what happens without
 * a press is told in a live region. The words of a code are shown in their field only.
 */
import { status } from '../core/api';
import { fetchFile, look, type Fetched, type Offer } from '../core/receive';
import { readText, save } from '../core/save';
import { parseCode, type Code } from '../core/words';
import { announce, el, follow, tx } from '../dom';
import { formatDuration, formatNumber, formatSize, formatTime, t, type Values } from '../i18n';
import { wordsField } from './complete';
import { noteView } from './note';
import { progressView } from './receive-progress';
import {
  doubtOf,
  gone,
  isNote,
  never,
  NOTE_BYTES,
  problemOf,
  wasCancelled,
  type Phase,
  type Problem,
  type ReceiveKey,
} from './receive-state';

type Way = Exclude<Phase, 'look'>;

/** What the rest of the page must stop when it shows something else in the same place. */
let running: Receiving | null = null;

function button(key: ReceiveKey, press: () => void, kind = 'button'): HTMLButtonElement {
  return el('button', { type: 'button', class: kind, onclick: press }, tx(key));
}

const quiet = (key: ReceiveKey, press: () => void): HTMLButtonElement =>
  button(key, press, 'button-quiet');

function paragraph(key: ReceiveKey, kind = '', values: Values | (() => Values) = {}): HTMLElement {
  return el('p', { class: kind || null }, tx(key, values));
}

/** A figure that is written anew when the language changes. */
const figure = (write: () => string): Text => follow(new Text(), node => (node.data = write()));

const actions = (...buttons: HTMLElement[]): HTMLElement =>
  el('div', { class: 'row actions' }, ...buttons);

type Row = [ReceiveKey, Node];

function list(rows: Row[]): HTMLElement {
  const made = el('dl', { class: 'meta-list' });
  for (const [key, value] of rows) made.append(el('dt', {}, tx(key)), el('dd', {}, value));
  return made;
}

class Receiving {
  private readonly body = el('div', { class: 'stack receive' });
  private readonly keyWords: number;
  private ticking: ReturnType<typeof setInterval> | undefined;
  private busy: AbortController | null = null;
  /** Steps come and go while the server is asked: an answer for an older one is dropped. */
  private step = 0;

  constructor(
    root: HTMLElement,
    private readonly leave: () => void,
  ) {
    this.keyWords = Number(document.querySelector('main')?.dataset['keyWords']) || 4;
    root.replaceChildren(this.body);
  }

  begin(code: Code | null): void {
    if (code) this.consider(code);
    else this.enter('');
  }

  stop(): void {
    clearInterval(this.ticking);
    this.busy?.abort();
    this.step++;
  }

  private show(title: ReceiveKey, ...parts: (Node | null)[]): void {
    clearInterval(this.ticking);
    this.step++;
    const heading = el('h1', { tabindex: -1 }, tx(title));
    this.body.replaceChildren(heading, el('div', { class: 'card stack' }, ...parts));
    heading.focus();
  }

  private ending(): HTMLElement[] {
    return [quiet('receive.another', () => this.enter('')), quiet('receive.leave', this.leave)];
  }

  /* No code yet. */
  private enter(words: string): void {
    const field = wordsField(this.keyWords);
    field.input.value = words;
    const bad = el('p', { class: 'notice notice-bad', role: 'alert', hidden: true });
    const go = el('button', { type: 'submit', class: 'button' }, tx('receive.goOn'));
    const form = el('form', { class: 'stack', novalidate: true }, field.element, bad, actions(go));
    form.addEventListener('submit', e => {
      e.preventDefault();
      const code = parseCode(field.input.value);
      if (code) return this.consider(code);
      bad.replaceChildren(tx('receive.noCode', { n: this.keyWords }));
      bad.hidden = false;
      field.input.setAttribute('aria-invalid', 'true');
      field.input.focus();
    });
    field.input.addEventListener('input', () => {
      bad.hidden = true;
      field.input.removeAttribute('aria-invalid');
    });
    this.show('receive.title', form);
    field.input.focus();
  }

  private consider(code: Code): void {
    const doubt = doubtOf(code, this.keyWords);
    if (!doubt) return this.ask(code);
    this.show(
      'receive.askTitle',
      paragraph(doubt, 'notice', { n: this.keyWords, m: code.words.length }),
      actions(
        button('receive.correct', () => this.enter(code.text)),
        quiet('receive.complete', () => this.ask(code)),
      ),
    );
  }

  /* A code, and nothing asked for yet: what it is can be shown once, so a person decides when. */
  private ask(code: Code): void {
    this.show(
      'receive.sentTitle',
      paragraph('receive.sentLead'),
      code.kind === 'e2e' ? paragraph('receive.wordsStay') : null,
      actions(button('receive.show', () => void this.look(code))),
    );
  }

  private async look(code: Code): Promise<void> {
    this.show('receive.looking', el('progress', { class: 'progress' }));
    const step = this.step;
    try {
      const offer = await look(code);
      if (step === this.step) this.offer(offer);
    } catch (error) {
      if (step === this.step) this.fail(error, 'look', code, () => void this.look(code));
    }
  }

  private rows(offer: Offer): Row[] {
    const rows: Row[] = [];
    const { size: bytes, uses } = offer;
    if (offer.name !== null) rows.push(['receive.name', el('bdi', {}, offer.name)]);
    if (offer.type) rows.push(['receive.type', el('bdi', {}, offer.type)]);
    if (bytes !== null) rows.push(['receive.size', figure(() => formatSize(bytes))]);
    if (offer.expiry) rows.push(['receive.timeLeft', this.countdown(offer.expiry)]);
    if (uses !== null) rows.push(['receive.usesLeft', figure(() => formatNumber(uses))]);
    const sealed = offer.code.kind === 'e2e';
    rows.push(['receive.encryption', tx(sealed ? 'receive.endToEnd' : 'receive.byServer')]);
    return rows;
  }

  private countdown(expiry: Date): HTMLElement {
    const shown = el('span', { class: 'countdown' });
    const tick = () => {
      const left = Math.ceil((expiry.getTime() - Date.now()) / 1000);
      const text = left > 0 ? formatDuration(left) : t('receive.timeUp');
      if (shown.textContent !== text) shown.textContent = text;
    };
    tick();
    /* show() clears the ticking of the step before; this one begins after it. */
    queueMicrotask(() => {
      clearInterval(this.ticking);
      this.ticking = setInterval(() => (shown.isConnected ? tick() : this.stop()), 1000);
    });
    return shown;
  }

  private offer(offer: Offer, notice: ReceiveKey | null = null): void {
    const note = isNote(offer.name, offer.type, offer.size);
    const fetch = (way: Way) => () => void this.fetch(offer, way);
    this.show(
      'receive.offerTitle',
      notice && paragraph(notice, 'notice'),
      offer.previewTaken ? paragraph('receive.previewTaken', 'notice') : null,
      list(this.rows(offer)),
      offer.uses === 1 ? paragraph('receive.lastUse') : null,
      note && offer.uses !== 1 ? paragraph('receive.takesOne') : null,
      note
        ? actions(
            button('receive.showHere', fetch('show')),
            quiet('receive.saveFile', fetch('save')),
          )
        : actions(button('receive.download', fetch('save'))),
    );
  }

  private async fetch(offer: Offer, way: Way): Promise<void> {
    const busy = new AbortController();
    this.busy = busy;
    const view = progressView({
      name: offer.name,
      last: offer.uses === null || offer.uses <= 1,
      stop: () => busy.abort(),
    });
    this.show('receive.downloading', ...view.parts);
    const step = this.step;
    let phase: Phase = 'look'; /* until bytes have come, nothing was lost on the way */
    const progress = (done: number, total: number) => {
      if (done > 0) phase = way;
      if (!this.body.isConnected) busy.abort();
      else if (step === this.step) view.progress(done, total);
    };
    addEventListener('beforeunload', keepOpen);
    try {
      const fetched = await fetchFile(offer, progress, busy.signal);
      if (way === 'show') {
        const { stream, bytes } = kept(fetched.stream);
        const text = await readText({ ...fetched, stream }, NOTE_BYTES);
        if (step === this.step) this.note(fetched.name, text, bytes());
      } else {
        await save(fetched, busy.signal);
        if (step === this.step) this.done(offer, fetched);
      }
    } catch (error) {
      if (step !== this.step) return;
      if (wasCancelled(error)) void this.refresh(offer, 'receive.cancelled');
      else this.fail(error, phase, offer.code, () => void this.refresh(offer, null));
    } finally {
      removeEventListener('beforeunload', keepOpen);
      if (this.busy === busy) this.busy = null;
    }
  }

  private note(name: string, text: string, bytes: Blob): void {
    const told = el('p', { class: 'notice' });
    const parts = noteView({ name, text, bytes }, key => {
      told.replaceChildren(tx(key));
      announce(t(key));
    });
    const lead = paragraph('receive.noteLead');
    this.show('receive.noteTitle', lead, ...parts, told, actions(...this.ending()));
  }

  private done(offer: Offer, fetched: Fetched): void {
    const { name, size: bytes, sha256 } = fetched;
    const rows: Row[] = [['receive.name', el('bdi', {}, name)]];
    if (bytes !== null) rows.push(['receive.size', figure(() => formatSize(bytes))]);
    if (sha256) rows.push(['receive.sha256', el('code', { class: 'hash' }, sha256)]);
    const key = offer.code.kind === 'e2e' ? 'receive.doneEndToEnd' : 'receive.donePlain';
    const good = paragraph(key, 'notice notice-good');
    this.show('receive.doneTitle', good, list(rows), actions(...this.ending()));
    announce(t(key));
  }

  /* After a download that did not end well: whether there is another one to be had. */
  private async refresh(offer: Offer, notice: ReceiveKey | null): Promise<void> {
    this.show('receive.looking', el('progress', { class: 'progress' }));
    const step = this.step;
    const again = () => void this.refresh(offer, notice);
    try {
      const now = await status(offer.key);
      if (step !== this.step) return;
      if (now.status === 'active') {
        const expiry = now.expiresAt ?? offer.expiry;
        this.offer({ ...offer, uses: now.remainingUses, expiry }, notice);
      } else if (now.status === 'unknown') {
        this.problem(never(), offer.code, again);
      } else {
        this.problem(gone(now.endedBy, now.endedAt), offer.code, again, notice);
      }
    } catch (error) {
      if (step === this.step) this.fail(error, 'look', offer.code, again);
    }
  }

  private fail(error: unknown, phase: Phase, code: Code, again: () => void): void {
    this.problem(problemOf(error, phase), code, again);
  }

  private problem(
    found: Problem,
    code: Code,
    again: () => void,
    notice: ReceiveKey | null = null,
  ): void {
    const { when } = found;
    const values = (): Values => (when ? { when: formatTime(when) } : {});
    const ways = {
      words: () => button('receive.correct', () => this.enter(code.text)),
      retry: () => button('receive.tryAgain', again),
    };
    this.show(
      found.title,
      notice && paragraph(notice, 'notice'),
      paragraph(found.text, 'notice notice-bad', values),
      actions(...found.follow.map(way => ways[way]()), ...this.ending()),
    );
    announce(t(found.text, values()));
  }
}

/** The stream, and its bytes when it has ended: the text alone would lose some on the way back. */
function kept(from: ReadableStream<Uint8Array>) {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const stream = from.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(part, control) {
        parts.push(part.slice());
        control.enqueue(part);
      },
    }),
  );
  return { stream, bytes: () => new Blob(parts) };
}

/** Closing the page would end the download: browsers ask first when this is listening. */
function keepOpen(e: BeforeUnloadEvent): void {
  e.preventDefault();
}

/** Shows the view in `root`; `leave` is called when a person wants to send instead. */
export function showReceive(root: HTMLElement, code: Code | null, leave: () => void): void {
  running?.stop();
  running = new Receiving(root, () => {
    running?.stop();
    running = null;
    leave();
  });
  running.begin(code);
}
