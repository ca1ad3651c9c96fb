// SPDX-License-Identifier: Apache-2.0
/** Elements without markup in strings: what comes from outside can only become text. */

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
