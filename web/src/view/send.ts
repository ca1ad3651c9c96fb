// SPDX-License-Identifier: Apache-2.0
/** The sending side: the form of page.html, made to send from here; the bar; the result. */

import type { Packed } from '../core/pack';
import { announce, el, follow, retitle, tx } from '../dom';
import { expiryChoices } from '../expiry';
import { formatDuration, formatSize, formatTime, t } from '../i18n';
import { limits } from '../limits';
import { remember, tidy, toUpload, type Upload } from '../session';
import { livingList } from './list';
import { resultView, type ResultView } from './result';
import { sendProblem, wasCancelled } from './send-problem';
import { sendProgress } from './send-progress';
import { whatToSend } from './send-what';

function byId<T extends HTMLElement>(id: string): T {
  const node = document.getElementById(id);
  if (!node) throw new Error(`the page has no #${id}`);
  return node as T;
}

/** The number of minutes becomes a choice among round times. */
function offerTimes(): HTMLSelectElement {
  const minutes = byId<HTMLInputElement>('expiry');
  const usual = Number(minutes.value);
  const choice = el('select', { id: 'expiry', name: 'expiry' });
  for (const m of expiryChoices(limits.maxExpiry, usual)) {
    const option = el('option', { value: m, selected: m === usual });
    choice.append(follow(option, n => (n.textContent = formatDuration(m * 60))));
  }
  minutes.replaceWith(choice);
  retitle(byId('expiry-label'), 'send.expiry');
  return choice;
}

/** The switch for end to end; where the server must see types it is off, and says why. */
function offerEndToEnd(place: HTMLElement): HTMLInputElement {
  const box = el('input', {
    type: 'checkbox',
    id: 'e2e',
    role: 'switch',
    checked: limits.endToEnd,
    disabled: !limits.endToEnd,
    'aria-describedby': 'e2e-why',
  });
  const why = follow(el('p', { id: 'e2e-why', class: 'muted' }), n => {
    const key = box.checked ? 'send.e2eOn' : 'send.e2eOff';
    n.textContent = t(limits.endToEnd ? key : 'send.e2eForbidden');
  });
  box.addEventListener('change', () => {
    why.textContent = t(box.checked ? 'send.e2eOn' : 'send.e2eOff');
  });
  place.append(
    el('div', { class: 'switch' }, box, el('label', { for: 'e2e' }, tx('send.e2e')), why),
  );
  return box;
}

/** mayflyd writes the token's field; its label is the only text there. */
function tokenField(): HTMLInputElement | null {
  const field = document.querySelector<HTMLInputElement>('#send-token input[name="token"]');
  if (!field) return null;
  field.id ||= 'token';
  field.autocomplete = 'off';
  const label = el('label', { for: field.id }, tx('send.token'));
  byId('send-token').replaceChildren(el('div', { class: 'field' }, label, field));
  return field;
}

class SendView {
  private readonly work = byId('send-work');
  private readonly form = byId<HTMLFormElement>('send-form');
  private readonly error = byId('send-error');
  private readonly what = whatToSend(this.form, () => this.error.replaceChildren());
  private readonly expiry = offerTimes();
  private readonly uses = byId<HTMLInputElement>('uses');
  private readonly endToEnd = offerEndToEnd(byId('send-e2e'));
  private readonly token = tokenField();
  private readonly list = livingList(byId('send-living'), upload => this.result(upload));
  private shown: ResultView | null = null;
  private running: AbortController | null = null;

  constructor() {
    tidy();
    this.list.refresh(null);
    this.form.addEventListener('submit', event => {
      event.preventDefault();
      void this.submit();
    });
    addEventListener('beforeunload', event => {
      if (this.running) event.preventDefault();
    });
  }

  /** Files may come by drop or paste from anywhere on the page, while the form is there. */
  take(files: readonly File[], text: string): boolean {
    if (this.running || this.shown || !this.form.isConnected) return false;
    return this.what.take(files, text);
  }

  private complain(say: () => string): void {
    this.error.replaceChildren(
      follow(el('p', { class: 'notice notice-bad' }), n => (n.textContent = say())),
    );
  }

  private async submit(): Promise<void> {
    if (this.running) return;
    this.error.replaceChildren();
    const packed = await this.what.pack();
    if (!packed) {
      this.complain(() => t('send.nothing'));
      this.what.focus();
      return;
    }
    if (packed.size > limits.fileSize)
      return this.complain(() => t('send.badTooLarge', { limit: limits.fileSizeText }));
    await this.send(packed);
  }

  private async send(packed: Packed): Promise<void> {
    const running = new AbortController();
    const view = sendProgress(() => running.abort());
    this.running = running;
    this.put(view.node);
    view.heading.focus();
    try {
      const { sendFiles } = await import('../core/send');
      const token = this.token?.value;
      const options = {
        expiryMin: Number(this.expiry.value),
        uses: this.uses.valueAsNumber || 1,
        endToEnd: this.endToEnd.checked,
        ...(token ? { token } : {}),
      };
      const upload = toUpload(await sendFiles(packed, options, view, running.signal));
      this.running = null;
      remember(upload);
      this.what.clear();
      this.result(upload);
    } catch (e) {
      this.running = null;
      this.back();
      if (wasCancelled(e)) return announce(t('send.cancelled'));
      this.complain(() => this.sentence(e));
    }
  }

  private sentence(e: unknown): string {
    const { text, when, code } = sendProblem(e);
    return t(text, {
      limit: limits.fileSizeText,
      when: when ? formatTime(when) : '',
      code: code ?? '',
    });
  }

  /** The welcome makes room for everything but the form. */
  private put(node: HTMLElement): void {
    this.work.replaceChildren(node);
    byId('main').classList.toggle('at-work', node !== this.form);
  }

  private result(upload: Upload): void {
    this.shown?.stop();
    this.shown = resultView(upload, () => {
      this.back();
      this.what.focus();
    });
    this.put(this.shown.node);
    this.list.refresh(upload.key);
    this.shown.heading.focus();
    announce(`${t('send.ready')} ${upload.code.replaceAll('-', ' ')}`);
  }

  /** To the form, with the files still in it unless they were sent. */
  private back(): void {
    this.shown?.stop();
    this.shown = null;
    this.put(this.form);
    this.list.refresh(null);
    byId('send-go').focus();
  }
}

/** Files and text pasted or dropped anywhere, unless it is meant for a field. */
function listen(view: SendView, shown: () => boolean): void {
  const inField = (target: EventTarget | null): boolean =>
    target instanceof HTMLElement &&
    target.matches('textarea, select, input:not([type=file], [type=checkbox])');
  const drop = byId('drop');
  document.addEventListener('paste', event => {
    const data = event.clipboardData;
    if (!data || !shown()) return;
    const files = [...data.files];
    if (files.length === 0 && inField(event.target)) return;
    if (view.take(files, data.getData('text/plain'))) event.preventDefault();
  });
  document.addEventListener('dragover', event => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    drop.classList.add('over');
  });
  document.addEventListener('dragleave', event => {
    if (!event.relatedTarget) drop.classList.remove('over');
  });
  document.addEventListener('drop', event => {
    drop.classList.remove('over');
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault(); // else the browser would open the file and leave the page
    if (shown()) view.take([...event.dataTransfer.files], '');
  });
}

/** `shown`: whether the sending side is what the page shows now. */
export function startSend(shown: () => boolean): void {
  follow(byId('drop-hint'), n => {
    n.textContent = t('send.dropHint', {
      size: limits.fileSizeText || formatSize(limits.fileSize),
    });
  });
  listen(new SendView(), shown);
}
