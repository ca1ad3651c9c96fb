// SPDX-License-Identifier: Apache-2.0
/** What the server answered to a try: status, headers, and the body as text or as a file. */
import { hex } from '../core/hex';
import { el } from '../element';

const TEXT_MAX = 64 * 1024;

function isText(response: Response): boolean {
  const type = response.headers.get('Content-Type') ?? '';
  const isFile = response.headers.has('Content-Disposition');
  return !isFile && /^(text\/|application\/json|image\/svg)/.test(type);
}

async function sha256Of(bytes: Uint8Array): Promise<string> {
  const { sha256 } = await import('@noble/hashes/sha2.js');
  return hex(sha256(bytes));
}

/** The name in Content-Disposition, for the save link; the browser cleans it once more. */
function nameOf(response: Response): string {
  const value = response.headers.get('Content-Disposition') ?? '';
  return /filename="((?:[^"\\]|\\.)*)"/.exec(value)?.[1]?.replace(/\\(.)/g, '$1') ?? 'file';
}

async function fileOf(response: Response): Promise<HTMLElement> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const hash = await sha256Of(bytes);
  const told = response.headers.get('X-SHA256');
  const isPart = response.status === 206;
  const verdict =
    told === null || isPart ? '' : told === hash ? ', as X-SHA256 says' : ', NOT as X-SHA256 says';
  // The type stays out: what was sent is saved, never shown.
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  return el(
    'div',
    {},
    el('p', {}, `${bytes.length} bytes, SHA-256 `, el('code', {}, hash), verdict),
    el('a', { class: 'button', href: url, download: nameOf(response) }, 'Save the file'),
  );
}

async function bodyOf(response: Response): Promise<HTMLElement> {
  if (!isText(response)) return fileOf(response);
  const text = await response.text();
  if (text === '') return el('p', {}, 'No body.');
  const isCut = text.length > TEXT_MAX;
  return el(
    'div',
    {},
    el('pre', {}, el('code', {}, isCut ? text.slice(0, TEXT_MAX) : text)),
    isCut ? el('p', {}, `The first ${TEXT_MAX} of ${text.length} characters.`) : null,
  );
}

export async function showAnswer(response: Response): Promise<HTMLElement> {
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  return el(
    'div',
    { class: 'docs-answer' },
    el('h5', {}, `${response.status} ${response.statusText}`),
    await bodyOf(response),
    el('details', {}, el('summary', {}, 'Headers'), el('pre', {}, headers)),
  );
}
