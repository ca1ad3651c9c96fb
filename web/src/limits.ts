// SPDX-License-Identifier: Apache-2.0
/** What this server allows: mayflyd writes it on <main>. */

const data = document.getElementById('main')?.dataset ?? {};

export const limits = {
  fileSize: Number(data['maxFileSize']) || Infinity,
  fileSizeText: data['maxFileSizeText'] ?? '',
  /** Minutes. */
  maxExpiry: Number(data['maxExpiry']) || 60,
  expiry: Number(data['expiry']) || 10,
  maxUses: Number(data['maxUses']) || 1,
  endToEnd: data['e2e'] !== 'off',
  token: data['token'] === 'required',
};

/** Minutes to choose from: round ones up to the longest, the server's own default among them. */
export function expiryChoices(max: number, usual: number): number[] {
  const round = [1, 5, 10, 30, 60, 180, 720, 1440, 4320, 10080, 20160, 43200];
  const all = new Set([...round.filter(m => m < max), Math.min(usual, max), max]);
  return [...all].sort((a, b) => a - b);
}
