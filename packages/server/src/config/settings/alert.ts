/** Settings of alerts: what is watched for, and who is told. */
import type { SettingTable } from '../setting.ts';
import { alertRules, nonEmpty, webhook } from '../setting-values.ts';

export const alertSettings = {
  /** Undefined where nothing is watched for. */
  alert: {
    flag: 'alert',
    summary:
      'tell a webhook when this begins and ends, such as "ms10 > 500 for 50ms until < 400 for 1s"; repeatable',
    value: 'RULE',
    repeatable: true,
    fallback: undefined,
    parse: alertRules,
    unit: 'rule',
    more: 'a webhook is told when it begins and ends ([Alerts](alerts.md)); they look ten times a second: four of them took 0.2 to 0.4 % of a core of an idle server (2-core development machine), and nothing of a worker; `npm run bench -- --full --only alerts`',
    less: 'nobody is told',
  },
  alertUrl: {
    flag: 'alert-url',
    summary: 'webhook that the alerts are sent to',
    value: 'URL',
    secret: true,
    fallback: undefined,
    parse: webhook,
    unit: 'URL',
    more: 'where alerts go; every user of the machine can read command lines, so a URL that is a secret belongs into the next',
  },
  alertUrlFile: {
    flag: 'alert-url-file',
    summary: 'file with the URL of the webhook, where the URL itself is a secret',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
    unit: 'path',
    more: 'a file with that URL',
  },
  alertTokenFile: {
    flag: 'alert-token-file',
    summary: 'file with the bearer token that the webhook asks for',
    value: 'FILE',
    fallback: undefined,
    parse: nonEmpty,
    unit: 'path',
    more: 'a file with the bearer token that the webhook asks for',
  },
} as const satisfies SettingTable;
