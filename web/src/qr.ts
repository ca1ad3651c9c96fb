// SPDX-License-Identifier: Apache-2.0
/** A QR code as one SVG path. Loaded when a result is shown. */

import { encode } from 'uqr';

const SVG = 'http://www.w3.org/2000/svg';

/** The four modules of quiet zone around it are part of the picture (ISO/IEC 18004). */
export function qrCode(text: string, label: string): SVGSVGElement {
  const { data, size } = encode(text, { border: 4, ecc: 'M' });
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  svg.setAttribute('shape-rendering', 'crispEdges');
  const path = document.createElementNS(SVG, 'path');
  const dark = data.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${x} ${y}h1v1h-1z`] : [])));
  path.setAttribute('d', dark.join(''));
  path.setAttribute('fill', '#000');
  svg.append(path);
  return svg;
}
