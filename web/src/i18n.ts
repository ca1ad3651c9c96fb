// SPDX-License-Identifier: Apache-2.0
/** Every text for people, and how numbers, sizes and times are written. English is built in. */

import { text as english } from 'messages:en';
import type common from '../messages/common.json';
import type receive from '../messages/receive.json';
import type send from '../messages/send.json';

export type Key = keyof typeof common | keyof typeof send | keyof typeof receive;
export type Values = Record<string, string | number>;

/** In their own names, for whoever looks for his. */
export const languages = {
  en: 'English',
  es: 'Español',
  de: 'Deutsch',
  fr: 'Français',
  pt: 'Português',
  zh: '简体中文',
} as const;
export type Language = keyof typeof languages;

const load: Record<Exclude<Language, 'en'>, () => Promise<{ text: Record<string, string> }>> = {
  es: () => import('messages:es'),
  de: () => import('messages:de'),
  fr: () => import('messages:fr'),
  pt: () => import('messages:pt'),
  zh: () => import('messages:zh'),
};

let current: Language = 'en';
let texts: Record<string, string> = english;
const listeners: (() => void)[] = [];

export const language = (): Language => current;

/** Call `listener` after every change of the language. */
export function onLanguage(listener: () => void): void {
  listeners.push(listener);
}

/** The first of the wanted languages that we speak. */
export function choose(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const base = tag.toLowerCase().split('-')[0] ?? '';
    if (Object.hasOwn(languages, base)) return base as Language;
  }
  return 'en';
}

/** Stays with the present language when the texts cannot be fetched. */
export async function setLanguage(lang: Language): Promise<void> {
  let next: Record<string, string> = english;
  if (lang !== 'en') {
    try {
      next = (await load[lang]()).text;
    } catch {
      return;
    }
  }
  texts = next;
  current = lang;
  document.documentElement.lang = locale();
  for (const listener of listeners) listener();
}

/** `?lang=` goes before what the browser asks for. */
export async function startLanguage(): Promise<void> {
  const asked = new URLSearchParams(location.search).get('lang');
  await setLanguage(choose(asked ? [asked, ...navigator.languages] : navigator.languages));
}

/** The text of a message, with `{name}` filled from the values. */
export function t(key: Key, values: Values = {}): string {
  const text = texts[key] ?? english[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (slot, name: string) => {
    const value = values[name];
    return value === undefined ? slot : typeof value === 'number' ? formatNumber(value) : value;
  });
}

/** One or many: `{n}` is the number. */
export function tn(one: Key, other: Key, n: number, values: Values = {}): string {
  const rule = new Intl.PluralRules(locale()).select(n);
  return t(rule === 'one' ? one : other, { ...values, n });
}

function locale(): string {
  return current === 'zh' ? 'zh-Hans' : current;
}

export function formatNumber(n: number, digits = 0): string {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(n);
}

export function formatPercent(part: number): string {
  return new Intl.NumberFormat(locale(), { style: 'percent' }).format(part);
}

/** Bytes in the units of the server's own limits: 1 KiB is 1,024 bytes. */
export function formatSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let n = bytes;
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${formatNumber(n, n < 10 && unit > 0 ? 1 : 0)}\u00a0${units[unit]}`;
}

/** The two largest units of a length of time: "2 hours 5 minutes". */
export function formatDuration(seconds: number, unitDisplay: 'long' | 'short' = 'long'): string {
  const s = Math.max(0, Math.round(seconds));
  const parts: [number, string][] = [
    [Math.floor(s / 86400), 'day'],
    [Math.floor(s / 3600) % 24, 'hour'],
    [Math.floor(s / 60) % 60, 'minute'],
    [s % 60, 'second'],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  const two = first < 0 ? [parts[3]!] : parts.slice(first, first + 2).filter(([n]) => n > 0);
  const write = ([n, unit]: [number, string]): string =>
    new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay }).format(n);
  return two.map(write).join(current === 'zh' ? '' : ' ');
}

/** A moment in the reader's time zone; the day only when it is not today. */
export function formatTime(when: Date): string {
  const today = when.toDateString() === new Date().toDateString();
  const style: Intl.DateTimeFormatOptions = { timeStyle: 'short' };
  if (!today) style.dateStyle = 'medium';
  return new Intl.DateTimeFormat(locale(), style).format(when);
}
