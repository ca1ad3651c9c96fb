// SPDX-License-Identifier: Apache-2.0
/** axe-core in a page, whose policy forbids it to come any other way than by the debugger. */
import assert from 'node:assert/strict';
import axe from 'axe-core';
import type { Page } from 'playwright-core';

interface Found {
  violations: { id: string; help: string; nodes: { target: string[]; failureSummary: string }[] }[];
  passes: { id: string }[];
}

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** No violation in what is shown now; and the rules did see something. */
export async function checkAccess(page: Page, what: string): Promise<void> {
  await page.evaluate(axe.source);
  const found = (await page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(TAGS)}, resultTypes: ['violations'] })`,
  )) as Found;
  const lines = found.violations.flatMap(v =>
    v.nodes.map(n => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary}`),
  );
  assert.deepEqual(lines, [], `accessible: ${what}`);
  assert.ok(found.passes.length > 5, `${what}: axe found nothing to look at`);
}

/** Nothing is wider than the window. */
export async function checkWidth(page: Page, what: string): Promise<void> {
  const [has, may] = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return [scrollWidth, clientWidth] as const;
  });
  assert.ok(has <= may, `${what}: ${has} px wide in ${may}`);
}
