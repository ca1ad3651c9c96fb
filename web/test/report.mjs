// SPDX-License-Identifier: Apache-2.0
// A reporter of node:test for run.mjs: a line of JSON for each test that has no tests in it.
export default async function* report(events) {
  let inner = -1; // nesting of the last result: one that is less deep has had tests in it
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const hasInner = data.nesting < inner;
    inner = data.nesting;
    const failed = type === 'test:fail';
    if (hasInner && !(failed && data.details.error?.failureType !== 'subtestsFailed')) continue;
    if (!hasInner && data.details.type === 'suite' && !failed) continue;
    const error = data.details.error?.cause ?? data.details.error;
    yield JSON.stringify({
      name: data.name,
      result: failed ? 'failed' : data.skip !== undefined || data.todo ? 'skipped' : 'passed',
      why: failed ? String(error?.stack ?? error) : '',
      ms: Math.round(data.details.duration_ms ?? 0),
    }) + '\n';
  }
}
