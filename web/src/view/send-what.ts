// SPDX-License-Identifier: Apache-2.0
/** What is to be sent: files picked, dropped or pasted, or a text. */

import type { Packed } from '../core/pack';
import { announce, el, follow, retitle, tx } from '../dom';
import { formatSize, t, tn, type Key } from '../i18n';

export interface What {
  /** Files go before text, which becomes the note. False: there was nothing to take. */
  take(files: readonly File[], text: string): boolean;
  /** null: nothing is chosen. */
  pack(): Promise<Packed | null>;
  clear(): void;
  focus(): void;
}

type Kind = 'files' | 'note';

function tab(kind: Kind, label: Key, pick: (kind: Kind) => void): HTMLButtonElement {
  return el(
    'button',
    {
      type: 'button',
      role: 'tab',
      id: `tab-${kind}`,
      'aria-controls': `panel-${kind}`,
      onclick: () => pick(kind),
    },
    tx(label),
  );
}

/** Two tabs over two panels, as the ARIA practices have them: arrows move and choose. */
function tabs(place: HTMLElement, panels: Record<Kind, HTMLElement>): (kind: Kind) => void {
  const pick = (kind: Kind): void => {
    for (const k of ['files', 'note'] as const) {
      buttons[k].setAttribute('aria-selected', String(k === kind));
      buttons[k].tabIndex = k === kind ? 0 : -1;
      panels[k].hidden = k !== kind;
    }
  };
  const buttons = {
    files: tab('files', 'send.kindFiles', pick),
    note: tab('note', 'send.kindNote', pick),
  };
  const row = el('div', { class: 'kinds', role: 'tablist' }, buttons.files, buttons.note);
  follow(row, n => n.setAttribute('aria-label', t('send.kind')));
  row.addEventListener('keydown', event => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const other = panels.files.hidden ? 'files' : 'note';
    pick(other);
    buttons[other].focus();
  });
  place.append(row);
  for (const k of ['files', 'note'] as const) {
    panels[k].id = `panel-${k}`;
    panels[k].setAttribute('role', 'tabpanel');
    panels[k].setAttribute('aria-labelledby', `tab-${k}`);
  }
  pick('files');
  return pick;
}

class Files {
  files: File[] = [];
  readonly node = el('ul', { class: 'files' });
  readonly sum = el('p', { class: 'muted' });

  constructor(
    private readonly input: HTMLInputElement,
    private readonly title: HTMLElement,
    private readonly changed: () => void,
  ) {
    follow(this.node, n => n.setAttribute('aria-label', t('send.chosen')));
    follow(this.sum, () => this.describe());
  }

  private describe(): void {
    const n = this.files.length;
    const size = formatSize(this.files.reduce((all, f) => all + f.size, 0));
    this.sum.textContent = n > 1 ? tn('send.chosenSum', 'send.chosenSum', n, { size }) : '';
    this.sum.hidden = n < 2;
    this.node.hidden = n === 0;
    retitle(this.title, n > 0 ? 'send.dropMore' : 'send.dropTitleMany');
    this.input.required = false;
  }

  private row(file: File): HTMLLIElement {
    const remove = (): void => {
      const at = this.files.indexOf(file);
      this.set(this.files.filter(f => f !== file));
      announce(t('send.removed', { name: file.name }));
      const next = this.node.querySelectorAll('button')[Math.min(at, this.files.length - 1)];
      (next ?? this.input).focus();
    };
    const size = follow(new Text(), n => (n.data = formatSize(file.size)));
    const button = el('button', { type: 'button', onclick: remove }, tx('send.remove'));
    follow(button, n => n.setAttribute('aria-label', t('send.removeName', { name: file.name })));
    const side = el('span', { class: 'side' }, size, button);
    return el('li', {}, el('bdi', {}, file.name), side);
  }

  set(files: File[]): void {
    this.files = files;
    this.node.replaceChildren(...files.map(f => this.row(f)));
    this.describe();
    this.changed();
  }

  add(files: readonly File[]): void {
    this.set([...this.files, ...files]);
    announce(files.map(f => t('send.added', { name: f.name })).join(' '));
  }
}

export function whatToSend(form: HTMLFormElement, changed: () => void): What {
  const input = form.querySelector<HTMLInputElement>('#file')!;
  const panel = form.querySelector<HTMLElement>('#send-what')!;
  const title = panel.querySelector<HTMLElement>('.drop-title')!;
  const list = new Files(input, title, changed);
  panel.classList.add('stack');
  panel.append(list.node, list.sum);
  input.multiple = true;
  input.removeAttribute('name');
  const note = el('textarea', { id: 'note', rows: 7, spellcheck: 'false', oninput: changed });
  const notePanel = el(
    'div',
    { class: 'field' },
    el('label', { for: 'note' }, tx('send.note')),
    note,
  );
  panel.after(notePanel);
  const pick = tabs(form.querySelector<HTMLElement>('#send-kind')!, {
    files: panel,
    note: notePanel,
  });
  input.addEventListener('change', () => {
    if (input.files?.length) list.add([...input.files]);
    input.value = ''; // the same file may be chosen again after it was removed
  });
  return {
    take(files, text) {
      if (files.length === 0 && text === '') return false;
      pick(files.length > 0 ? 'files' : 'note');
      if (files.length > 0) list.add(files);
      else {
        note.value += text;
        note.focus();
      }
      changed();
      return true;
    },
    async pack() {
      const noted = panel.hidden ? note.value : '';
      const file = noted ? [new File([noted], 'note.txt', { type: 'text/plain' })] : [];
      const files = panel.hidden ? file : list.files;
      return files.length > 0 ? (await import('../core/pack')).pack(files) : null;
    },
    clear() {
      list.set([]);
      note.value = '';
      pick('files');
    },
    focus: () => (panel.hidden ? note : input).focus(),
  };
}
