// SPDX-License-Identifier: Apache-2.0
/** Minutes to choose from: round ones up to the longest, the server's own default among them. */
export function expiryChoices(max: number, usual: number): number[] {
  const round = [1, 5, 10, 30, 60, 180, 720, 1440, 4320, 10080, 20160, 43200];
  const all = new Set([...round.filter(m => m < max), Math.min(usual, max), max]);
  return [...all].sort((a, b) => a - b);
}
