// SPDX-License-Identifier: Apache-2.0
/** What the document says of an operation: parameters, fields, replies. */
import { type Child, el } from '../element';
import { prose } from './html';
import { fieldsOf } from './request';
import { type Content, inWords, type Operation, type Reply, type Schema } from './spec';

/** One line of a list of names: the name, what it may be, what it is for. */
function entry(name: string, schema: Schema, isRequired: boolean, description = ''): Child[] {
  return [
    el(
      'dt',
      {},
      el('code', {}, name),
      isRequired ? el('span', { class: 'docs-required' }, ' required') : null,
    ),
    el(
      'dd',
      {},
      description ? el('span', {}, ...prose(description)) : null,
      el('span', { class: 'docs-kind' }, inWords(schema)),
      shape(schema),
    ),
  ];
}

/** The fields of an object, or of each object that it may be; null when it has none. */
function shape(schema: Schema): HTMLElement | null {
  if (schema.properties)
    return el(
      'dl',
      { class: 'docs-fields' },
      ...Object.entries(schema.properties).flatMap(([name, s]) =>
        entry(name, s, schema.required?.includes(name) ?? false, s.description),
      ),
    );
  const several = (schema.oneOf ?? []).map(shape).filter(s => s !== null);
  if (several.length === 0) return null;
  return el(
    'div',
    {},
    ...several.flatMap((s, i) => (i ? [el('p', { class: 'docs-kind' }, 'or'), s] : [s])),
  );
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

function examplesOf(content: Content): Child[] {
  return Object.entries(content.examples ?? {}).map(([name, e]) =>
    el(
      'figure',
      {},
      el('figcaption', {}, `Example: ${e.summary ?? name.replaceAll('_', ' ')}`),
      el('pre', {}, el('code', {}, shown(e.value))),
    ),
  );
}

function contentOf(type: string, content: Content): HTMLElement {
  return el(
    'section',
    {},
    el('h5', {}, el('code', {}, type)),
    content.schema ? shape(content.schema) : null,
    ...examplesOf(content),
  );
}

export function describeParameters(op: Operation): HTMLElement | null {
  if (op.parameters.length === 0) return null;
  return el(
    'section',
    {},
    el('h4', {}, 'Parameters'),
    el(
      'dl',
      { class: 'docs-fields' },
      ...op.parameters.flatMap(p =>
        entry(`${p.name} (${p.in})`, p.schema, p.required ?? false, p.description),
      ),
    ),
  );
}

export function describeBody(op: Operation): HTMLElement | null {
  if (!op.body) return null;
  const { type, content } = op.body;
  const fields = fieldsOf(op);
  return el(
    'section',
    {},
    el('h4', {}, 'Body: ', el('code', {}, type)),
    fields.length ? shape(content.schema ?? {}) : el('p', {}, 'The bytes of the file.'),
    ...examplesOf(content),
  );
}

function describeReply(reply: Reply): HTMLElement {
  const headers = Object.entries(reply.headers);
  return el(
    'details',
    { class: 'docs-reply' },
    el('summary', {}, el('strong', {}, reply.status), ' ', ...prose(reply.description)),
    ...Object.entries(reply.content).map(([type, content]) => contentOf(type, content)),
    el('h5', {}, 'Headers'),
    el(
      'dl',
      { class: 'docs-fields' },
      ...headers.flatMap(([name, h]) => entry(name, h.schema, h.required ?? false, h.description)),
    ),
  );
}

export function describeReplies(op: Operation): HTMLElement {
  return el('section', {}, el('h4', {}, 'Replies'), ...op.replies.map(describeReply));
}
