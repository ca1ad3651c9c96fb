// SPDX-License-Identifier: Apache-2.0
/** One request, made of what was typed into an operation's form; and the same as a curl line. */
import type { Operation } from './spec';

export interface Typed {
  /** By name: parameters, and the fields of a form. */
  values: Map<string, string>;
  file: File | null;
  token: string;
}

/** Browsers set these themselves, whatever a script says. */
export const NOT_OURS = new Set(['accept-encoding', 'sec-purpose']);

/** Whether the key is the words of an end-to-end file, which open it. */
function isSecret(typed: Typed): boolean {
  const key = typed.values.get('key') ?? '';
  return key.split(/[\s._-]+/).filter(Boolean).length > 5;
}

/** Why this must not be sent; null: it may. */
export function whyNot(op: Operation, typed: Typed): string | null {
  for (const p of op.parameters)
    if (p.required && !typed.values.get(p.name)) return `${p.name} is missing.`;
  if (op.body && wantsFile(op) && !typed.file) return 'Choose a file.';
  if (isSecret(typed))
    return (
      'Six words open an end-to-end file, and no server may see them: ' +
      'mayfly get and the page make the id of them.'
    );
  return null;
}

export function isForm(op: Operation): boolean {
  return op.body?.type === 'multipart/form-data';
}

function wantsFile(op: Operation): boolean {
  return !isForm(op) || fieldsOf(op).some(f => f.isFile);
}

/** The fields of an operation's form; none when it takes no form. */
export function fieldsOf(op: Operation) {
  const schema = isForm(op) ? op.body?.content.schema : undefined;
  return Object.entries(schema?.properties ?? {}).map(([name, s]) => ({
    name,
    schema: s,
    isFile: s.contentMediaType !== undefined,
    isRequired: schema?.required?.includes(name) ?? false,
  }));
}

/** The address under this server, with each value as one segment of the path. */
export function target(op: Operation, values: Map<string, string>): string {
  return op.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(values.get(name) ?? ''),
  );
}

function headersOf(op: Operation, values: Map<string, string>): [string, string][] {
  return op.parameters
    .filter(p => p.in === 'header' && !NOT_OURS.has(p.name.toLowerCase()))
    .flatMap(p => {
      const value = values.get(p.name);
      return value ? [[p.name, value] as [string, string]] : [];
    });
}

function formOf(op: Operation, typed: Typed): FormData {
  const form = new FormData();
  for (const field of fieldsOf(op)) {
    const value = typed.values.get(field.name);
    if (field.isFile && typed.file) form.append(field.name, typed.file, typed.file.name);
    else if (value) form.append(field.name, value);
  }
  return form;
}

export function toRequest(op: Operation, typed: Typed, signal: AbortSignal): [string, RequestInit] {
  const headers = new Headers(headersOf(op, typed.values));
  if (typed.token) headers.set('Authorization', `Bearer ${typed.token}`);
  const init: RequestInit = {
    method: op.method,
    headers,
    signal,
    cache: 'no-store',
    credentials: 'same-origin',
    referrerPolicy: 'no-referrer',
  };
  if (isForm(op)) init.body = formOf(op, typed);
  else if (op.body) init.body = typed.file;
  return [target(op, typed.values), init];
}

/** A word of a shell's line. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function curlBody(op: Operation, typed: Typed): string[] {
  const name = typed.file?.name ?? 'FILE';
  if (!op.body) return [];
  if (!isForm(op)) return ['-T', quoted(name)];
  return fieldsOf(op).flatMap(f => {
    const value = typed.values.get(f.name);
    if (f.isFile) return ['-F', quoted(`${f.name}=@${name}`)];
    return value ? ['--form-string', quoted(`${f.name}=${value}`)] : [];
  });
}

/** The same for a command line. The token stays out of it: it is a secret. */
export function curl(op: Operation, typed: Typed, origin: string): string {
  if (isSecret(typed)) return '# Six words are not for a server.';
  const method = { GET: [], PUT: [], HEAD: ['-I'] }[op.method] ?? ['-X', op.method];
  const words = ['curl', ...(isForm(op) ? [] : method), ...curlBody(op, typed)];
  for (const [name, value] of headersOf(op, typed.values))
    words.push('-H', quoted(`${name}: ${value}`));
  if (typed.token || op.token?.isRequired) words.push('-H', '"Authorization: Bearer $TOKEN"');
  words.push(quoted(origin + target(op, typed.values)));
  return words.join(' ');
}
