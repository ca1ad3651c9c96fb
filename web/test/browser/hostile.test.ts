// SPDX-License-Identifier: Apache-2.0
/** Goal: what strangers send runs no script and names nothing but itself, however it is opened. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { waitFor, type Receipt } from './daemon';
import { hostile, type Hostile } from './hostile-contents';
import { button, heading, look, receive, send } from './pages';
import { Tab } from './tab';
import { Room } from './room';

describe('a hostile file', { concurrency: 4 }, () => {
  const room = new Room();

  /** By the landing page, whose button asks for the file by the address bar's own means. */
  async function byLanding(tab: Tab, of: Receipt, { bytes }: Hostile): Promise<void> {
    await tab.page.goto(of.download_url);
    const arriving = tab.page.waitForEvent('download');
    await tab.page.getByRole('button').first().click();
    assert.ok(fs.readFileSync(await (await arriving).path()).equals(bytes));
    assert.equal(tab.page.url(), of.download_url);
  }

  /** By the page: its name is text, and so is its content where it is shown in place. */
  async function byPage(tab: Tab, link: string, { bytes }: Hostile): Promise<void> {
    await look(tab, link);
    await heading(tab.page, 'Ready to download').waitFor();
    if (await button(tab.page, 'Show here').isVisible()) {
      await button(tab.page, 'Show here').click();
      await heading(tab.page, /The note|This did not work/).waitFor();
      const note = tab.page.locator('pre.note');
      if (await note.isVisible()) assert.equal(await note.locator('*').count(), 0);
    } else {
      const download = await receive(tab);
      assert.ok(fs.readFileSync(await download.path()).equals(bytes));
    }
  }

  /** Nothing of it became an element, a cookie, a title or a request. */
  async function didNothing(tab: Tab): Promise<void> {
    const { page } = tab;
    assert.equal(await page.locator('main img[src="x"], main script, main b').count(), 0);
    assert.equal(await page.evaluate(() => document.cookie), '');
    assert.ok(!tab.requests.some(r => /canary|example\.invalid/.test(r)));
  }

  hostile.forEach((file, i) =>
    it(`runs nothing: ${i + 1}, ${JSON.stringify(file.name.slice(0, 40))}`, async () => {
      const sent = await room.daemon.upload(new Blob([file.bytes]), file.name, { uses: '2' });
      const tab = await room.tab();
      await byLanding(tab, sent, file);
      await byPage(tab, `${room.daemon.url}/#${sent.key}`, file);
      await didNothing(tab);
      await tab.close();
    }),
  );

  for (const file of hostile.filter((_, i) => i % 8 === 6))
    it(`runs nothing end to end: ${JSON.stringify(file.name.slice(0, 40))}`, async () => {
      const tab = await room.tab();
      await tab.page.goto(room.daemon.url);
      const buffer = Buffer.from(file.bytes);
      const { link } = await send(tab, { name: file.name, mimeType: 'text/html', buffer });
      await didNothing(tab);
      const there = await room.tab();
      await byPage(there, link, file);
      await didNothing(there);
      await there.close();
      await tab.close();
    });

  it('would be seen: a page that does run such a script has a full console', async () => {
    const tab = await room.tab();
    await tab.page.route('**/page', route =>
      route.fulfill({ contentType: 'text/html', body: Buffer.from(hostile[0]!.bytes) }),
    );
    await tab.page.goto(`${room.daemon.url}/page`);
    await waitFor('the script', () => /404/.test(tab.odd.join()));
    tab.expect(/console: log: canary/, /dialog: canary/, /status of 404/);
    assert.ok(tab.requests.some(r => r.includes('/canary')));
    await tab.close();
  });
});
