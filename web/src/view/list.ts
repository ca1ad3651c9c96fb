// SPDX-License-Identifier: Apache-2.0
/** The sender's living uploads, as this tab remembers them. */

import { el, follow, tx } from '../dom';
import { formatSize, formatTime, t } from '../i18n';
import { forget, uploads, type Upload } from '../session';
import { watch } from '../watch';

export interface LivingList {
  /** Look at the memory again. `shown` is the key of the upload that has a view of its own now. */
  refresh(shown: string | null): void;
}

function item(upload: Upload, open: (upload: Upload) => void): HTMLLIElement {
  const left = follow(new Text(), n => {
    const until = t('send.until', { when: formatTime(new Date(upload.expiry)) });
    n.data = `${formatSize(upload.size)} · ${until}`;
  });
  const name = el(
    'button',
    { type: 'button', class: 'link', onclick: () => open(upload) },
    el('bdi', {}, upload.name),
  );
  follow(name, n => n.setAttribute('aria-label', t('send.show', { name: upload.name })));
  return el('li', {}, name, el('span', { class: 'side' }, left));
}

/** Each one is watched, and leaves the list and the memory when it has ended. */
export function livingList(place: HTMLElement, open: (upload: Upload) => void): LivingList {
  let stops: (() => void)[] = [];

  function refresh(shown: string | null): void {
    for (const stop of stops) stop();
    stops = [];
    const all = uploads().filter(u => u.key !== shown);
    if (all.length === 0) return place.replaceChildren();
    place.hidden = false;
    const rows = all.map(u => item(u, open));
    place.replaceChildren(
      el('h2', {}, tx('send.living')),
      el('p', { class: 'muted' }, tx('send.livingHint')),
      el('ul', { class: 'files' }, ...rows),
    );
    const gone = (key: string): void => {
      forget(key);
      refresh(shown);
    };
    // Used up is out of sight at once; out of memory when it cannot come back.
    const seen = (i: number, active: boolean): void => {
      rows[i]!.hidden = !active;
      place.hidden = rows.every(r => r.hidden);
    };
    stops = all.map((u, i) =>
      watch(u.key, (s, over) => {
        if (over) gone(u.key);
        else if (s) seen(i, s.status === 'active');
      }),
    );
  }

  return { refresh };
}
