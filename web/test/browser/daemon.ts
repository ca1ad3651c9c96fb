// SPDX-License-Identifier: Apache-2.0
/** A mayflyd of a test's own: free port of 127.0.0.1, folders of its own. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import type { Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';

declare const ROOT_PATH: string;

export const ROOT = ROOT_PATH;
export const BUILD = path.resolve(ROOT, process.env['MAYFLY_BUILD'] ?? 'build/test');
const LIMIT_MS = 30_000;

export const temporary = (): string => fs.mkdtempSync(path.join(os.tmpdir(), 'mayfly-page-'));
export const pause = (ms: number): Promise<void> => new Promise(done => setTimeout(done, ms));

/** Poll until it gives something true; that is returned. */
export async function waitFor<T>(
  what: string,
  check: () => Promise<T> | T,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + LIMIT_MS;
  while (Date.now() < deadline) {
    const got = await check();
    if (got) return got;
    await pause(50);
  }
  throw new Error(`waited in vain for ${what}`);
}

export interface Receipt {
  key: string;
  burn_token: string;
  download_url: string;
}

export class Daemon {
  url = '';
  private log = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly home: string,
  ) {
    child.stderr?.on('data', (d: Buffer) => (this.log += d.toString()));
  }

  /** Settings are those of the environment; a port of 0 is one that is free. */
  static async start(settings: Record<string, string> = {}): Promise<Daemon> {
    const home = temporary();
    const child = spawn(path.join(BUILD, 'mayflyd'), [], {
      cwd: home,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        LISTEN: '127.0.0.1:0',
        STORAGE_PATH: path.join(home, 'storage'),
        STATE_PATH: path.join(home, 'state'),
        UPLOAD_RATE_LIMIT: 'off',
        HEALTH_RATE_LIMIT: 'off',
        ASAN_OPTIONS: `detect_leaks=${process.getuid?.() === 0 ? 1 : 0}:exitcode=99`,
        UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
        ...settings,
      },
    });
    // One that a failed test has left must not keep the run waiting.
    child.unref();
    (child.stderr as Socket).unref();
    process.on('exit', () => child.kill('SIGKILL'));
    const daemon = new Daemon(child, home);
    daemon.url = await waitFor('the daemon to listen', () => {
      assert.equal(child.exitCode, null, daemon.log);
      const port = /"event":\s*"listening"[^\n]*?:(\d+)"/.exec(daemon.log)?.[1];
      return port && `http://127.0.0.1:${port}`;
    });
    return daemon;
  }

  /** SIGTERM, and it has to end with 0: a sanitizer's finding is another number. */
  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), LIMIT_MS);
    if (this.child.exitCode === null && this.child.signalCode === null)
      await new Promise(done => this.child.once('close', done));
    clearTimeout(timer);
    fs.rmSync(this.home, { recursive: true, force: true });
    assert.equal(this.child.exitCode, 0, this.log.slice(-4000));
  }

  /** Nothing of `secret` is in the log. */
  keepsQuietAbout(secret: string): void {
    assert.ok(!this.log.includes(secret), 'a secret is in the log');
  }

  async upload(body: Blob, name: string, fields: Record<string, string> = {}): Promise<Receipt> {
    const form = new FormData();
    for (const [key, value] of Object.entries(fields)) form.append(key, value);
    form.append('file', body, name);
    const reply = await fetch(`${this.url}/upload/`, { method: 'POST', body: form });
    assert.equal(reply.status, 201);
    return (await reply.json()) as Receipt;
  }

  async status(key: string): Promise<{ status: string; remaining_uses: number; ended_by: string }> {
    return (await (await fetch(`${this.url}/status/${key}`)).json()) as never;
  }

  /** The client program, with this server. */
  mayfly(args: string[], input: string | Buffer = ''): { stdout: string; status: number | null } {
    const env = { ...process.env, HOME: this.home, MAYFLY_SERVER: this.url };
    const ran = spawnSync(path.join(BUILD, 'mayfly'), args, { env, input, timeout: LIMIT_MS });
    assert.equal(ran.error, undefined);
    return { stdout: ran.stdout.toString(), status: ran.status };
  }
}
