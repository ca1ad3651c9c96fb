// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

declare const ROOT_PATH: string;

const WEB = path.join(ROOT_PATH, 'web');
const LANGUAGES = ['en', 'es', 'de', 'fr', 'pt', 'zh'];
type Texts = Record<string, Record<string, string>>;

const files = fs.readdirSync(path.join(WEB, 'messages')).sort();
const read = (file: string): Texts =>
  JSON.parse(fs.readFileSync(path.join(WEB, 'messages', file), 'utf8')) as Texts;
const placeholders = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

/** What is wrong with the texts of a key, a sentence each. */
function faults(key: string, texts: Record<string, string>): string[] {
  const found = [];
  if (Object.keys(texts).sort().join() !== [...LANGUAGES].sort().join())
    found.push(`${key}: languages ${Object.keys(texts).join()}`);
  for (const [language, text] of Object.entries(texts)) {
    if (text.trim() === '' || text !== text.trim()) found.push(`${key}.${language}: blank`);
    if (placeholders(text).join() !== placeholders(texts['en'] ?? '').join())
      found.push(`${key}.${language}: other placeholders`);
    if (/<\/?[a-z]|\{\}/i.test(text)) found.push(`${key}.${language}: not a text`);
  }
  return found;
}

function sources(folder: string): string {
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .map(e => path.join(folder, e.name) + (e.isDirectory() ? '/' : ''))
    .map(p => (p.endsWith('/') ? sources(p) : fs.readFileSync(p, 'utf8')))
    .join('\n');
}

describe('the messages', () => {
  it('are in six languages each, with the same placeholders', () => {
    const all = files.flatMap(f => Object.entries(read(f)));
    assert.ok(all.length > 100);
    assert.deepEqual(
      all.flatMap(([key, texts]) => faults(key, texts)),
      [],
    );
  });

  it('have each key once', () => {
    const keys = files.flatMap(f => Object.keys(read(f)));
    assert.deepEqual(
      keys.filter((key, i) => keys.indexOf(key) !== i),
      [],
    );
  });

  it('hold every text that the page names, and none that nothing names', () => {
    const code = sources(path.join(WEB, 'src')) + fs.readFileSync(path.join(WEB, 'page.html'));
    const keys = new Set(files.flatMap(f => Object.keys(read(f))));
    for (const [, key] of code.matchAll(/data-t="([^"]*)"/g)) assert.ok(keys.has(key!), key);
    // Keys made of a beginning and a part, such as `unit_${name}`, are named by their beginning.
    const begun = [...code.matchAll(/`([\w.]{3,})\$\{/g)].map(m => m[1]!);
    const unused = [...keys].filter(
      key =>
        !new RegExp(`['"\`]${key.replace('.', '\\.')}['"\`]`).test(code) &&
        !new RegExp(`\\b${key}:`).test(code) &&
        !begun.some(b => key.startsWith(b)),
    );
    assert.deepEqual(unused, []);
  });
});

describe('the check of the messages', () => {
  const good = Object.fromEntries(LANGUAGES.map(l => [l, 'a {n}']));
  it('passes what is whole', () => assert.deepEqual(faults('k', good), []));
  for (const [what, bad] of [
    ['a language that is missing', { ...good, de: undefined }],
    ['a placeholder that is missing', { ...good, zh: 'a' }],
    ['another placeholder', { ...good, fr: 'a {m}' }],
    ['an empty text', { ...good, pt: ' ' }],
    ['markup', { ...good, es: '<b>a</b> {n}' }],
  ] as const)
    it(`finds ${what}`, () => {
      const texts = JSON.parse(JSON.stringify(bad)) as Record<string, string>;
      assert.notDeepEqual(faults('k', texts), []);
    });
});
