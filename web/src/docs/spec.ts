// SPDX-License-Identifier: Apache-2.0
/** The parts of an OpenAPI 3.1 document that our own uses, with every reference followed. */

export interface Schema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  pattern?: string;
  format?: string;
  minimum?: number;
  default?: unknown;
  description?: string;
  contentMediaType?: string;
  required?: string[];
  properties?: Record<string, Schema>;
  oneOf?: Schema[];
}

export interface Example {
  summary?: string;
  value?: unknown;
}

export interface Parameter {
  name: string;
  in: 'path' | 'header';
  required?: boolean;
  description: string;
  schema: Schema;
  example?: unknown;
  examples?: Record<string, Example>;
}

export interface Content {
  schema?: Schema;
  examples?: Record<string, Example>;
}

export interface Header {
  required?: boolean;
  description: string;
  schema: Schema;
}

export interface Reply {
  status: string;
  description: string;
  headers: Record<string, Header>;
  content: Record<string, Content>;
}

export interface Operation {
  id: string;
  tag: string;
  method: string;
  path: string;
  summary: string;
  description: string;
  parameters: Parameter[];
  body: { type: string; content: Content } | null;
  replies: Reply[];
  /** The description of the token that it takes, if it takes one. */
  token: { description: string; isRequired: boolean } | null;
}

export interface Spec {
  title: string;
  version: string;
  description: string;
  tags: { name: string; description: string }[];
  operations: Operation[];
}

const METHODS = ['get', 'post', 'put', 'head', 'options'];

type Json = Record<string, unknown>;

function isJson(x: unknown): x is Json {
  return typeof x === 'object' && x !== null && !Array.isArray(x);
}

/** The value of `#/a/b` in the document. */
function lookUp(document: Json, ref: string): unknown {
  let at: unknown = document;
  for (const step of ref.replace(/^#\//, '').split('/')) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    at = isJson(at) ? at[key] : undefined;
  }
  if (at === undefined) throw new Error(`nothing at ${ref}`);
  return at;
}

/** A copy without references. Ours has no circles; a document with one is refused. */
export function follow(document: Json, x: unknown, depth = 0): unknown {
  if (depth > 40) throw new Error('references go round in a circle');
  if (Array.isArray(x)) return x.map(item => follow(document, item, depth + 1));
  if (!isJson(x)) return x;
  const ref = x['$ref'];
  if (typeof ref === 'string') return follow(document, lookUp(document, ref), depth + 1);
  return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, follow(document, v, depth + 1)]));
}

interface RawOperation {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, Partial<Reply>>;
  security?: Record<string, string[]>[];
}

function readBody(raw: RawOperation): Operation['body'] {
  const [first] = Object.entries(raw.requestBody?.content ?? {});
  return first ? { type: first[0], content: first[1] } : null;
}

function readToken(raw: RawOperation, schemes: Record<string, Json>): Operation['token'] {
  const wanted = raw.security ?? [];
  const [name] = wanted.flatMap(Object.keys);
  if (name === undefined) return null;
  return {
    description: String(schemes[name]?.['description'] ?? ''),
    isRequired: wanted.every(w => Object.keys(w).length > 0),
  };
}

export function readSpec(document: Json): Spec {
  const whole = follow(document, document) as {
    info: { title: string; version: string; description: string };
    tags: Spec['tags'];
    paths: Record<string, Record<string, RawOperation> & { parameters?: Parameter[] }>;
    components: { securitySchemes: Record<string, Json> };
  };
  const operations: Operation[] = [];
  for (const [path, item] of Object.entries(whole.paths))
    for (const method of METHODS) {
      const raw = item[method] as RawOperation | undefined;
      if (!raw) continue;
      operations.push({
        id: raw.operationId,
        tag: raw.tags[0] ?? '',
        method: method.toUpperCase(),
        path,
        summary: raw.summary,
        description: raw.description,
        parameters: [...(item.parameters ?? []), ...(raw.parameters ?? [])],
        body: readBody(raw),
        replies: Object.entries(raw.responses).map(([status, r]) => ({
          status,
          description: r.description ?? '',
          headers: r.headers ?? {},
          content: r.content ?? {},
        })),
        token: readToken(raw, whole.components.securitySchemes),
      });
    }
  return { ...whole.info, tags: whole.tags, operations };
}

/** What a value may be, in a few words. */
export function inWords(schema: Schema): string {
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map(v => JSON.stringify(v)).join(' or ');
  if (schema.oneOf && !schema.properties) return schema.oneOf.map(inWords).join(' or ');
  const type = [schema.type ?? 'any'].flat().join(' or ');
  const more = [
    schema.format,
    schema.pattern && !schema.format ? `like ${schema.pattern}` : undefined,
    schema.minimum === undefined ? undefined : `at least ${schema.minimum}`,
    schema.default === undefined ? undefined : `${String(schema.default)} unless told`,
  ].filter(Boolean);
  return more.length ? `${type} (${more.join(', ')})` : type;
}
