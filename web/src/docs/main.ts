// SPDX-License-Identifier: Apache-2.0
/** The viewer of /docs/: shows /openapi.json of this server, and lets one try it. */
import { describeBody, describeParameters, describeReplies } from './describe';
import { el } from '../element';
import { prose } from './html';
import { type Operation, readSpec, type Spec } from './spec';
import { tryIt } from './try';

/** Told of in the page, but not in its list of contents: they are what GET is, or all the same. */
const ASIDE = new Set(['HEAD', 'OPTIONS']);

function nameOf(op: Operation): HTMLElement {
  return el(
    'span',
    { class: 'docs-name' },
    el('span', { class: 'docs-method' }, op.method),
    ' ',
    el('code', {}, op.path),
  );
}

/** One operation. What is inside is made when it is opened first: there are many. */
function operation(op: Operation): HTMLElement {
  const details = el(
    'details',
    { id: op.id, class: 'card docs-operation' },
    el('summary', {}, el('h3', {}, nameOf(op)), el('span', {}, op.summary)),
  );
  details.addEventListener(
    'toggle',
    () => {
      const parts = [describeParameters(op), describeBody(op), describeReplies(op), tryIt(op)];
      details.append(el('p', {}, ...prose(op.description)), ...parts.filter(part => part !== null));
    },
    { once: true },
  );
  return details;
}

function navigation(spec: Spec): HTMLElement {
  return el(
    'nav',
    { 'aria-label': 'Operations', class: 'docs-nav' },
    ...spec.tags
      .filter(tag => spec.operations.some(op => op.tag === tag.name && !ASIDE.has(op.method)))
      .map(tag =>
        el(
          'section',
          {},
          el('h2', {}, tag.name),
          el(
            'ul',
            {},
            ...spec.operations
              .filter(op => op.tag === tag.name && !ASIDE.has(op.method))
              .map(op => el('li', {}, el('a', { href: `#${op.id}` }, nameOf(op)))),
          ),
        ),
      ),
  );
}

function sections(spec: Spec): HTMLElement[] {
  return spec.tags.map(tag =>
    el(
      'section',
      { class: 'stack', 'aria-labelledby': `tag-${tag.name}` },
      el('h2', { id: `tag-${tag.name}` }, tag.name),
      el('p', {}, tag.description),
      ...spec.operations.filter(op => op.tag === tag.name).map(operation),
    ),
  );
}

/** Open what the address names, and go there. */
function goToNamed(): void {
  const named = document.getElementById(location.hash.slice(1));
  if (!(named instanceof HTMLDetailsElement)) return;
  named.open = true;
  named.scrollIntoView();
  named.querySelector('summary')?.focus({ preventScroll: true });
}

async function start(main: HTMLElement): Promise<void> {
  const response = await fetch('/openapi.json', { headers: { Accept: 'application/json' } });
  if (!response.ok) throw new Error(`/openapi.json: ${response.status}`);
  const spec = readSpec((await response.json()) as Record<string, unknown>);
  const intro = spec.description.split('\n\n').map(p => el('p', {}, ...prose(p)));
  main.replaceChildren(
    navigation(spec),
    el(
      'div',
      { class: 'docs-body stack' },
      el('h1', {}, 'The HTTP interface'),
      ...intro,
      el('p', {}, el('a', { href: '/openapi.json' }, 'OpenAPI document'), ', for programs.'),
      ...sections(spec),
    ),
  );
  addEventListener('hashchange', goToNamed);
  goToNamed();
}

const main = document.querySelector('main');
if (main)
  start(main).catch(() => {
    main.querySelector('[role=status]')?.replaceChildren('The document could not be loaded.');
  });
