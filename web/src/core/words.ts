// SPDX-License-Identifier: Apache-2.0
/** Share codes: reading what people type or paste, drawing new ones, completing words. */

/** Six words are an end-to-end code (docs/end-to-end.md); three to five are the server's own. */
export interface Code {
  kind: 'server' | 'e2e';
  words: string[];
  /** The words in lower case, joined by '-'. */
  text: string;
}
