// SPDX-License-Identifier: Apache-2.0
/** Goal: every view can be used by everybody: axe-core, both schemes, 320 px, six languages. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { BrowserContextOptions } from 'playwright-core';
import { checkAccess, checkWidth } from './axe';
import { ROOT } from './daemon';
import { button, heading, look, receive, send, type Local } from './pages';
import { Tab } from './tab';
import { Room } from './room';

const FILE: Local = {
  name: 'minutes.pdf',
  mimeType: 'application/pdf',
  buffer: Buffer.alloc(48000),
};
const LONG = { ...FILE, name: `${'w'.repeat(150)}.pdf` };
const NARROW = { width: 320, height: 640 };

describe('the views', () => {
  const room = new Room();
  const open = async (options: BrowserContextOptions, where = ''): Promise<Tab> => {
    const tab = await room.tab({ reducedMotion: 'reduce', ...options });
    await tab.page.goto(room.daemon.url + where);
    return tab;
  };

  /** As wide as it is, and at 320 px. */
  async function check(tab: Tab, what: string): Promise<void> {
    await checkAccess(tab.page, what);
    const size = tab.page.viewportSize();
    await tab.page.setViewportSize(NARROW);
    await checkWidth(tab.page, what);
    await checkAccess(tab.page, `${what} at 320 px`);
    if (size) await tab.page.setViewportSize(size);
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`of a sender are accessible and fit, ${colorScheme}`, async () => {
      const tab = await open({ colorScheme });
      await check(tab, 'send');
      await tab.page.getByRole('tab', { name: 'Text' }).click();
      await check(tab, 'text');
      await tab.page.getByRole('tab', { name: 'Files' }).click();
      await button(tab.page, 'Send').click();
      await tab.page.getByText('Choose a file or write').waitFor();
      await check(tab, 'nothing to send');
      await tab.page.locator('#file').setInputFiles([FILE, LONG]);
      await check(tab, 'chosen files');
      await button(tab.page, /^Remove minutes/).click();
      await send(tab, []);
      await tab.page.locator('.qr svg').waitFor();
      await check(tab, 'result');
      await button(tab.page, 'Send another').click();
      await check(tab, 'still alive');
      await tab.close();
    });

    it(`of a receiver are accessible and fit, ${colorScheme}`, async () => {
      const file = await room.daemon.upload(new Blob([new Uint8Array(48_000)]), LONG.name);
      const note = await room.daemon.upload(new Blob(['x'.repeat(500)]), 'note.txt');
      const tab = await open({ colorScheme }, '/#receive');
      const field = tab.page.getByRole('combobox', { name: /Words/ });
      await field.pressSequentially('aba');
      await tab.page.getByRole('option').first().waitFor();
      await check(tab, 'words');
      await tab.page.goto(`${room.daemon.url}/#${file.key}`);
      await heading(tab.page, 'Somebody has sent you a file').waitFor();
      await check(tab, 'a link');
      await button(tab.page, 'Show what it is').click();
      await heading(tab.page, 'Ready to download').waitFor();
      await check(tab, 'an offer');
      await receive(tab);
      await check(tab, 'received');
      await look(tab, `${room.daemon.url}/#${note.key}`);
      await button(tab.page, 'Show here').click();
      await heading(tab.page, 'The note').waitFor();
      await check(tab, 'a note');
      tab.expect(/status of 410/);
      await look(tab, `${room.daemon.url}/#${note.key}`);
      await heading(tab.page, 'The file is gone').waitFor();
      await check(tab, 'gone');
      await tab.close();
    });

    it(`of the landing page and the interface are accessible, ${colorScheme}`, async () => {
      const { download_url } = await room.daemon.upload(new Blob(['x']), 'x.bin');
      const tab = await open({ colorScheme });
      await tab.page.goto(download_url);
      await check(tab, 'landing page');
      await tab.page.goto(`${room.daemon.url}/docs/`);
      await heading(tab.page, /./).first().waitFor();
      await check(tab, 'interface');
      await tab.close();
    });
  }

  it('follow the language of the browser, and the one that is chosen', async () => {
    const names = { de: 'de-AT', es: 'es-MX', fr: 'fr-CA', pt: 'pt-BR', zh: 'zh-CN', en: 'it-IT' };
    const titles = new Set<string>();
    for (const [lang, locale] of Object.entries(names)) {
      const tab = await open({ locale });
      await tab.page.locator(`html[lang|="${lang}"]`).waitFor({ state: 'attached' });
      titles.add(await tab.page.locator('#send-title').innerText());
      await checkWidth(tab.page, lang);
      await tab.close();
    }
    assert.equal(titles.size, 6);
    const tab = await open({});
    await tab.page.locator('#lang').selectOption('de');
    await tab.page.locator('html[lang|="de"]').waitFor({ state: 'attached' });
    assert.ok(titles.has(await tab.page.locator('#send-title').innerText()));
    assert.match(tab.page.url(), /lang=de/);
    await tab.page.setViewportSize(NARROW);
    for (const lang of Object.keys(names)) {
      await tab.page.locator('#lang').selectOption(lang);
      await tab.page.locator(`html[lang|="${lang}"]`).waitFor({ state: 'attached' });
      await checkWidth(tab.page, `${lang} at 320 px`);
    }
    await tab.close();
  });

  it('would be found wanting: axe-core and the ruler see what is wrong', async () => {
    const tab = await open({});
    await tab.page.evaluate(() => {
      const image = document.createElement('img');
      image.width = 3000;
      document.querySelector('main')?.append(image);
    });
    await assert.rejects(checkAccess(tab.page, 'broken'), /image-alt/);
    await assert.rejects(checkWidth(tab.page, 'broken'), /px wide/);
    await tab.page.context().close();
  });

  const ask = process.env['UPDATE_IMAGES'] ? it : () => undefined;
  ask('are in docs/images when asked for', async () => {
    const folder = path.join(ROOT, 'docs/images');
    fs.mkdirSync(folder, { recursive: true });
    for (const colorScheme of ['light', 'dark'] as const) {
      const tab = await open({ colorScheme, viewport: { width: 1000, height: 780 } });
      const shot = async (name: string): Promise<void> => {
        const file = path.join(folder, `page-${name}-${colorScheme}.png`);
        await tab.page.screenshot({ path: file, animations: 'disabled' });
        assert.ok(fs.statSync(file).size < 150_000, `${file} is too large`);
      };
      await tab.page.locator('#file').setInputFiles(FILE);
      await shot('send');
      const { link } = await send(tab, []);
      await tab.page.locator('.qr svg').waitFor();
      await shot('result');
      await look(tab, link);
      await heading(tab.page, 'Ready to download').waitFor();
      await shot('receive');
      await tab.close();
    }
  });
});
