// SPDX-License-Identifier: Apache-2.0
/** Goal: whoever runs no script sends and receives all the same, and gives no six words away. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { Tab } from './tab';
import { Room } from './room';

const CONTENT = Buffer.from('only for who asks for it\n');
const FILE = { name: 'figures.txt', mimeType: 'text/plain', buffer: CONTENT };
const NEVER = 'abacus-abdomen-abdominal-abide';

describe('without JavaScript', () => {
  const room = new Room();
  let tab: Tab;
  const open = async (): Promise<void> => {
    tab = await room.tab({ javaScriptEnabled: false });
    await tab.page.goto(room.daemon.url);
  };

  it('the form uploads, and its result page names the code, the link and the limits', async () => {
    await open();
    await tab.page.locator('input[type=file]').setInputFiles(FILE);
    await tab.page.locator('input[name=expiry]').fill('7');
    await tab.page.locator('input[name=uses]').fill('2');
    await tab.page.locator('form[action="/upload/"] button').first().click();
    await tab.page.waitForURL('**/upload/');
    const text = await tab.page.locator('body').innerText();
    const code = /\b[a-z]+(?:-[a-z]+){3}\b/.exec(text)?.[0] ?? '';
    assert.match(text, new RegExp(`${room.daemon.url}/(#|download/)${code}`));
    const status = await room.daemon.status(code);
    assert.deepEqual([status.status, status.remaining_uses], ['active', 2]);
    const until = Date.parse(/\d{4}-\d\d-\d\dT[\d:]+Z/.exec(text)?.[0] ?? '');
    assert.ok(Math.abs(until - Date.now() - 7 * 60_000) < 30_000, text);
    room.daemon.keepsQuietAbout(code);
    await tab.close();
  });

  it('a code leads to a page that takes nothing, and its button takes the file', async () => {
    const { key } = await room.daemon.upload(new Blob([CONTENT]), FILE.name);
    await open();
    await tab.page.locator('input[name=key]').fill(key.toUpperCase().replaceAll('-', ' '));
    await tab.page.locator('form[action="/download/"] button').click();
    await tab.page.waitForLoadState();
    assert.equal((await room.daemon.status(key)).remaining_uses, 1);
    const arriving = tab.page.waitForEvent('download');
    await tab.page.getByRole('button').first().click();
    const download = await arriving;
    assert.equal(download.suggestedFilename(), FILE.name);
    assert.deepEqual(fs.readFileSync(await download.path()), CONTENT);
    assert.equal((await room.daemon.status(key)).status, 'burned');
    await tab.close();
  });

  it('a code that nobody was given leads to words, not to a file', async () => {
    await open();
    tab.expect(/status of 404/);
    await tab.page.locator('input[name=key]').fill(NEVER);
    await tab.page.locator('form[action="/download/"] button').click();
    await tab.page.waitForURL('**/download/**');
    const text = await tab.page.locator('body').innerText();
    assert.match(text, /There is nothing here/);
    assert.equal(await tab.page.getByRole('button').count(), 0);
    await tab.close();
  });

  it('six words are not sent by the field, and refused when sent all the same', async () => {
    const six = `${NEVER}-abiding-ability`;
    await open();
    await tab.page.locator('input[name=key]').fill(six);
    await tab.page.locator('form[action="/download/"] button').click();
    tab.neverSent(six);
    const form = new FormData();
    form.append('key', six);
    const reply = await fetch(`${room.daemon.url}/download/`, { method: 'POST', body: form });
    assert.equal(reply.status, 422);
    room.daemon.keepsQuietAbout(six);
    await tab.close();
  });
});
