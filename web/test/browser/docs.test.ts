// SPDX-License-Identifier: Apache-2.0
/** Goal: /docs/ shows all of the interface, lets one try it, and anyone can use it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Locator } from 'playwright-core';
import { checkAccess, checkWidth } from './axe';
import { Tab } from './tab';
import { Room } from './room';

const CONTENT = Buffer.from('only to try it\n');
const NEVER = 'zebra-zebra-zebra-zebra';

describe('the docs', () => {
  const room = new Room();

  async function open(id = '', options = {}): Promise<Tab> {
    const tab = await room.tab(options);
    await tab.page.goto(`${room.daemon.url}/docs/#${id}`);
    await tab.page.getByRole('navigation', { name: 'Operations' }).waitFor();
    return tab;
  }

  /** Press Send and give what came. */
  async function answer(of: Locator): Promise<string> {
    await of.getByRole('button', { name: 'Send', exact: true }).click();
    await of.locator('.docs-answer, .notice-bad').last().waitFor();
    return of.getByRole('status', { name: 'Answer' }).innerText();
  }

  for (const [scheme, width] of [
    ['light', 1280],
    ['dark', 320],
  ] as const)
    it(`are accessible and fit, all of them opened (${scheme}, ${width} px)`, async () => {
      const viewport = { width, height: 900 };
      const tab = await open('', { colorScheme: scheme, viewport });
      const n = await tab.page.locator('.docs-operation').count();
      assert.ok(n > 30, `${n} operations`);
      for (const level of ['.docs-operation', '.docs-reply'])
        await tab.page.locator(level).evaluateAll(all => {
          for (const one of all) (one as HTMLDetailsElement).open = true;
        });
      await tab.page
        .locator('.docs-operation form')
        .nth(n - 1)
        .waitFor();
      await checkWidth(tab.page, 'docs');
      await checkAccess(tab.page, 'docs');
      await tab.close();
    });

  it('open and focus the operation that the address names', async () => {
    const tab = await open('burn');
    assert.equal(await tab.page.locator('details.docs-operation[open]').count(), 1);
    await tab.page.locator('#burn > summary:focus').waitFor();
    await tab.page.getByRole('link', { name: 'GET /status/{key}' }).click();
    await tab.page.locator('#status > summary:focus').waitFor();
    await tab.close();
  });

  it('upload and download a file, and say whether it is whole', async () => {
    const tab = await open('upload');
    const upload = tab.page.locator('#upload');
    const buffer = CONTENT;
    await upload
      .getByLabel('file')
      .setInputFiles({ name: 'a.txt', mimeType: 'text/plain', buffer });
    const receipt = await answer(upload);
    assert.match(receipt, /^201/);
    const key = /"key":"([^"]+)"/.exec(receipt)?.[1] ?? '';
    await tab.page.goto(`${room.daemon.url}/docs/#download`);
    const download = tab.page.locator('#download');
    await download.getByRole('textbox', { name: 'key (required)' }).fill(key);
    assert.match(
      await answer(download),
      /^200[^]*15 bytes, SHA-256 [0-9a-f]{64}, as X-SHA256 says/,
    );
    const saved = tab.page.waitForEvent('download');
    await download.getByRole('link', { name: 'Save the file' }).click();
    assert.equal((await saved).suggestedFilename(), 'a.txt');
    assert.equal((await room.daemon.status(key)).status, 'burned');
    await tab.close();
  });

  it('show what is refused, as text', async () => {
    const tab = await open('status');
    const status = tab.page.locator('#status');
    await status
      .getByRole('textbox', { name: 'key (required)' })
      .fill('<img src=x onerror=alert(1)>');
    assert.match(await answer(status), /^200[^]*"unknown"/);
    await tab.page.goto(`${room.daemon.url}/docs/#preview`);
    tab.expect(/404/);
    await tab.page.locator('#preview').getByRole('textbox', { name: 'key (required)' }).fill(NEVER);
    assert.match(await answer(tab.page.locator('#preview')), /^404[^]*NOT_FOUND/);
    await tab.close();
  });

  it('send nothing when six words are typed, or what is needed is not', async () => {
    const tab = await open('download');
    const download = tab.page.locator('#download');
    const before = tab.requests.length;
    assert.match(await answer(download), /key is missing/);
    await download
      .getByRole('textbox', { name: 'key (required)' })
      .fill('one two three four five six');
    await download.getByText('# Six words are not for a server.').waitFor();
    assert.match(await answer(download), /Six words open an end-to-end file/);
    assert.equal(tab.requests.length, before);
    await tab.close();
  });

  it('without JavaScript lead to the document', async () => {
    const tab = await room.tab({ javaScriptEnabled: false });
    await tab.page.goto(`${room.daemon.url}/docs/`);
    await tab.page.getByRole('link', { name: 'the OpenAPI document' }).click();
    await tab.page.waitForURL('**/openapi.json');
    assert.match(await tab.page.locator('body').innerText(), /"openapi": ?"3\.1\.0"/);
    await tab.close();
  });
});
