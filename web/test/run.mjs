// SPDX-License-Identifier: Apache-2.0
// Run a suite of the page's tests: node web/test/run.mjs SUITE [NAME...]. SUITE is a folder beside
// this file; NAME leaves out all files whose name does not hold one of them. Shows what failed; the
// last line is "page SUITE: N passed, N failed, N skipped". JOBS=N runs so many files at a time;
// MAYFLY_BUILD is the build folder of the daemon (build/test); VERBOSE=1 shows each test.
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { messages } from '../build.mjs';

const TEST = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.resolve(TEST, '../..');
const FILE_LIMIT_MS = 300_000;
const [suite, ...names] = process.argv.slice(2);

/** These are found by their place: a bundle of them would not find its own files. */
const packages = {
  name: 'packages',
  setup(b) {
    const { resolve } = createRequire(import.meta.url);
    b.onResolve({ filter: /^(playwright-core|axe-core)$/ }, a => {
      const file = resolve(a.path); // the one for `require`; beside it may be one for `import`
      const module = file.replace(/\.js$/, '.mjs');
      return { path: pathToFileURL(fs.existsSync(module) ? module : file).href, external: true };
    });
  },
};

async function bundle(files, out) {
  await build({
    entryPoints: files,
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node18',
    sourcemap: 'inline',
    logLevel: 'warning',
    plugins: [messages, packages],
    define: { ROOT_PATH: JSON.stringify(ROOT), WORDS_PATH: '"/assets/words.txt"' },
  });
}

/** One file in a process of its own: its results, and what it has printed. */
function runFile(bundled) {
  const report = bundled + '.report';
  const args = [
    '--enable-source-maps',
    `--test-reporter=${pathToFileURL(path.join(TEST, 'report.mjs')).href}`,
    `--test-reporter-destination=${report}`,
    bundled,
  ];
  return new Promise(done => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', d => (output += d));
    const timer = setTimeout(() => child.kill('SIGKILL'), FILE_LIMIT_MS);
    child.on('close', status => {
      clearTimeout(timer);
      const text = fs.existsSync(report) ? fs.readFileSync(report, 'utf8') : '';
      const lines = text.split('\n').filter(line => line.endsWith('}'));
      done({ status, output, results: lines.map(line => JSON.parse(line)) });
    });
  });
}

function show(name, { status, output, results }, count) {
  for (const { name: test, result, why, ms } of results) {
    count[result]++;
    if (process.env.VERBOSE) console.log(`${result} ${name}: ${test} (${ms} ms)`);
    if (result === 'failed') console.log(`---- ${name}: ${test}\n${why}`);
  }
  const failed = results.some(r => r.result === 'failed');
  if (status !== 0 && !failed) {
    count.failed++; // a crash, a time limit, or something in the file outside of a test
    console.log(`---- ${name}: exit status ${status}`);
  }
  if (output && (status !== 0 || process.env.VERBOSE)) console.log(output.trimEnd());
}

async function main() {
  const folder = path.join(TEST, suite ?? '');
  if (!suite || !/^\w+$/.test(suite) || !fs.existsSync(folder)) {
    console.error('usage: node web/test/run.mjs SUITE [NAME...]');
    return 2;
  }
  const files = fs
    .readdirSync(folder)
    .filter(f => f.endsWith('.test.ts') && (!names.length || names.some(n => f.includes(n))))
    .sort();
  const out = fs.mkdtempSync(path.join(os.tmpdir(), 'mayfly-page-'));
  const count = { passed: 0, failed: 0, skipped: 0 };
  try {
    if (files.length)
      await bundle(
        files.map(f => path.join(folder, f)),
        out,
      );
    const left = [...files];
    const work = async () => {
      for (let f; (f = left.shift()) !== undefined;)
        show(f, await runFile(path.join(out, f.replace(/ts$/, 'mjs'))), count);
    };
    const jobs = Number(process.env.JOBS) || Math.min(os.cpus().length, 4);
    await Promise.all(Array.from({ length: jobs }, work));
  } finally {
    fs.rmSync(out, { recursive: true, force: true });
  }
  const { passed, failed, skipped } = count;
  console.log(`page ${suite}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
