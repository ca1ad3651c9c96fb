// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanName, dispositionName, fitName } from '../../src/core/names';

for (const [name, clean] of [
  ['report.pdf', 'report.pdf'],
  [
    '\u00dcbergr\u00f6\u00dfe \u65e5\u672c \ud83d\udc1d.txt',
    '\u00dcbergr\u00f6\u00dfe \u65e5\u672c \ud83d\udc1d.txt',
  ],
  ['../../etc/passwd', 'passwd'],
  ['C:\\dir\\a.exe', 'a.exe'],
  ['.bashrc', 'bashrc'],
  ['a. . .', 'a'],
  ['..', 'file'],
  ['', 'file'],
  ['dir/', 'file'],
  ['a\u202etxt.exe', 'a_txt.exe'],
  ['a\u0000b\nc\u007f', 'a_b_c_'],
  ['a\ud800b', 'a_b'],
  ['<a>:"b"|?*', '_a___b____'],
  ['CON', '_CON'],
  ['com1.txt', '_com1.txt'],
  ['console.txt', 'console.txt'],
] as const)
  test(`${JSON.stringify(name)} is saved as ${JSON.stringify(clean)}`, () =>
    assert.equal(cleanName(name), clean));

test('a long name is cut between characters and keeps its extension', () => {
  const name = '\u65e5'.repeat(100) + '.tar';
  const fitted = fitName(name);
  assert.equal(fitted, '\u65e5'.repeat(83) + '.tar');
  assert.ok(Buffer.byteLength(fitted) <= 255);
  assert.equal(fitName('a'.repeat(255)), 'a'.repeat(255));
  assert.equal(Buffer.byteLength(cleanName('\ud83d\udc1d'.repeat(99))), 252);
});

for (const [header, name] of [
  ['attachment; filename="a b.txt"', 'a b.txt'],
  ['attachment; filename=a.txt; x=y', 'a.txt'],
  ['attachment; filename="a\\"b\\\\.txt"', 'a"b\\.txt'],
  ['attachment; filename="x"; filename*=UTF-8\'\'%C3%BC%20%27.txt', "\u00fc '.txt"],
  ['attachment; filename="x"; filename*=utf-8\'de\'%ff', 'x'],
  ['attachment', null],
  [null, null],
] as const)
  test(`the name in ${header} is ${name}`, () => assert.equal(dispositionName(header), name));
