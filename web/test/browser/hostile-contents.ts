// SPDX-License-Identifier: Apache-2.0
/** Forty contents that would run a script where a browser took them for a page, and their names. */

/** What each of them does if it can: seen in the console, as a dialog, and as a request. */
const RUN = `console.log('canary');fetch('/canary');alert('canary')`;
const SCRIPT = `<script>${RUN}</script>`;
const IMAGE = `<img src=x onerror="${RUN}">`;
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" onload="${RUN}">${SCRIPT}</svg>`;
const XHTML = `<html xmlns="http://www.w3.org/1999/xhtml"><head>${SCRIPT}</head></html>`;
const PDF = `%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert\\('canary'\\))>>>>
endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n`;
const GIF = 'GIF89a\x01\x00\x01\x00\x00\x00\x00;';
const utf7 = '+ADw-script+AD4-alert(1)+ADw-/script+AD4-';
const STYLED = '<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#s"?>';
const RSS = '<?xml version="1.0"?><rss xmlns:h="http://www.w3.org/1999/xhtml">';
const XSL = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">';

const CONTENTS: string[] = [
  `<!doctype html><title>x</title>${SCRIPT}`,
  `<html><body onload="${RUN}">`,
  SCRIPT,
  IMAGE,
  `<iframe srcdoc="${SCRIPT.replaceAll('"', '&quot;')}"></iframe>`,
  `<iframe src="javascript:${RUN}"></iframe>`,
  `<meta http-equiv=refresh content="0;url=javascript:${RUN}">`,
  '<meta http-equiv=refresh content="0;url=https://example.invalid/canary">',
  `<base href="https://example.invalid/">${SCRIPT}`,
  `<object data="data:text/html,${encodeURIComponent(SCRIPT)}"></object>`,
  `<embed src="data:image/svg+xml,${encodeURIComponent(SVG)}">`,
  `<details open ontoggle="${RUN}">`,
  `<form action="javascript:${RUN}"><button autofocus onfocus="${RUN}">`,
  '<link rel=stylesheet href="https://example.invalid/canary.css">',
  `<math><mtext><table><mglyph><style><!--</style>${IMAGE}`,
  `<noscript><p title="</noscript>${IMAGE.replaceAll('"', '&quot;')}">`,
  SVG,
  `<?xml version="1.0"?>${SVG}`,
  `<svg xmlns="http://www.w3.org/2000/svg"><foreignObject>${XHTML}</foreignObject></svg>`,
  `<svg xmlns="http://www.w3.org/2000/svg"><animate onbegin="${RUN}" attributeName="x"/></svg>`,
  '<svg xmlns="http://www.w3.org/2000/svg"><use href="https://example.invalid/c#x"/></svg>',
  `<?xml version="1.0"?>${XHTML}`,
  `${STYLED}${XSL}${SCRIPT}</xsl:stylesheet>`,
  '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
  `${RSS}<h:script>${RUN}</h:script></rss>`,
  PDF,
  `${PDF}${SCRIPT}`,
  `%PDF-1.4\n<</URI(javascript:${RUN})>>`,
  `${GIF}${SCRIPT}`,
  `GIF89a/*${SCRIPT}*/=1;${RUN}`,
  `\x89PNG\r\n\x1a\n${SCRIPT}`,
  `\xff\xd8\xff\xe0${SCRIPT}`,
  `PK\x03\x04${SCRIPT}`,
  `RIFF\x00\x00\x00\x00WEBP${SCRIPT}`,
  `\xef\xbb\xbf${SCRIPT}`,
  utf7,
  `\x00\x00${SCRIPT}`,
  `${RUN}//<!--`,
  `MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n${SCRIPT}`,
  `{"canary":"</script>${SCRIPT}"}`,
];

const NAMES: string[] = [
  'page.html',
  'picture.svg',
  'paper.pdf',
  'data.xml',
  'page.xhtml',
  'note.txt',
  '"><img src=x onerror=alert(1)>.html',
  "'-alert(1)-'.js",
  '</title><script>alert(1)</script>.svg',
  '\u202egpj.exe',
  '\u2066\u2067right\u2069.html',
  'a"; filename="b.html',
  'two\r\nSet-Cookie: canary=1.txt',
  '../../../etc/passwd',
  '..\\..\\boot.ini',
  'con.txt',
  '{{base_url}}.txt',
  '${alert(1)}.txt',
  'javascript:alert(1).txt',
  '%3Cscript%3E.html',
  '\u200b\ufeff.html',
  'a'.repeat(300) + '.html',
  '&lt;b&gt;.txt',
  'it\'s `quoted` "twice".txt',
];

export interface Hostile {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

export const hostile: Hostile[] = CONTENTS.map((content, i) => ({
  name: NAMES[i % NAMES.length] ?? '',
  bytes: Uint8Array.from(content, c => c.charCodeAt(0)),
}));
