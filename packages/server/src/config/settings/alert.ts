/** Settings of alerts: the rules and the webhook. */
import type { SettingTable } from '../setting.ts';
import { alertRules, filePath, webhook } from '../setting-values.ts';

export const alertSettings = {
  /** Undefined without alerts. */
  alert: {
    flag: 'alert',
    summary: 'alert a webhook, for example if "ms10 > 500 for 50ms until < 400 for 1s"; repeatable',
    value: 'RULE',
    repeatable: true,
    fallback: undefined,
    parse: alertRules,
    unit: 'rule',
    more: 'a webhook is called when an alert fires and when it resolves ([Alerts](alerts.md)), also [on the sum of a cluster](alerts.md#watch-a-cluster); four rules take 0.2 to 0.4 % of a core and nothing of a worker (`npm run bench -- --full --only alerts`)',
    less: 'no alerts',
  },
  alertUrl: {
    flag: 'alert-url',
    summary: 'webhook to call',
    value: 'URL',
    secret: true,
    fallback: undefined,
    parse: webhook,
    unit: 'URL',
    more: 'the webhook; every user of the machine can read command lines, so put a secret URL into `--alert-url-file`',
  },
  alertUrlFile: {
    flag: 'alert-url-file',
    summary: 'file with the URL of the webhook, if that is a secret',
    value: 'FILE',
    fallback: undefined,
    parse: filePath,
    unit: 'path',
    more: 'file with the URL of the webhook',
  },
  alertTokenFile: {
    flag: 'alert-token-file',
    summary: 'file with the bearer token for the webhook',
    value: 'FILE',
    fallback: undefined,
    parse: filePath,
    unit: 'path',
    more: 'file with the bearer token for the webhook',
  },
} as const satisfies SettingTable;
