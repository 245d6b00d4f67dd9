/** The parsers of settings: whole numbers, sizes, durations, names, addresses. */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { Group } from '@reto3/cluster';
import { isPlainName } from '@reto3/core';
import { parseRule, type Rule } from '../alert/rule.ts';
import { blockListOf } from './networks.ts';

/** Parses the text of one setting. @throws InvalidValue */
export type Parse<T> = (text: string) => T;

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  y: 365 * 86_400_000,
};

const unitBytes: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9 };

/** A bad value; the message says what is wanted instead. */
export class InvalidValue extends Error {}

export function wholeNumber(min: number, max: number): Parse<number> {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      throw new InvalidValue(`a whole number from ${min} to ${max}`);
    return value;
  };
}

/** Bytes, such as 1MB. */
export function size(min: string, max: string): Parse<number> {
  return (text) => {
    const value = sizeBytes(text);
    if (!(value >= sizeBytes(min) && value <= sizeBytes(max)))
      throw new InvalidValue(`${min} to ${max}: a whole number and B, KB, MB or GB`);
    return value;
  };
}

function sizeBytes(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,12})(B|KB|MB|GB)$/.exec(text) ?? [];
  return Number(digits) * (unitBytes[unit] ?? Number.NaN);
}

/** A duration such as 30d, in milliseconds; Infinity for `forever`. */
export function duration(min: string): Parse<number> {
  const minMs = durationMs(min);
  return (text) => {
    const value = durationMs(text);
    if (!(value >= minMs))
      throw new InvalidValue(`at least ${min}: a number and s, m, h, d or y, or forever`);
    return value;
  };
}

function durationMs(text: string): number {
  if (text === 'forever') return Number.POSITIVE_INFINITY;
  const [, digits, unit = ''] = /^(\d{1,12})([smhdy])$/.exec(text) ?? [];
  return Number(digits) * (unitMs[unit] ?? Number.NaN);
}

const delayUnitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** A time to wait, such as 500ms, in milliseconds. */
export function delay(max: string): Parse<number> {
  return (text) => {
    const value = delayMs(text);
    if (!(value <= delayMs(max)))
      throw new InvalidValue(`0s to ${max}: a whole number and ms, s or m`);
    return value;
  };
}

function delayMs(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,9})(ms|s|m)$/.exec(text) ?? [];
  return Number(digits) * (delayUnitMs[unit] ?? Number.NaN);
}

export function address(text: string): string {
  if (text !== 'localhost' && isIP(text) === 0)
    throw new InvalidValue('an IP address of this machine, or localhost');
  return text;
}

/** Addresses, and networks as address and prefix length. */
export function networks(text: string): readonly string[] {
  const all = text.split(',').map((network) => network.trim());
  try {
    blockListOf(all);
  } catch {
    throw new InvalidValue('comma-separated IP addresses or networks, such as 10.0.0.0/8,::1');
  }
  return all;
}

export function dnsNames(text: string): readonly string[] {
  const names = text.split(',').filter(Boolean);
  if (!names.every((name) => /^[A-Za-z0-9_.-]{1,253}$/.test(name)))
    throw new InvalidValue('comma-separated names such as reto3.example.org, without ports');
  return names;
}

export function filePath(text: string): string {
  if (text.trim() === '') throw new InvalidValue('a path');
  // Of --data-dir=~/counts, some shells leave the ~, and a file of settings has no shell.
  if (/^~(?:\/|$)/.test(text)) throw new InvalidValue('a path with the home folder written out');
  return text;
}

export function plainName(text: string): string {
  if (!isPlainName(text))
    throw new InvalidValue('1 to 64 letters, digits, hyphens and underscores');
  return text;
}

const natsSchemes = ['nats:', 'tls:'];

