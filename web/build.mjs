// SPDX-License-Identifier: Apache-2.0
// Bundle the page: node web/build.mjs OUT WORDLIST. Fills the folder OUT, emptied before, with
//   page.html, docs.html      templates that mayflyd fills; {{asset NAME}} is already the path
//   assets/NAME-HASH.EXT      scripts, styles and pictures, named after their content
//   assets/words-HASH.txt     the word list, a word a line
//   stream/sw.js              the service worker, whose name and place cannot change
//   inputs.txt                every file that was read, a path a line, for the build's dependencies
// Messages: `import { text } from 'messages:de'` gives all of web/messages/*.json in one language.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const WEB = path.dirname(fileURLToPath(import.meta.url));
const [out, wordList] = process.argv.slice(2);
const inputs = new Set();

function read(file) {
  inputs.add(file);
  return fs.readFileSync(file);
}

export const messages = {
  name: 'messages',
  setup(b) {
    b.onResolve({ filter: /^messages:/ }, a => ({ path: a.path.slice(9), namespace: 'messages' }));
    b.onLoad({ filter: /.*/, namespace: 'messages' }, a => {
      const text = {};
      for (const name of fs.readdirSync(path.join(WEB, 'messages')).sort()) {
        const file = path.join(WEB, 'messages', name);
        for (const [key, all] of Object.entries(JSON.parse(read(file)))) text[key] = all[a.path];
      }
      return { contents: `export const text = ${JSON.stringify(text)};`, loader: 'js' };
    });
  },
};

function writeAsset(name, bytes) {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 10);
  const { name: stem, ext } = path.parse(name);
  const asset = `assets/${stem}-${hash}${ext}`;
  fs.writeFileSync(path.join(out, asset), bytes);
  return '/' + asset;
}

/** The words of the diceware list, hyphens left out, each once: what src/words has too. */
function words() {
  const lines = read(wordList).toString().split('\n');
  const all = lines.map(l => l.trim().split(/\s+/).pop().replaceAll('-', '').toLowerCase());
  return [...new Set(all.filter(w => /^[a-z]+$/.test(w)))].sort();
}

async function bundle() {
  const common = {
    bundle: true,
    minify: true,
    target: ['es2022', 'chrome100', 'firefox103', 'safari15.4'],
    metafile: true,
    legalComments: 'none',
    absWorkingDir: WEB,
    logLevel: 'warning',
  };
  const paths = {};
  paths.words = writeAsset('words.txt', words().join('\n') + '\n');
  for (const name of fs.readdirSync(path.join(WEB, 'static')).sort())
    paths[name] = writeAsset(name, read(path.join(WEB, 'static', name)));
  const define = { WORDS_PATH: JSON.stringify(paths.words) };
  const pages = await build({
    ...common,
    define,
    plugins: [messages],
    entryPoints: {
      app: 'src/main.ts',
      docs: 'src/docs/main.ts',
      'docs-style': 'src/docs/docs.css',
      style: 'src/style.css',
    },
    format: 'esm',
    splitting: true,
    outdir: path.join(out, 'assets'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
  });
  const worker = await build({
    ...common,
    entryPoints: { sw: 'src/sw.ts' },
    format: 'iife',
    outdir: path.join(out, 'stream'),
  });
  // An entry point's script, and the style sheet that it imports, are both called after it.
  for (const [file, { entryPoint, cssBundle }] of Object.entries(pages.metafile.outputs)) {
    const found = /^src\/(docs\/)?(\w+)\.(?:ts|css)$/.exec(entryPoint ?? '');
    if (!found) continue;
    const name = found[2] === 'main' ? (found[1] ? 'docs' : 'app') : found[2];
    for (const made of [file, cssBundle])
      if (made) paths[name + path.extname(made)] = '/assets/' + path.basename(made);
  }
  for (const meta of [pages.metafile, worker.metafile])
    for (const name of Object.keys(meta.inputs))
      if (!name.includes(':')) inputs.add(path.join(WEB, name));
  return paths;
}

function fill(name, paths) {
  const text = read(path.join(WEB, name))
    .toString()
    .replace(/^<!--.*?-->\s*/s, '');
  const filled = text.replace(/\{\{asset ([\w.-]+)\}\}/g, (_, asset) => {
    if (!paths[asset]) throw new Error(`${name}: no asset ${asset}`);
    return paths[asset];
  });
  fs.writeFileSync(path.join(out, name), filled);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  fs.rmSync(out, { recursive: true, force: true });
  fs.mkdirSync(path.join(out, 'assets'), { recursive: true });
  const paths = await bundle();
  fill('page.html', paths);
  fill('docs.html', paths);
  inputs.add(fileURLToPath(import.meta.url));
  fs.writeFileSync(path.join(out, 'inputs.txt'), [...inputs].sort().join('\n') + '\n');
}
