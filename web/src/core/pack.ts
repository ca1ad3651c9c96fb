// SPDX-License-Identifier: Apache-2.0
/** What people choose, as one file: itself, or a zip that is made while it is read. */
import { makeZip, predictLength } from 'client-zip';

export interface Packed {
  name: string;
  type: string;
  /** Bytes that `stream` will give. */
  size: number;
  /** The same as a Blob, where no packing is needed. */
  whole: Blob | null;
  /** May be called again, for another try. */
  stream(): ReadableStream<Uint8Array>;
}

const ZIP_NAME = 'files.zip';
const ZIP_TYPE = 'application/zip';

/** The path of a file in the zip: relative, and without steps out of it. */
function entryName(file: File): string {
  const path = file.webkitRelativePath || file.name;
  const steps = path.split(/[/\\]/).filter(step => step !== '' && step !== '.' && step !== '..');
  return steps.join('/') || 'file';
}

/** The names, each once; ` (2)` and so on before the extension. Case does not tell names apart. */
function uniqueNames(files: readonly File[]): string[] {
  const taken = new Set<string>();
  return files.map(file => {
    const name = entryName(file);
    const dot = name.lastIndexOf('.');
    const stem = dot > name.lastIndexOf('/') + 1 ? dot : name.length;
    let unique = name;
    for (let n = 2; taken.has(unique.toLowerCase()); n++)
      unique = `${name.slice(0, stem)} (${n})${name.slice(stem)}`;
    taken.add(unique.toLowerCase());
    return unique;
  });
}

/** One file as it is; several as a zip (stored, not compressed). */
export function pack(files: readonly File[]): Packed {
  const [first] = files;
  if (!first) throw new RangeError('nothing to pack');
  if (files.length === 1)
    return {
      name: first.name || 'file',
      type: first.type || 'application/octet-stream',
      size: first.size,
      whole: first,
      stream: () => first.stream(),
    };
  const names = uniqueNames(files);
  const entries = files.map((input, i) => ({
    name: names[i] ?? 'file',
    input,
    lastModified: new Date(input.lastModified),
    size: input.size,
  }));
  return {
    name: ZIP_NAME,
    type: ZIP_TYPE,
    size: Number(predictLength(entries)),
    whole: null,
    stream: () => makeZip(entries),
  };
}
