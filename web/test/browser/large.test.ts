// SPDX-License-Identifier: Apache-2.0
/** Goal: 300 MiB pass through the page, sealed and plain, and the tab stays small meanwhile. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, CDPSession } from 'playwright-core';
import { Daemon, temporary } from './daemon';
import { button, heading, look } from './pages';
import { openBrowser, Tab } from './tab';

const MIB = 1 << 20;
const SIZE = (process.env['FAST'] ? 30 : 300) * MIB;
const MEMORY_MAX = 200 * MIB;
const LIMIT_MS = 240_000;

/**
 * The most memory that any of the browser's renderers has of its own, from now until `stop`. The
 * pages of the program's file are not counted: all of the browser's processes share them.
 */
class Memory {
  most = 0;
  private readonly timer = setInterval(() => void this.measure(), 200);

  constructor(private readonly cdp: CDPSession) {}

  private async measure(): Promise<void> {
    const { processInfo } = await this.cdp.send('SystemInfo.getProcessInfo');
    for (const { type, id } of processInfo) {
      if (type !== 'renderer') continue;
      try {
        const status = fs.readFileSync(`/proc/${id}/status`, 'utf8');
        const kib = (name: string): number =>
          Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
        const own = kib('RssAnon') + kib('RssShmem') + kib('VmSwap');
        this.most = Math.max(this.most, own * 1024);
      } catch {
        // It has ended since.
      }
    }
  }

  stop(): number {
    clearInterval(this.timer);
    return this.most;
  }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of fs.createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

describe(`a file of ${SIZE / MIB} MiB`, () => {
  let daemon: Daemon;
  const folder = temporary();
  const file = path.join(folder, 'large.bin');
  before(async () => {
    daemon = await Daemon.start({ MAX_FILE_SIZE: '400M' });
    const block = randomBytes(MIB);
    for (let i = 0; i < SIZE / MIB; i++) {
      block.writeUInt32LE(i, 0);
      fs.appendFileSync(file, block);
    }
  });
  after(async () => {
    fs.rmSync(folder, { recursive: true, force: true });
    await daemon?.stop();
  });

  async function goesUp(browser: Browser, endToEnd: boolean): Promise<string> {
    const tab = await Tab.open(browser, daemon.url);
    const { page } = tab;
    await page.goto(daemon.url);
    await page.locator('#file').setInputFiles(file);
    if (!endToEnd) await page.getByRole('switch').uncheck();
    await button(page, 'Send').click();
    await heading(page, 'Ready. Pass on the words.').waitFor({ timeout: LIMIT_MS });
    const code = await page.locator('#result-code').evaluate(n => n.textContent ?? '');
    await tab.close();
    return code;
  }

  async function comesDown(browser: Browser, code: string): Promise<void> {
    const tab = await Tab.open(browser, daemon.url);
    await look(tab, `${daemon.url}/#${code}`);
    const arriving = tab.page.waitForEvent('download');
    await button(tab.page, 'Download').click();
    const download = await arriving;
    await heading(tab.page, 'Saved and verified').waitFor({ timeout: LIMIT_MS });
    const saved = await download.path();
    assert.equal(fs.statSync(saved).size, SIZE);
    assert.equal(await hashOf(saved), await hashOf(file));
    await tab.close();
  }

  for (const endToEnd of [true, false])
    it(`passes ${endToEnd ? 'end to end' : 'plain'} in a tab of less than 200 MB`, async () => {
      let code = '';
      const figures: number[] = [];
      for (const step of ['up', 'down']) {
        const browser = await openBrowser();
        const memory = new Memory(await browser.newBrowserCDPSession());
        const started = Date.now();
        if (step === 'up') code = await goesUp(browser, endToEnd);
        else await comesDown(browser, code);
        figures.push(memory.stop());
        const seconds = (Date.now() - started) / 1000;
        console.log(
          endToEnd ? 'end to end' : 'plain',
          step,
          seconds,
          's',
          memory.most / MIB,
          'MiB',
        );
        await browser.close();
      }
      for (const most of figures) assert.ok(most > 0 && most < MEMORY_MAX, `${most / MIB} MiB`);
    });
});
