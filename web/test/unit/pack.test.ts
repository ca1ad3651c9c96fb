// SPDX-License-Identifier: Apache-2.0
import './setup';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { File } from 'node:buffer';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pack } from '../../src/core/pack';
import { noise, readAll } from './streams';

type DomFile = globalThis.File;

function file(name: string, bytes: Uint8Array | string, relative = ''): DomFile {
  const made = new File([bytes], name, { type: 'text/plain', lastModified: Date.UTC(2026, 0, 2) });
  Object.defineProperty(made, 'webkitRelativePath', { value: relative });
  return made as unknown as DomFile;
}

/** What Python reads in the zip: name to content in hex; its own check of every CRC first. */
const READ = `
import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps([[i.filename, z.read(i).hex()] for i in z.infolist()]))
`;
function unzip(bytes: Uint8Array): [string, string][] {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mayfly-zip-'));
  try {
    const zip = path.join(folder, 'a.zip');
    fs.writeFileSync(zip, bytes);
    return JSON.parse(execFileSync('python3', ['-c', READ, zip], { encoding: 'utf8' }));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}
const names = async (files: DomFile[]) =>
  unzip(await readAll(pack(files).stream())).map(([name]) => name);

test('one file stays as it is', async () => {
  const packed = pack([file('a.txt', 'hello')]);
  assert.equal(packed.name, 'a.txt');
  assert.equal(packed.type, 'text/plain');
  assert.equal(packed.size, 5);
  assert.equal(await packed.whole?.text(), 'hello');
  assert.equal(Buffer.from(await readAll(packed.stream())).toString(), 'hello');
});

test('nothing is not packed', () => assert.throws(() => pack([]), RangeError));

test('several files are a zip of the size that was foretold, byte for byte', async () => {
  const big = noise(200_000);
  const packed = pack([
    file('\u00fc \u65e5\ud83d\udc1d.txt', 'one'),
    file('big', big),
    file('empty', ''),
  ]);
  assert.deepEqual(
    [packed.name, packed.type, packed.whole],
    ['files.zip', 'application/zip', null],
  );
  const bytes = await readAll(packed.stream());
  assert.equal(bytes.length, packed.size);
  assert.deepEqual(unzip(bytes), [
    ['\u00fc \u65e5\ud83d\udc1d.txt', Buffer.from('one').toString('hex')],
    ['big', Buffer.from(big).toString('hex')],
    ['empty', ''],
  ]);
  assert.deepEqual(await readAll(packed.stream()), bytes, 'and again at another try');
});

test('names that are the same are told apart, whatever their case', async () => {
  const files = ['a.txt', 'A.TXT', 'a.txt', 'a (2).txt', 'b', 'b', '.c', '.c'];
  assert.deepEqual(await names(files.map(n => file(n, n))), [
    'a.txt',
    'A (2).TXT',
    'a (3).txt',
    'a (2) (2).txt',
    'b',
    'b (2)',
    '.c',
    '.c (2)',
  ]);
});

test('folders keep their paths, and no path leads out of the zip', async () => {
  const files = [
    file('x', '1', 'dir.d/x'),
    file('x', '2', 'dir.d/x'),
    file('y', '3', '../../etc/y'),
    file('z', '4', '/abs/./z'),
    file('..', '5'),
  ];
  assert.deepEqual(await names(files), ['dir.d/x', 'dir.d/x (2)', 'etc/y', 'abs/z', 'file']);
});

test('a file that cannot be read breaks the zip', async () => {
  const broken = file('b', 'x');
  Object.defineProperty(broken, 'stream', {
    value: () => new ReadableStream({ start: c => c.error(new Error('unreadable')) }),
  });
  await assert.rejects(readAll(pack([file('a', '1'), broken]).stream()), /unreadable/);
});
