// SPDX-License-Identifier: Apache-2.0
/** End-to-end mode as docs/end-to-end.md defines it. Loaded only when it is needed. */

/** What is sealed for the receivers: of the plaintext. */
export interface Meta {
  name: string;
  type: string;
  size: number;
  sha256: string;
}
