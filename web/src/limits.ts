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
