// SPDX-License-Identifier: Apache-2.0
/** The server's interface (docs/api.md) as functions. Knows no view and no text for people. */

export type EndedBy = 'uses' | 'expiry' | 'revoked';

/** A refusal of the server, or of the network. */
export class ApiError extends Error {
  /**
   * @param status the HTTP status; 0: no answer came (network lost, or the request was cut)
   * @param code the server's `error_code`, such as "GONE"; "NETWORK" when no answer came,
   *   "BAD_REPLY" when the answer was not what the interface promises
   * @param more `retryAt` from Retry-After; `endedAt` and `endedBy` of what is gone
   */
  constructor(
    readonly status: number,
    readonly code: string,
    readonly more: { retryAt?: Date; endedAt?: Date; endedBy?: EndedBy } = {},
  ) {
    super(`${code} (${status})`);
    this.name = 'ApiError';
  }
}

/** What the sender gets (201 of POST /upload/). `shareUrl` is null for end-to-end uploads. */
export interface Receipt {
  key: string;
  downloadUrl: string;
  shareUrl: string | null;
  expiry: Date;
  createdAt: Date;
  uses: number;
  filename: string;
  size: number;
  mimeType: string;
  sha256: string;
  burnToken: string;
}

export interface UploadFields {
  expiryMin: number;
  uses: number;
  token?: string;
  /** An end-to-end upload: the body is an age file. */
  e2e?: { id: string; meta: string };
}

export interface Preview {
  key: string;
  filename: string;
  size: number;
  mimeType: string;
  expiry: Date;
  uses: number;
  sha256: string;
  /** Sealed metadata of an end-to-end upload. */
  meta: string | null;
  isEndToEnd: boolean;
}

export interface Status {
  status: 'active' | 'expired' | 'burned' | 'unknown';
  remainingUses: number;
  expiresAt: Date | null;
  endedAt: Date | null;
  endedBy: EndedBy | null;
}

/** Bytes of the body that were sent, of all; called often. */
export type OnProgress = (done: number, total: number) => void;
