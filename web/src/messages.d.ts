// SPDX-License-Identifier: Apache-2.0
/** web/messages/*.json in one language, put together by build.mjs. */
declare module 'messages:*' {
  export const text: Record<string, string>;
}
