// SPDX-License-Identifier: Apache-2.0
/** What the document says of an operation: parameters, fields, replies. */
import { type Child, make, prose } from './html';
import { fieldsOf } from './request';
import { type Content, inWords, type Operation, type Reply, type Schema } from './spec';

/** One line of a list of names: the name, what it may be, what it is for. */
function entry(name: string, schema: Schema, isRequired: boolean, description = ''): Child[] {
  return [
    make(
      'dt',
      {},
      make('code', {}, name),
      isRequired ? make('span', { class: 'docs-required' }, ' required') : null,
    ),
    make(
      'dd',
      {},
      description ? make('span', {}, ...prose(description)) : null,
      make('span', { class: 'docs-kind' }, inWords(schema)),
      shape(schema),
    ),
  ];
}

/** The fields of an object, or of each object that it may be; null when it has none. */
function shape(schema: Schema): HTMLElement | null {
  if (schema.properties)
    return make(
      'dl',
      { class: 'docs-fields' },
      ...Object.entries(schema.properties).flatMap(([name, s]) =>
        entry(name, s, schema.required?.includes(name) ?? false, s.description),
      ),
    );
  const several = (schema.oneOf ?? []).map(shape).filter(s => s !== null);
  if (several.length === 0) return null;
  return make(
    'div',
    {},
    ...several.flatMap((s, i) => (i ? [make('p', { class: 'docs-kind' }, 'or'), s] : [s])),
  );
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

function examplesOf(content: Content): Child[] {
  return Object.entries(content.examples ?? {}).map(([name, e]) =>
    make(
      'figure',
      {},
      make('figcaption', {}, `Example: ${e.summary ?? name.replaceAll('_', ' ')}`),
      make('pre', {}, make('code', {}, shown(e.value))),
    ),
  );
}

function contentOf(type: string, content: Content): HTMLElement {
  return make(
    'section',
    {},
    make('h5', {}, make('code', {}, type)),
    content.schema ? shape(content.schema) : null,
    ...examplesOf(content),
  );
}

export function describeParameters(op: Operation): HTMLElement | null {
  if (op.parameters.length === 0) return null;
  return make(
    'section',
    {},
    make('h4', {}, 'Parameters'),
    make(
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
  return make(
    'section',
    {},
    make('h4', {}, 'Body: ', make('code', {}, type)),
    fields.length ? shape(content.schema ?? {}) : make('p', {}, 'The bytes of the file.'),
    ...examplesOf(content),
  );
}

function describeReply(reply: Reply): HTMLElement {
  const headers = Object.entries(reply.headers);
  return make(
    'details',
    { class: 'docs-reply' },
    make('summary', {}, make('strong', {}, reply.status), ' ', ...prose(reply.description)),
    ...Object.entries(reply.content).map(([type, content]) => contentOf(type, content)),
    make('h5', {}, 'Headers'),
    make(
      'dl',
      { class: 'docs-fields' },
      ...headers.flatMap(([name, h]) => entry(name, h.schema, h.required ?? false, h.description)),
    ),
  );
}

export function describeReplies(op: Operation): HTMLElement {
  return make('section', {}, make('h4', {}, 'Replies'), ...op.replies.map(describeReply));
}
