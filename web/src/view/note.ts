// SPDX-License-Identifier: Apache-2.0
/** A text note shown in place: as text only, held by this page and by nothing else. */
import { save } from '../core/save';
import { copyButton, el, follow, tx } from '../dom';
import { t } from '../i18n';
import type { ReceiveKey } from './receive-state';

export interface Note {
  name: string;
  text: string;
  /** What the text was decoded from. */
  bytes: Blob;
}

/**
 * The note and what can be done with it. Saving takes no further download: the text is here.
 * @param say tells a sentence in the view's live region
 */
export function noteView(note: Note, say: (key: ReceiveKey) => void): HTMLElement[] {
  const { name, text, bytes } = note;
  const shown = el('pre', { class: 'note', tabindex: 0, dir: 'auto', role: 'region' });
  follow(shown, pre => pre.setAttribute('aria-label', t('receive.noteTitle')));
  shown.textContent = text;
  const saveButton = el('button', { type: 'button', class: 'button-quiet' });
  saveButton.append(tx('receive.saveFile'));
  saveButton.addEventListener('click', () => {
    const file = {
      name,
      type: 'text/plain',
      size: bytes.size,
      stream: bytes.stream(),
      sha256: null,
    };
    save(file, new AbortController().signal).then(
      () => say('receive.noteSaved'),
      () => say('receive.failed'),
    );
  });
  const copy = copyButton('receive.copy', () => text, 'button');
  return [shown, el('div', { class: 'row actions' }, copy, saveButton)];
}
