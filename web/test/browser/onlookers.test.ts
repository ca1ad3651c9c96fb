// SPDX-License-Identifier: Apache-2.0
/** Goal: what only looks at a link burns nothing: robots, a prefetch, a browser that opens it. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { pause, type Receipt } from './daemon';
import { Room } from './room';

const ROBOTS = [
  'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)',
  'Twitterbot/1.0',
  'facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)',
  'WhatsApp/2.23.20.0 A',
  'TelegramBot (like TwitterBot)',
  'Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)',
  'LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)',
  'Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
  'Mattermost-Bot/1.1',
  'Synapse (bot; +https://github.com/matrix-org/synapse)',
];

describe('a link', () => {
  const room = new Room();
  let sent: Receipt;
  before(async () => {
    sent = await room.daemon.upload(new Blob(['once']), 'once.bin');
  });
  const links = () => [`${room.daemon.url}/#${sent.key}`, sent.download_url];
  const nothingTaken = async (): Promise<void> => {
    const { status, remaining_uses } = await room.daemon.status(sent.key);
    assert.deepEqual([status, remaining_uses], ['active', 1]);
  };

  for (const robot of ROBOTS)
    it(`survives ${robot}`, async () => {
      for (const link of [...links(), `${room.daemon.url}/preview/${sent.key}`]) {
        const reply = await fetch(link, { headers: { 'User-Agent': robot } });
        assert.ok(!(await reply.text()).includes('once.bin'), link);
      }
      await nothingTaken();
    });

  it('survives a prefetch by a page of the browser', async () => {
    const tab = await room.tab();
    await tab.page.goto(`${room.daemon.url}/robots.txt`);
    await tab.page.evaluate(href => {
      const link = document.createElement('link');
      Object.assign(link, { rel: 'prefetch', href });
      document.head.append(link);
    }, sent.download_url);
    await pause(500);
    await nothingTaken();
    await tab.page.context().close();
  });

  it('survives a browser that opens it, in either form', async () => {
    for (const link of links()) {
      const tab = await room.tab();
      await tab.page.goto(link);
      await tab.page.getByRole('button').first().waitFor();
      await pause(300);
      await nothingTaken();
      await tab.close();
    }
  });

  it('gives the file to who asks for it', async () => {
    const reply = await fetch(sent.download_url);
    assert.equal(await reply.text(), 'once');
    assert.equal((await room.daemon.status(sent.key)).status, 'burned');
  });
});
