// SPDX-License-Identifier: Apache-2.0
/** What a person does in the page, by the names that the page shows. */
import assert from 'node:assert/strict';
import type { Download, Page } from 'playwright-core';
import { Tab } from './tab';

export interface Local {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

export interface Sending {
  endToEnd?: boolean;
  uses?: number;
}

export const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
export const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name });

/** What the result shows: the words, and the link of them. */
export interface Shown {
  code: string;
  link: string;
}

/** Press Send, and wait for the result. */
export async function sent(tab: Tab, options: Sending = {}): Promise<Shown> {
  const { page } = tab;
  if (options.endToEnd === false) await page.getByRole('switch').uncheck();
  if (options.uses) await page.getByLabel('Downloads').fill(String(options.uses));
  await button(page, 'Send').click();
  await heading(page, 'Ready. Pass on the words.').waitFor();
  const code = await page.locator('#result-code').evaluate(n => n.textContent ?? '');
  assert.match(code, options.endToEnd === false ? /^[a-z]+(-[a-z]+){3}$/ : /^[a-z]+(-[a-z]+){5}$/);
  return { code, link: `${tab.origin}/#${code}` };
}

/** Send these, or what is chosen already, from a page that is open. */
export async function send(
  tab: Tab,
  files: Local | Local[] | string,
  options: Sending = {},
): Promise<Shown> {
  if (!Array.isArray(files) || files.length > 0)
    await tab.page.locator('#file').setInputFiles(files);
  return sent(tab, options);
}

/** Open a link and have it show what it is. */
export async function look(tab: Tab, link: string): Promise<void> {
  await tab.page.goto(link);
  await heading(tab.page, 'Somebody has sent you a file').waitFor();
  assert.equal(tab.page.url(), `${tab.origin}/`, 'the code has left the address bar');
  await button(tab.page, 'Show what it is').click();
}

/** Download what is offered, and wait until the page says that it is whole. */
export async function receive(tab: Tab): Promise<Download> {
  const arriving = tab.page.waitForEvent('download');
  await button(tab.page, 'Download').click();
  const download = await arriving.catch(async (e: unknown) => {
    const shown = await tab.page.locator('main').innerText();
    throw new Error(`${String(e)}\nthe page says: ${shown}\n${tab.odd.join('\n')}`);
  });
  await heading(tab.page, 'Saved and verified').waitFor({ timeout: 120_000 });
  assert.equal(await download.failure(), null);
  return download;
}
