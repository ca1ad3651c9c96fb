// SPDX-License-Identifier: Apache-2.0
/** Goal: what goes wrong is told in words, at either side, and can be stopped at either side. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { Daemon, temporary } from './daemon';
import { button, heading, look, send, type Local } from './pages';
import { openBrowser, Tab } from './tab';
import { Room } from './room';

const FILE: Local = { name: 'a.bin', mimeType: 'text/plain', buffer: Buffer.from('some bytes\n') };
const NEVER = 'abacus-abdomen-abdominal-abide';
const MIB = 1 << 20;

describe('a sender is told', () => {
  let browser: Browser;
  before(async () => (browser = await openBrowser()));
  after(() => browser?.close());

  /** Try to send with a server of these settings; what the page says. */
  async function refused(settings: Record<string, string>, expected: RegExp[]): Promise<string> {
    const daemon = await Daemon.start(settings);
    const tab = await Tab.open(browser, daemon.url);
    tab.expect(...expected);
    await tab.page.goto(daemon.url);
    if (settings['UPLOAD_TOKEN']) await tab.page.getByLabel('Upload token').fill('wrong');
    if (settings['UPLOAD_RATE_LIMIT']) await daemon.upload(new Blob(['first']), 'first.bin');
    await tab.page.locator('#file').setInputFiles(FILE);
    const sealed = tab.page.getByRole('switch');
    if (settings['ALLOWED_MIME_TYPES']) assert.ok(await sealed.isDisabled());
    await button(tab.page, 'Send').click();
    const said = tab.page.locator('.notice-bad');
    await said.waitFor();
    const text = await said.innerText();
    assert.ok(
      await tab.page.getByText(FILE.name, { exact: true }).isVisible(),
      'the file is still chosen',
    );
    await tab.close();
    await daemon.stop();
    return text;
  }

  it('that a file is too large before a byte of it is sent', async () => {
    assert.match(await refused({ MAX_FILE_SIZE: '5' }, []), /too large: at most/);
  });
  it('that the type is not allowed', async () => {
    const text = await refused({ ALLOWED_MIME_TYPES: 'image/*' }, [/status of 415/]);
    assert.match(text, /does not take this type/);
  });
  it('that the token is wrong', async () => {
    const text = await refused({ UPLOAD_TOKEN: 'x'.repeat(32) }, [/status of 401/]);
    assert.match(text, /token is not right/);
  });
  it('until when there are too many uploads', async () => {
    const text = await refused({ UPLOAD_RATE_LIMIT: '1/hour' }, [/status of 429/]);
    assert.match(text, /Try again at \d\d?:\d\d/);
  });

  it('that nothing was left behind when an upload was cancelled', async () => {
    const daemon = await Daemon.start({ MAX_FILE_SIZE: '400M' });
    const tab = await Tab.open(browser, daemon.url);
    await tab.page.goto(daemon.url);
    const folder = temporary();
    const file = path.join(folder, FILE.name);
    fs.writeFileSync(file, Buffer.alloc(300 * MIB));
    await tab.page.locator('#file').setInputFiles(file);
    await button(tab.page, 'Send').click();
    await button(tab.page, 'Cancel').click();
    await button(tab.page, 'Send').waitFor();
    assert.ok(await tab.page.getByText(FILE.name, { exact: true }).isVisible());
    assert.equal(await tab.page.evaluate(() => sessionStorage.length), 0);
    fs.rmSync(folder, { recursive: true });
    await tab.close();
    await daemon.stop();
  });
});

describe('a receiver is told', () => {
  const room = new Room({ DOWNLOAD_FAIL_LIMIT: '2', MAX_FILE_SIZE: '400M' });
  const open = (): Promise<Tab> => room.tab();

  it('that the sender has destroyed it', async () => {
    const { key, burn_token } = await room.daemon.upload(new Blob(['x']), 'x.bin');
    const headers = { Authorization: `Bearer ${burn_token}` };
    await fetch(`${room.daemon.url}/burn/${key}`, { method: 'POST', headers });
    const tab = await open();
    tab.expect(/status of 410/);
    await look(tab, `${room.daemon.url}/#${key}`);
    await tab.page
      .getByText(/The sender has destroyed it/)
      .first()
      .waitFor();
    await tab.close();
  });

  it('that somebody has looked before, and may download all the same', async () => {
    const { key } = await room.daemon.upload(new Blob(['x']), 'x.bin');
    await fetch(`${room.daemon.url}/preview/${key}`);
    const tab = await open();
    tab.expect(/status of 410/);
    await look(tab, `${room.daemon.url}/#${key}`);
    await tab.page.getByText(/Somebody has looked at this before/).waitFor();
    assert.ok(await button(tab.page, 'Download').isVisible());
    await tab.close();
  });

  it('that the bytes are damaged, and has no file then', async () => {
    const sender = await open();
    await sender.page.goto(room.daemon.url);
    const { link } = await send(sender, { ...FILE, buffer: Buffer.alloc(300_000, 1) });
    const tab = await open();
    await tab.page.route('**/download/*', async route => {
      const reply = await route.fetch();
      const body = await reply.body();
      body[body.length - 5]! ^= 1;
      await route.fulfill({ response: reply, body });
    });
    tab.page.on(
      'download',
      d =>
        void d.path().then(
          () => tab.odd.push('a file'),
          () => {},
        ),
    );
    await look(tab, link);
    await button(tab.page, 'Download').click();
    await tab.page
      .getByText(/damaged, or was tampered with/)
      .first()
      .waitFor();
    await tab.close();
    await sender.close();
  });

  it('that a download was stopped, after a second press where it is the last', async () => {
    const { key } = await room.daemon.upload(new Blob([Buffer.alloc(300 * MIB)]), 'big.bin');
    const tab = await open();
    await look(tab, `${room.daemon.url}/#${key}`);
    await button(tab.page, 'Download').click();
    await button(tab.page, 'Cancel').click();
    await button(tab.page, 'Stop anyway').click();
    await tab.page.getByText(/You have stopped the download/).waitFor();
    await tab.close();
  });

  it('that words are in no code, or too few, and nothing is sent', async () => {
    const tab = await open();
    await tab.page.goto(`${room.daemon.url}/#receive`);
    await tab.page.getByRole('combobox', { name: /Words/ }).fill('only two');
    await button(tab.page, 'Continue').click();
    await tab.page.getByText(/This is not a code/).waitFor();
    await tab.page.getByRole('combobox', { name: /Words/ }).fill(`${NEVER}-ability`);
    await button(tab.page, 'Continue').click();
    await tab.page.getByText(/These are five words/).waitFor();
    tab.neverSent('abdominal');
    await tab.close();
  });

  it('that there never was such a code, and until when too many were wrong', async () => {
    const tab = await open();
    tab.expect(/status of 404/, /status of 429/);
    for (const last of ['ability', 'ablaze', 'abnormal']) {
      await look(tab, `${room.daemon.url}/#abacus-abdomen-abdominal-${last}`);
      await heading(tab.page, 'This did not work').waitFor();
      if (last === 'ability')
        await tab.page
          .getByText(/There is no file under/)
          .first()
          .waitFor();
    }
    await tab.page
      .getByText(/Ask again after/)
      .first()
      .waitFor();
    await tab.close();
  });
});
