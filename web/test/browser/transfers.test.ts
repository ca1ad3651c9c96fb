// SPDX-License-Identifier: Apache-2.0
/** Goal: what is sent from the page arrives through the link in another profile, byte for byte. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { temporary, waitFor } from './daemon';
import { button, heading, look, receive, send, sent, type Shown } from './pages';
import { Tab } from './tab';
import { Room } from './room';

const CONTENT = randomBytes(300_000);
const FILE = { name: 'Übung «1».bin', mimeType: 'application/octet-stream', buffer: CONTENT };

describe('what the page sends', () => {
  const room = new Room();
  const open = async (where = ''): Promise<Tab> => {
    const tab = await room.tab();
    await tab.page.goto(room.daemon.url + where);
    return tab;
  };
  const other = (): Promise<Tab> => room.tab();

  for (const endToEnd of [true, false])
    it(`arrives byte for byte, ${endToEnd ? 'sealed' : 'plain'}, and then is gone`, async () => {
      const tab = await open();
      const { code, link } = await send(tab, FILE, { endToEnd });
      const there = await other();
      await look(there, link);
      await there.page.getByText(FILE.name).waitFor();
      const download = await receive(there);
      assert.equal(download.suggestedFilename(), FILE.name);
      assert.ok(fs.readFileSync(await download.path()).equals(CONTENT));
      await tab.page.locator('#result-state').getByText('and gone').waitFor();
      room.daemon.keepsQuietAbout(code);
      if (endToEnd) {
        tab.neverSent(code, FILE.name);
        there.neverSent(code);
      }
      await there.close();

      const late = await other();
      late.expect(/status of 410/);
      await look(late, link);
      await late.page
        .getByText(/Its last download was taken/)
        .first()
        .waitFor();
      await late.close();
      await tab.close();
    });

  it('arrives as one zip when it is several files, also of one name', async () => {
    const tab = await open();
    const files = ['a.txt', 'b.bin', 'a.txt'].map((name, i) => ({
      name,
      mimeType: 'text/plain',
      buffer: Buffer.from(`file ${i}`),
    }));
    const { link } = await send(tab, files);
    const there = await other();
    await look(there, link);
    const download = await receive(there);
    const zip = await download.path();
    const tested = spawnSync('/usr/bin/python3', ['-m', 'zipfile', '-e', zip, `${zip}.d`]);
    assert.equal(tested.status, 0, tested.stderr.toString());
    const found = fs.readdirSync(`${zip}.d`).map(f => fs.readFileSync(path.join(`${zip}.d`, f)));
    assert.deepEqual(found.map(String).sort(), ['file 0', 'file 1', 'file 2']);
    fs.rmSync(`${zip}.d`, { recursive: true });
    await there.close();
    await tab.close();
  });

  it('arrives as a note, which is shown in place as text', async () => {
    const text = 'meet me <b>there</b>\n\u2603 & <script>alert(1)</script>';
    const tab = await open();
    await tab.page.getByRole('tab', { name: 'Text' }).click();
    await tab.page.getByLabel('Your text').fill(text);
    const { link } = await sent(tab);
    const there = await other();
    await look(there, link);
    await button(there.page, 'Show here').click();
    await heading(there.page, 'The note').waitFor();
    assert.equal(await there.page.locator('pre.note').textContent(), text);
    await there.close();
    await tab.close();
  });

  it('can be the text that was pasted anywhere', async () => {
    const tab = await open();
    await tab.page.evaluate(() => {
      const data = new DataTransfer();
      data.setData('text/plain', 'pasted');
      document.body.dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
      );
    });
    assert.equal(await tab.page.getByLabel('Your text').inputValue(), 'pasted');
    await tab.close();
  });

  it('is read by words that are typed, in any spelling', async () => {
    const { key } = await room.daemon.upload(new Blob(['typed']), 'typed.bin');
    const tab = await open('/#receive');
    await tab.page
      .getByRole('combobox', { name: /Words/ })
      .fill(key.toUpperCase().replace('-', ' '));
    await button(tab.page, 'Continue').click();
    await button(tab.page, 'Show what it is').click();
    await tab.page.getByText('typed.bin').waitFor();
    assert.equal((await room.daemon.status(key)).remaining_uses, 1);
    await tab.close();
  });

  it('is opened by mayfly get, and what mayfly sends by the page', async () => {
    const tab = await open();
    const { code } = await send(tab, FILE);
    const folder = temporary();
    const got = room.daemon.mayfly(['get', '-C', folder, '-'], `${code}\n`);
    assert.equal(got.status, 0, got.stdout);
    assert.ok(fs.readFileSync(path.join(folder, FILE.name)).equals(CONTENT));
    await tab.close();

    const source = path.join(folder, 'sent.bin');
    fs.writeFileSync(source, CONTENT);
    const ran = room.daemon.mayfly(['send', source]);
    assert.equal(ran.status, 0);
    const there = await other();
    await look(there, `${room.daemon.url}/#${ran.stdout.trim().replace(/^.*#/, '')}`);
    const download = await receive(there);
    assert.equal(download.suggestedFilename(), 'sent.bin');
    assert.ok(fs.readFileSync(await download.path()).equals(CONTENT));
    await there.close();
    fs.rmSync(folder, { recursive: true });
  });

  it('is burned by the sender at the second press, and by nothing less', async () => {
    const tab = await open();
    const { code } = await send(tab, FILE, { endToEnd: false });
    await button(tab.page, 'Burn now').click();
    assert.equal((await room.daemon.status(code)).status, 'active');
    await button(tab.page, 'Press again to burn').click();
    await tab.page
      .locator('#result-state')
      .getByText(/^Burned at/)
      .waitFor();
    assert.equal((await room.daemon.status(code)).ended_by, 'revoked');
    await tab.close();
  });

  it('is known to its tab after a reload until it ends, and kept nowhere else', async () => {
    const tab = await open();
    const ends: Shown = await send(tab, FILE, { endToEnd: false });
    await tab.page.reload();
    await tab.page.getByText('Still alive').waitFor();
    await button(tab.page, `Show ${FILE.name}`).click();
    await heading(tab.page, 'Ready. Pass on the words.').waitFor();
    const stored = await tab.page.evaluate(async () => ({
      session: JSON.stringify(sessionStorage),
      local: localStorage.length,
      databases: (await indexedDB.databases()).length,
      caches: self.caches ? (await caches.keys()).length : 0,
      cookie: document.cookie,
    }));
    assert.ok(stored.session.includes(ends.code));
    assert.deepEqual(
      { ...stored, session: '' },
      {
        session: '',
        local: 0,
        databases: 0,
        caches: 0,
        cookie: '',
      },
    );
    const token = /"burnToken":"([\w-]{43})"/.exec(stored.session.replaceAll('\\', ''))?.[1];
    const headers = { Authorization: `Bearer ${token}` };
    const burned = await fetch(`${room.daemon.url}/burn/${ends.code}`, { method: 'POST', headers });
    assert.equal(burned.status, 200);
    await waitFor('the entry to go', () =>
      tab.page.evaluate(() => sessionStorage.length === 0).catch(() => false),
    );
    await tab.page.reload();
    assert.equal(await tab.page.getByText('Still alive').isVisible(), false);
    await tab.close();
  });
});
