// SPDX-License-Identifier: Apache-2.0
/** Chromium, and tabs that are watched: what they say, break, and ask of whom. */
import assert from 'node:assert/strict';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const ARGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    chromiumSandbox: false,
    args: ARGS,
  });

/** Runs in the page before anything else of it. */
function tellOfViolations(): void {
  addEventListener('securitypolicyviolation', e => {
    console.error(`violation: ${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile}`);
  });
}

export class Tab {
  /** What was said, thrown, or asked of another origin. */
  readonly odd: string[] = [];
  readonly requests: string[] = [];
  private readonly expected: RegExp[] = [];

  private constructor(
    readonly page: Page,
    readonly origin: string,
  ) {}

  /** A tab with a profile of its own. */
  static async open(
    browser: Browser,
    origin: string,
    options: BrowserContextOptions = {},
  ): Promise<Tab> {
    const context = await browser.newContext({ locale: 'en-GB', ...options });
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    const tab = new Tab(page, origin);
    if (options.javaScriptEnabled !== false) await page.addInitScript(tellOfViolations);
    context.on('console', m => tab.odd.push(`console: ${m.type()}: ${m.text()}`));
    context.on('weberror', e => tab.odd.push(`error: ${e.error().stack}`));
    context.on('dialog', d => {
      tab.odd.push(`dialog: ${d.message()}`);
      void d.dismiss();
    });
    context.on('page', p => {
      if (p !== page) tab.odd.push('another window');
    });
    context.on('request', r => {
      tab.requests.push(`${r.method()} ${r.url()} ${r.postData()?.slice(0, 2000) ?? ''}`);
      const to = new URL(r.url());
      if (to.origin !== origin && to.protocol !== 'blob:') tab.odd.push(`request: ${r.url()}`);
    });
    return tab;
  }

  /** What this test provokes, such as the line that Chromium writes for each reply from 400 on. */
  expect(...patterns: RegExp[]): void {
    this.expected.push(...patterns);
  }

  /** Nothing odd has happened. Closes the tab. */
  async close(): Promise<void> {
    await this.page.context().close();
    const odd = this.odd.filter(line => !this.expected.some(p => p.test(line)));
    assert.deepEqual(odd, [], 'the console was empty, no request left, nothing was violated');
    for (const p of this.expected)
      assert.ok(
        this.odd.some(line => p.test(line)),
        `${p} did not happen`,
      );
  }

  /** No request held any of these. */
  neverSent(...secrets: string[]): void {
    for (const secret of secrets)
      assert.ok(!this.requests.some(r => r.includes(secret)), 'a secret was sent');
  }
}
