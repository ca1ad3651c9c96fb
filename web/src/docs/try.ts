// SPDX-License-Identifier: Apache-2.0
/** "Try it": a form made from an operation's parameters and fields, sent to this server. */
import { showAnswer } from './answer';
import { type Child, el } from '../element';
import { copyButton, prose } from './html';
import { curl, fieldsOf, isForm, NOT_OURS, toRequest, type Typed, whyNot } from './request';
import type { Operation } from './spec';

interface Field {
  name: string;
  label: string;
  description: string;
  isRequired: boolean;
  kind: 'text' | 'file' | 'password' | 'number';
}

const FILE = ' file';
const TOKEN = ' token';

function kindOf(type: unknown): 'number' | 'text' {
  return type === 'integer' ? 'number' : 'text';
}

/** All that can be typed for an operation. */
function formFields(op: Operation): Field[] {
  const fields: Field[] = op.parameters
    .filter(p => !NOT_OURS.has(p.name.toLowerCase()))
    .map(p => ({
      name: p.name,
      label: p.name,
      description: p.description,
      isRequired: p.required ?? false,
      kind: kindOf(p.schema.type),
    }));
  if (op.body && !isForm(op))
    fields.push({ name: FILE, label: 'File', description: '', isRequired: true, kind: 'file' });
  // The token goes into the header, where both kinds of upload take it.
  for (const f of fieldsOf(op).filter(f => f.name !== 'token'))
    fields.push({
      name: f.isFile ? FILE : f.name,
      label: f.name,
      description: f.schema.description ?? '',
      isRequired: f.isRequired,
      kind: f.isFile ? 'file' : kindOf(f.schema.type),
    });
  if (op.token)
    fields.push({
      name: TOKEN,
      label: 'Authorization: Bearer',
      description: op.token.description,
      isRequired: op.token.isRequired,
      kind: 'password',
    });
  return fields;
}

function inputOf(op: Operation, field: Field): HTMLElement {
  const id = `${op.id}-${field.label.replace(/\W+/g, '-')}`;
  const hint = field.description ? `${id}-hint` : '';
  const input = el('input', {
    id,
    type: field.kind,
    name: field.name,
    required: field.isRequired,
    autocomplete: field.kind === 'password' ? 'new-password' : 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    'aria-describedby': hint === '' ? false : hint,
  });
  return el(
    'div',
    { class: 'field' },
    el('label', { for: id }, field.label, field.isRequired ? ' (required)' : ''),
    input,
    hint ? el('p', { id: hint, class: 'docs-kind' }, ...prose(field.description)) : null,
  );
}

function read(form: HTMLFormElement): Typed {
  const typed: Typed = { values: new Map(), file: null, token: '' };
  for (const input of form.querySelectorAll('input')) {
    if (input.name === FILE) typed.file = input.files?.[0] ?? null;
    else if (input.name === TOKEN) typed.token = input.value;
    else if (input.value !== '') typed.values.set(input.name, input.value);
  }
  return typed;
}

/** What this costs, for those who only want to see how it looks. */
function warningFor(op: Operation): Child {
  if (op.id === 'download' || op.id === 'downloadByButton')
    return el('p', { class: 'notice' }, 'This takes one use of the upload.');
  if (op.id === 'preview')
    return el('p', { class: 'notice' }, 'This takes the only preview of the upload.');
  if (op.id === 'burn') return el('p', { class: 'notice notice-bad' }, 'This destroys the upload.');
  return null;
}

async function send(op: Operation, typed: Typed, signal: AbortSignal): Promise<HTMLElement> {
  const why = whyNot(op, typed);
  if (why !== null) return el('p', { class: 'notice notice-bad' }, why);
  try {
    const [url, init] = toRequest(op, typed, signal);
    return await showAnswer(await fetch(url, init));
  } catch (e) {
    const isOurs = e instanceof DOMException && e.name === 'AbortError';
    const words = isOurs ? 'Cancelled.' : 'No answer came: the network or the server is away.';
    return el('p', { class: 'notice notice-bad' }, words);
  }
}

export function tryIt(op: Operation): HTMLElement {
  const line = el('code', {});
  const answer = el('div', { role: 'status', 'aria-label': 'Answer' });
  const button = el('button', { class: 'button', type: 'submit' }, 'Send');
  const cancel = el('button', { class: 'button-quiet', type: 'button', hidden: true });
  cancel.textContent = 'Cancel';
  const form = el(
    'form',
    { class: 'stack', novalidate: true, 'aria-label': `Try ${op.method} ${op.path}` },
    ...formFields(op).map(f => inputOf(op, f)),
    warningFor(op),
    el('pre', {}, line),
    copyButton('Copy the curl line', () => line.textContent ?? ''),
    el('div', { class: 'row' }, button, cancel),
    el('div', {}, answer),
  );
  const update = () => {
    line.textContent = curl(op, read(form), location.origin);
  };
  form.addEventListener('input', update);
  form.addEventListener('submit', event => {
    event.preventDefault();
    if (button.disabled) return;
    const abort = new AbortController();
    cancel.onclick = () => abort.abort();
    button.disabled = true;
    cancel.hidden = false;
    answer.replaceChildren('Sending…');
    void send(op, read(form), abort.signal).then(shown => {
      answer.replaceChildren(shown);
      button.disabled = false;
      cancel.hidden = true;
    });
  });
  update();
  return el('section', {}, el('h4', {}, 'Try it'), form);
}
