import { Command, Flags, type Interfaces } from '@oclif/core';
import { environmentVariableOf, resolveConfig, settings } from '@reto3/server/config';
import { serve } from '../serve.ts';

/** The settings of the server, as flags. The values are checked by the server's own rules. */
const flags: Interfaces.FlagInput = Object.fromEntries(
  Object.values(settings).map((setting) => {
    const fallback = setting.fallbackText ?? setting.fallback;
    const origin = `[${fallback === undefined ? '' : `default: ${fallback}, `}env: ${environmentVariableOf(setting)}]`;
    const description = `${setting.summary} ${origin}`;
    return [
      setting.flag,
      setting.value === undefined
        ? Flags.boolean({ description })
        : Flags.string({ description, helpValue: setting.value }),
    ];
  }),
);

export default class Serve extends Command {
  static override readonly summary = 'Take requests, count them, and answer queries';
  static override readonly description =
    'Every request that is answered 200, whatever its method, path or body, is one message. Stops cleanly on SIGTERM and SIGINT.';
  static override readonly flags = flags;
  static override readonly examples = [
    '<%= config.bin %> serve',
    '<%= config.bin %> serve --port 9000 --data-dir /var/lib/reto3 --workers 4',
  ];

  async run(): Promise<void> {
    const { flags: given } = await this.parse(Serve);
    const texts = Object.entries(given).map(([flag, value]) => [flag, String(value)]);
    await serve(resolveConfig(Object.fromEntries(texts), process.env));
  }
}
