// SPDX-License-Identifier: Apache-2.0
/**
 * A field for the words of a code, each completed from the list: a combobox with a listbox popup
 * as ARIA 1.2 has it. The focus stays in the field; arrows move in the list, Enter and Tab take,
 * Escape closes. Without the list (not loaded, not allowed) it is a plain field.
 */
import { complete, loadWords } from '../core/words';
import { announce, el, follow, tx } from '../dom';
import { t } from '../i18n';
import { isWords, put, spotAt, strangers, wordsIn } from './receive-state';

const MOST = 6; /* suggestions at once: what fits under a thumb */
const LEAST = 2; /* letters before anything is suggested */

export interface WordsField {
  /** Label, field, list and hints. */
  element: HTMLElement;
  input: HTMLInputElement;
}

let count = 0;

class Completion {
  private list: readonly string[] = [];
  private known: ReadonlySet<string> = new Set();
  private shown: string[] = [];
  private active = -1;
  private loading = false;
  private told = 0;

  constructor(
    private readonly input: HTMLInputElement,
    private readonly popup: HTMLElement,
    private readonly hint: HTMLElement,
  ) {
    input.addEventListener('focus', () => void this.load());
    input.addEventListener('input', () => this.look());
    input.addEventListener('blur', () => this.blur());
    input.addEventListener('keydown', e => this.key(e));
    input.addEventListener('beforeinput', e => this.separate(e));
    input.addEventListener('click', () => this.look());
    /* The field would lose the focus, and with it the list, before the click arrives. */
    popup.addEventListener('mousedown', e => e.preventDefault());
  }

  private async load(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    try {
      this.list = await loadWords();
      this.known = new Set(this.list);
      if (document.activeElement === this.input) this.look();
    } catch {
      this.loading = false; /* the next focus tries again */
    }
  }

  private caret(): number {
    return this.input.selectionStart ?? this.input.value.length;
  }

  private look(): void {
    const text = this.input.value;
    const { prefix } = spotAt(text, this.caret());
    let found: string[] = [];
    if (isWords(text) && wordsIn(text).length <= 6 && prefix.length >= LEAST)
      found = complete(this.list, prefix, MOST);
    if (found.length === 1 && found[0] === prefix) found = [];
    this.fill(found);
    this.doubt(this.caret());
  }

  private blur(): void {
    this.fill([]);
    this.doubt(-1);
  }

  /** Names finished words that are in no code; without a caret (-1) all are finished. */
  private doubt(caret: number): void {
    const text = this.input.value + (caret < 0 ? ' ' : '');
    const odd = this.known.size ? strangers(text, caret < 0 ? text.length : caret, this.known) : [];
    const say = odd.length ? t('receive.notInList', { words: odd.join(', ') }) : '';
    if (this.hint.textContent !== say) this.hint.textContent = say;
  }

  private fill(words: string[]): void {
    this.shown = words;
    this.active = -1;
    this.popup.replaceChildren(
      ...words.map((word, i) => {
        const id = `${this.popup.id}-${i}`;
        const option = el('li', { id, role: 'option', 'aria-selected': 'false' }, word);
        option.addEventListener('click', () => this.take(word));
        return option;
      }),
    );
    this.popup.hidden = words.length === 0;
    this.input.setAttribute('aria-expanded', String(words.length > 0));
    this.input.removeAttribute('aria-activedescendant');
    if (words.length > 0 && words.length !== this.told)
      announce(t('receive.suggestions', { n: words.length }));
    this.told = words.length;
  }

  private move(to: number): void {
    const options = [...this.popup.children];
    options[this.active]?.setAttribute('aria-selected', 'false');
    this.active = (to + options.length) % options.length;
    const option = options[this.active]!;
    option.setAttribute('aria-selected', 'true');
    this.input.setAttribute('aria-activedescendant', option.id);
    option.scrollIntoView({ block: 'nearest' });
  }

  private take(word: string): void {
    const next = put(this.input.value, spotAt(this.input.value, this.caret()), word);
    this.input.value = next.text;
    this.input.setSelectionRange(next.caret, next.caret);
    this.fill([]);
    this.doubt(next.caret);
    this.input.focus();
  }

  private key(e: KeyboardEvent): void {
    if (this.shown.length === 0 || e.isComposing || e.ctrlKey || e.metaKey || e.altKey) return;
    const word = this.shown[this.active];
    if (e.key === 'ArrowDown') this.move(this.active + 1);
    else if (e.key === 'ArrowUp')
      this.move(this.active < 0 ? this.shown.length - 1 : this.active - 1);
    else if (e.key === 'Escape') this.fill([]);
    else if (e.key === 'Enter' && word) this.take(word);
    else if (e.key === 'Tab' && !e.shiftKey && (word ?? this.only()))
      this.take(word ?? this.only()!);
    else return;
    e.preventDefault();
  }

  /** The one word that what was typed can become. */
  private only(): string | undefined {
    return this.shown.length === 1 ? this.shown[0] : undefined;
  }

  /** A blank or hyphen goes to the next word, and finishes one that can only be that. */
  private separate(e: InputEvent): void {
    if (!e.cancelable || e.inputType !== 'insertText' || !isWords(this.input.value)) return;
    if (e.data !== ' ' && e.data !== '-') return;
    const caret = this.caret();
    if (caret !== this.input.value.length || this.input.selectionEnd !== caret) return;
    e.preventDefault();
    const { prefix } = spotAt(this.input.value, caret);
    if (prefix === '') return;
    const only = this.known.has(prefix) ? prefix : (this.only() ?? prefix);
    this.take(only);
  }
}

export function wordsField(keyWords: number): WordsField {
  const id = `words-${++count}`;
  const input = el('input', {
    id,
    type: 'text',
    name: 'words',
    role: 'combobox',
    'aria-autocomplete': 'list',
    'aria-expanded': 'false',
    'aria-controls': `${id}-list`,
    'aria-describedby': `${id}-hint ${id}-odd`,
    autocomplete: 'off',
    autocapitalize: 'none',
    autocorrect: 'off',
    spellcheck: 'false',
    enterkeyhint: 'go',
  });
  const popup = el('ul', { id: `${id}-list`, class: 'words-list', role: 'listbox', hidden: true });
  follow(popup, list => list.setAttribute('aria-label', t('receive.suggestedWords')));
  const odd = el('p', { id: `${id}-odd`, class: 'words-odd', role: 'status' });
  const hint = tx('receive.wordsHint', { n: keyWords });
  new Completion(input, popup, odd);
  const element = el(
    'div',
    { class: 'field words' },
    el('label', { for: id }, tx('receive.words')),
    el('p', { id: `${id}-hint`, class: 'muted words-hint' }, hint),
    el('div', { class: 'words-box' }, input, popup),
    odd,
  );
  return { element, input };
}
