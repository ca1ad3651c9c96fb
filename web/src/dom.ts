// SPDX-License-Identifier: Apache-2.0
/** Elements whose texts follow the language. */

import { copyText, el } from './element';
import { onLanguage, t, type Key, type Values } from './i18n';

export { copyText, el, type Child } from './element';

const living = new Set<{ node: WeakRef<Node>; render: (node: never) => void }>();

onLanguage(() => {
  for (const entry of living) {
    const node = entry.node.deref();
    if (node) entry.render(node as never);
    else living.delete(entry);
  }
});

/** Render now and again whenever the language changes, for as long as the node lives. */
export function follow<T extends Node>(node: T, render: (node: T) => void): T {
  render(node);
  living.add({ node: new WeakRef<Node>(node), render });
  return node;
}

/** A text node that follows the language. */
export function tx(key: Key, values: Values | (() => Values) = {}): Text {
  return follow(new Text(), node => {
    node.data = t(key, typeof values === 'function' ? values() : values);
  });
}

/** Fill everything below `root` that names its message in data-t. */
export function translate(root: ParentNode): void {
  for (const node of root.querySelectorAll<HTMLElement>('[data-t]'))
    follow(node, n => {
      n.textContent = t(n.dataset['t'] as Key);
    });
}

/** Give another message to what `translate` has filled, or will fill. */
export function retitle(node: HTMLElement, key: Key): void {
  node.dataset['t'] = key;
  node.textContent = t(key);
}

/** Say it to screen readers. The same sentence twice is said twice. */
export function announce(text: string): void {
  const live = document.getElementById('live');
  if (!live) return;
  live.textContent = '';
  setTimeout(() => (live.textContent = text), 50);
}

/** A button that copies and says so, on itself and to screen readers. */
export function copyButton(
  label: Key,
  text: () => string,
  look = 'button-quiet',
): HTMLButtonElement {
  let shown: Key = label;
  const words = tx(label);
  const show = (key: Key): void => {
    shown = key;
    words.data = t(shown);
  };
  const press = async (): Promise<void> => {
    show((await copyText(text())) ? 'common.copied' : 'common.copyFailed');
    announce(t(shown));
    setTimeout(() => show(label), 2500);
  };
  return el('button', { type: 'button', class: look, onclick: () => void press() }, words);
}