/** Refuses users and passwords in URLs: every user of a machine can read its command lines. */
export function natsServers(text: string): readonly string[] {
  const servers = text.split(',').map((server) => {
    const url = server.includes('://') ? server : `nats://${server}`;
    if (!URL.canParse(url)) throw new InvalidValue(wantedServers);
    const { protocol, hostname, username, password, pathname, search } = new URL(url);
    if (username !== '' || password !== '')
      throw new InvalidValue(
        'a URL without a user: use --nats-creds, --nats-user or --nats-token-file',
      );
    const bare = hostname !== '' && (pathname === '' || pathname === '/') && search === '';
    if (!natsSchemes.includes(protocol) || !bare) throw new InvalidValue(wantedServers);
    return url;
  });
  return servers;
}

const wantedServers = 'servers such as nats://10.0.0.1:4222,nats://10.0.0.2:4222';

export function subjectPrefix(text: string): string {
  if (!/^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){0,15}$/.test(text))
    throw new InvalidValue('words of letters, digits, hyphens and underscores, separated by dots');
  return text;
}

/** Groups such as EAST=reto3.east, or WEST@west=reto3.west where another domain has the stream. */
export function natsGroups(text: string): readonly [Group, ...Group[]] {
  const groups = text.split(',').map((each) => {
    const [, stream, domain, subjects] = groupForm.exec(each) ?? [];
    if (stream === undefined || subjects === undefined) throw new InvalidValue(wantedGroups);
    return { stream, subjects, ...(domain !== undefined && { domain }) };
  });
  const [first, ...more] = groups;
  const distinct = new Set(groups.map(({ subjects }) => subjects));
  if (first === undefined || distinct.size < groups.length)
    throw new InvalidValue('other subjects for each group');
  return [first, ...more];
}

const groupForm =
  /^([A-Za-z0-9_-]{1,64})(?:@([A-Za-z0-9_-]{1,64}))?=([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){0,15})$/;
const wantedGroups = 'a stream and its subjects, such as EAST=reto3.east or EAST@domain=reto3.east';

export function replicas(text: string): number {
  if (!['1', '3', '5'].includes(text)) throw new InvalidValue('1, 3 or 5');
  return Number(text);
}

export function word(text: string): string {
  if (!/^\S+$/.test(text)) throw new InvalidValue('a name without spaces');
  return text;
}

export function reportNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidValue('names of reports or paths of modules');
  return names;
}

/**
 * Logs to follow. Formats are checked when the server starts, since loading all of them takes time.
 */
export function followedLogs(text: string): { readonly path: string; readonly format?: string }[] {
  const logs = text.split(',').map((each) => {
    const [, path = '', format] = /^(.*?)(?:=([a-z0-9-]+))?$/.exec(each.trim()) ?? [];
    if (path === '') throw new InvalidValue('paths of files, each perhaps with =FORMAT behind it');
    if (path === '-') throw new InvalidValue('files: reto3 import - reads stdin, without a server');
    return { path: resolve(filePath(path)), ...(format !== undefined && { format }) };
  });
  if (new Set(logs.map(({ path }) => path)).size < logs.length)
    throw new InvalidValue('each file once');
  return logs;
}

export function alertRules(text: string): readonly Rule[] {
  return text.split(',').map((each) => {
    const rule = parseRule(each);
    if (typeof rule === 'string') throw new InvalidValue(rule);
    return rule;
  });
}

export function webhook(text: string): string {
  if (!isWebhook(text)) throw new InvalidValue('an http or https URL without user and password');
  return text;
}

/** Whether it is an http or https URL without user and password. */
export function isWebhook(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return ['http:', 'https:'].includes(protocol) && username === '' && password === '';
}

export function switchValue(text: string): boolean {
  if (['true', '1', 'yes', 'on'].includes(text.toLowerCase())) return true;
  if (['false', '0', 'no', 'off'].includes(text.toLowerCase())) return false;
  throw new InvalidValue('true or false');
}

export function oneOf<const T extends string>(names: readonly T[]): Parse<T> {
  return (text) => {
    const found = names.find((name) => name === text);
    if (found === undefined) throw new InvalidValue(`one of ${names.join(', ')}`);
    return found;
  };
}
