// SPDX-License-Identifier: Apache-2.0
/** A daemon and a browser that the tests of a block share. */
import { after, before } from 'node:test';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { Daemon } from './daemon';
import { openBrowser, Tab } from './tab';

export class Room {
  daemon!: Daemon;
  browser!: Browser;

  /** To be made in the block itself: both are started before its tests and ended after them. */
  constructor(settings: Record<string, string> = {}) {
    before(async () => {
      this.daemon = await Daemon.start(settings);
      this.browser = await openBrowser();
    });
    after(async () => {
      await this.browser?.close();
      await this.daemon?.stop();
    });
  }

  /** A tab with a profile of its own, still empty. */
  tab(options: BrowserContextOptions = {}): Promise<Tab> {
    return Tab.open(this.browser, this.daemon.url, options);
  }

  /** A tab that shows that place of the server. */
  async open(where = '', options: BrowserContextOptions = {}): Promise<Tab> {
    const tab = await this.tab(options);
    await tab.page.goto(this.daemon.url + where);
    return tab;
  }
}
