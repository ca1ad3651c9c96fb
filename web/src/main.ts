// SPDX-License-Identifier: Apache-2.0
/** The start: the language, and which side is shown. A code leaves the address bar at once. */

import { parseCode, type Code } from './core/words';
import { el, follow, translate, tx } from './dom';
import { language, languages, setLanguage, startLanguage, t, type Language } from './i18n';
import { startSend } from './view/send';
import { showReceive } from './view/receive';

type Side = 'send' | 'receive';

const send = document.getElementById('send')!;
const receive = el('div', { id: 'receive', hidden: true });
const shell = document.getElementById('shell')!;
const nav = document.getElementById('nav')!;
let side: Side = 'send';

function show(next: Side, code: Code | null): void {
  side = next;
  send.hidden = next !== 'send';
  receive.hidden = next !== 'receive';
  shell.hidden = next !== 'send';
  for (const link of nav.querySelectorAll('a')) {
    if (link.hash === `#${next}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (next === 'receive' && (code || !receive.hasChildNodes())) showReceive(receive, code, leave);
}

/** The receiving view is done with: next time it begins anew. */
function leave(): void {
  receive.replaceChildren();
  history.replaceState(null, '', location.pathname + location.search);
  show('send', null);
  document.getElementById('send-title')?.focus();
}

/** What stands behind # decides. Anything but our two names may be a code, so it is taken away. */
function readAddress(): [Side, Code | null] {
  const hash = location.hash.slice(1);
  if (hash === '' || hash === 'send') return ['send', null];
  if (hash === 'receive') return ['receive', null];
  history.replaceState(null, '', location.pathname + location.search);
  let text = hash;
  try {
    text = decodeURIComponent(hash);
  } catch {
    // Not percent-encoded: read it as it stands.
  }
  return ['receive', parseCode(text)];
}

function offerLanguages(): void {
  const choice = el('select', { id: 'lang' });
  for (const [lang, name] of Object.entries(languages))
    choice.append(el('option', { value: lang, lang, selected: lang === language() }, name));
  choice.addEventListener('change', () => {
    const lang = choice.value as Language;
    const url = new URL(location.href);
    url.searchParams.set('lang', lang);
    history.replaceState(null, '', url);
    void setLanguage(lang);
  });
  document
    .getElementById('language')!
    .append(el('label', {}, el('span', {}, tx('common.language')), choice));
  follow(nav, n => n.setAttribute('aria-label', t('common.nav')));
}

function start(): void {
  for (const basic of document.querySelectorAll('.nojs-only')) basic.remove();
  document.documentElement.classList.add('js');
  send.after(receive);
  const base = document.getElementById('base');
  if (base && !base.textContent) base.textContent = location.origin;
  translate(document);
  startSend(() => side === 'send');
  addEventListener('hashchange', () => show(...readAddress()));
  const [first, code] = readAddress();
  // The receiving side takes the focus: it waits for the reader's language.
  send.hidden = shell.hidden = first === 'receive';
  if (first === 'send') show(first, code);
  void startLanguage().then(() => {
    offerLanguages();
    if (first === 'receive') show(first, code);
  });
}

start();
