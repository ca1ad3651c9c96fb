// SPDX-License-Identifier: Apache-2.0
/** What can be wrong with a file that arrived. Small, so that views can name them at no cost. */

/** The words do not open this file. */
export class WrongWordsError extends Error {
  override readonly name = 'WrongWordsError';
}

/** Bytes, length, hash or metadata are not what the sender sent. */
export class DamagedError extends Error {
  override readonly name = 'DamagedError';
}
