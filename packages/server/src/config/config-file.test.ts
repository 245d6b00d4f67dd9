import { describe, expect, it } from 'vitest';
import { parseConfigFile, readConfigFile } from './config-file.ts';
import { configSchema } from './config-schema.ts';
import { resolveConfig } from './resolve-config.ts';
import { settings } from './settings.ts';

const file = 'reto3.yaml';

async function read(content: string, flags = {}, environment = {}) {
  return resolveConfig(flags, environment, await parseConfigFile(content, file));
}

const sample = `# What this server counts
port: 9000
admin-port: 9001 # for Prometheus
archive: true
retain-ms10: 2d
report:
  - lag
  - top
`;

describe('a configuration file', () => {
  it('sets what it names, and leaves the defaults of the rest', async () => {
    expect(await read(sample)).toMatchObject({
      port: 9_000,
      adminPort: 9_001,
      archive: true,
      retainMs10: 2 * 86_400_000,
      report: ['lag', 'top'],
      flushMs: 50,
    });
  });

  it('gives way to variables, and these to flags', async () => {
    const environment = { RETO3_PORT: '9100', RETO3_ADMIN_PORT: '9101' };
    expect(await read(sample, { port: '9200' }, environment)).toMatchObject({
      port: 9_200,
      adminPort: 9_101,
    });
  });

  it.each(['', '# nothing yet\n', '---\n'])('may set nothing: %j', async (content) => {
    expect(await parseConfigFile(content, file)).toEqual({});
  });

  it.each([
    ['\nport: 99999', 'got port "99999" in reto3.yaml:2, want a whole number from 0 to 65535'],
    ['prot: 1', 'reto3.yaml:1: got "prot", want a flag of reto3 serve'],
    ['port:', 'reto3.yaml:1: got nothing for port, want one value'],
    ['port: [1, 2]', 'reto3.yaml:1: got a list or a map for port, want one value'],
    ['report:\n  - lag\n  - a: 1', 'reto3.yaml:3: got a list or a map for report, want one value'],
    ['- port', 'reto3.yaml:1: got no map, want lines such as "port: 8080"'],
    ['port: 1\nport: 2', 'reto3.yaml:2: cannot read YAML: Map keys must be unique'],
    ['port: "1', 'reto3.yaml:1: cannot read YAML: Missing closing "quote'],
    [
      '\nadmin-host: 0.0.0.0',
      'got admin-host "0.0.0.0" in reto3.yaml:2, which others may reach, want --admin-token-file',
    ],
    ['retain-sec: 29d', 'got retain-sec "29d" in reto3.yaml:1, want at least --retain-ms10'],
    ['alert-url: http://a/secret', 'got alert-url in reto3.yaml:1 alone, want --alert with it'],
  ])('is refused with its line: %j', async (content, message) => {
    await expect(read(content)).rejects.toMatchObject({
      code: 'RETO3_BAD_SETTING',
      message: expect.stringContaining(message),
    });
  });

  it('is refused by name if it cannot be read', async () => {
    await expect(readConfigFile('/nonexistent.yaml')).rejects.toMatchObject({
      code: 'RETO3_BAD_SETTING',
      message: expect.stringContaining('cannot read --config "/nonexistent.yaml": ENOENT'),
    });
  });
});

it('has a schema that knows every setting', () => {
  const names = Object.values(settings).map(({ flag }) => flag);
  expect(Object.keys(Object(Object(configSchema()).properties))).toEqual(names);
});
