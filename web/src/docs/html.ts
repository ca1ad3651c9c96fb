// SPDX-License-Identifier: Apache-2.0
/** Elements from data. Text stays text. */

export type Child = Node | string | null;

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value === true) element.setAttribute(name, '');
    else if (value !== false) element.setAttribute(name, value);
  element.append(...children.filter(c => c !== null));
  return element;
}

/** A sentence, with what stands between backquotes as code. */
export function prose(text: string): Child[] {
  return text.split('`').map((piece, i) => (i % 2 ? make('code', {}, piece) : piece));
}

/** A button that copies what `text` gives, and says so. */
export function copyButton(label: string, text: () => string): HTMLElement {
  const said = make('span', { role: 'status', class: 'muted' });
  const button = make('button', { type: 'button', class: 'button-quiet' }, label);
  button.addEventListener('click', () => {
    void copy(text()).then(isDone => {
      said.textContent = isDone ? 'Copied.' : 'Select and copy it by hand.';
    });
  });
  return make('span', { class: 'row' }, button, said);
}

/** Browsers give the clipboard only to https and localhost. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
