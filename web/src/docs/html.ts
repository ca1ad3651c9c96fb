// SPDX-License-Identifier: Apache-2.0
/** What the viewer is made of beside plain elements. */

import { copyText, el, type Child } from '../element';

/** A sentence, with what stands between backquotes as code. */
export function prose(text: string): Child[] {
  return text.split('`').map((piece, i) => (i % 2 ? el('code', {}, piece) : piece));
}

/** A button that copies what `text` gives, and says so. */
export function copyButton(label: string, text: () => string): HTMLElement {
  const said = el('span', { role: 'status', class: 'muted' });
  const button = el('button', { type: 'button', class: 'button-quiet' }, label);
  button.addEventListener('click', () => {
    void copyText(text()).then(isDone => {
      said.textContent = isDone ? 'Copied.' : 'Select and copy it by hand.';
    });
  });
  return el('span', { class: 'row' }, button, said);
}
