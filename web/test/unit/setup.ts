// SPDX-License-Identifier: Apache-2.0
/** What browsers and newer versions of node have, and node 18 has elsewhere. Imported first. */
import { File } from 'node:buffer';
import { webcrypto } from 'node:crypto';

if (!('File' in globalThis)) Object.assign(globalThis, { File });
if (!('crypto' in globalThis)) Object.assign(globalThis, { crypto: webcrypto });
