/** Reads the webhook's URL and token from flags and files. */
import { readFile } from 'node:fs/promises';
import { messageOf, Reto3Error, readToken } from '@reto3/core';
import { isWebhook } from '../config/setting-values.ts';
import type { Config } from '../config/settings.ts';
import type { Receiver } from './delivery.ts';

type Settings = Pick<Config, 'alertUrl' | 'alertUrlFile' | 'alertTokenFile'>;

/** @throws Reto3Error RETO3_BAD_SETTING, without quoting the files */
export async function receiverOf(config: Settings): Promise<Receiver> {
  const { alertUrl, alertUrlFile, alertTokenFile } = config;
  const url = alertUrlFile === undefined ? alertUrl : await readUrl(alertUrlFile);
  if (url === undefined) throw new Error('BUG: alerts without a URL');
  if (!isWebhook(url)) {
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `cannot use --alert-url-file "${alertUrlFile}": want an http or https URL without user and password`,
    );
  }
  const token =
    alertTokenFile === undefined ? undefined : await readToken('alert-token-file', alertTokenFile);
  return { url, token };
}

async function readUrl(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new Reto3Error(
      'RETO3_BAD_SETTING',
      `cannot read --alert-url-file "${file}": ${messageOf(error)}`,
      { cause: error },
    );
  }
}
