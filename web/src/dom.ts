// SPDX-License-Identifier: Apache-2.0
/** Elements without markup in strings: what comes from outside can only become text. */

import { onLanguage, t, type Key, type Values } from './i18n';

export type Child = Node | string | null | undefined | false;
type Prop = string | number | boolean | null | undefined | ((event: never) => void);

/**
 * An element with attributes, listeners (`onclick: ...`) and children. `true` is an attribute
 * without value; `false`, null and undefined leave it out.
 */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Record<string, Prop> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function')
      node.addEventListener(name.replace(/^on/, ''), value as EventListener);
    else if (value !== false && value !== null && value !== undefined)
      node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.filter(c => c !== null && c !== undefined && c !== false));
  return node;
}

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

/** True when the text is in the clipboard; plain http has no clipboard of the modern kind. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el('textarea', {
      class: 'visually-hidden',
      readonly: true,
      'aria-hidden': 'true',
    });
    const before = document.activeElement;
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    if (before instanceof HTMLElement) before.focus();
    return done;
  }
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
