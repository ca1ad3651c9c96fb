// SPDX-License-Identifier: Apache-2.0
/** File names of strangers, made harmless; and our own, made to fit. */

const NAME_MAX = 255; // bytes; of file systems, and of the metadata

const HARMFUL = new RegExp(
  '[' +
    '\\u0000-\\u001f\\u007f-\\u009f' + // controls
    '\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff' + // unseen, or turning the text
    '\\ud800-\\udfff' + // halves of surrogate pairs
    '<>:"/\\\\|?*' + // with a meaning in a path, or to Windows
    ']',
  'gu',
);
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** `text` cut to `max` bytes of UTF-8, between characters. */
function cut(text: string, max: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= max) return text;
  let end = max;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return new TextDecoder().decode(bytes.subarray(0, end));
}

/** The name cut to `max` bytes, its extension kept. */
export function fitName(name: string, max = NAME_MAX): string {
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 && name.length - dot <= 16 ? name.slice(dot) : '';
  const room = max - new TextEncoder().encode(extension).length;
  return cut(name.slice(0, name.length - extension.length), room) + extension;
}

/** A name to save a stranger's file under: one segment, nothing hidden, nothing reserved. */
export function cleanName(name: string): string {
  const last = name.split(/[/\\]/).pop() ?? '';
  let clean = last.replace(HARMFUL, '_').replace(/^[.\s]+/, '');
  clean = clean.replace(/[.\s]+$/, '');
  if (RESERVED.test(clean)) clean = '_' + clean;
  return clean === '' ? 'file' : fitName(clean, NAME_MAX);
}

/** The file name of a Content-Disposition (RFC 6266); null: there is none. */
export function dispositionName(header: string | null): string | null {
  if (!header) return null;
  const encoded = /;\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(header)?.[1];
  if (encoded !== undefined) {
    try {
      return decodeURIComponent(encoded);
    } catch {
      // The plain one may do.
    }
  }
  const quoted = /;\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(header)?.[1];
  if (quoted !== undefined) return quoted.replace(/\\(.)/g, '$1');
  return /;\s*filename\s*=\s*([^;\s"]+)/i.exec(header)?.[1] ?? null;
}
