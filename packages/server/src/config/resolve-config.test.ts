import { describe, expect, it } from 'vitest';
import { isLoopback, resolveConfig } from './resolve-config.ts';

const dayMs = 86_400_000;

describe('retention', () => {
  it('never gets shorter from ms10 to sec to min', () => {
    expect(() => resolveConfig({ 'retain-sec': '29d' }, {})).toThrow(
      'got --retain-sec "29d", want at least --retain-ms10, which is "30d"',
    );
    expect(() => resolveConfig({ 'retain-min': '30d' }, { RETO3_RETAIN_SEC: '31d' })).toThrow(
      'got --retain-min "30d", want at least RETO3_RETAIN_SEC, which is "31d"',
    );
    expect(() => resolveConfig({ 'retain-ms10': 'forever' }, {})).toThrow('want at least');
    const same = { 'retain-ms10': '2d', 'retain-sec': '48h', 'retain-min': '2d' };
    expect(resolveConfig(same, {})).toMatchObject({ retainMin: 2 * dayMs });
  });
});

describe('settings of the cluster', () => {
  it.each([
    ['role', 'merge', 'nats'],
    ['role', 'ingest', 'nats'],
    ['nats-user', 'u', 'nats-password-file'],
    ['nats-password-file', 'f', 'nats-user'],
    ['nats-cert', 'f', 'nats-key'],
    ['nats-key', 'f', 'nats-cert'],
  ])('--%s %s is refused without --%s', (flag, text, other) => {
    expect(() => resolveConfig({ [flag]: text }, {})).toThrow(
      `got --${flag} "${text}" alone, want --${other} with it`,
    );
  });

  it('takes groups with --role merge alone, each with subjects of its own', () => {
    const nats = 'nats://a:4222';
    const group = { nats, 'nats-group': 'EAST=reto3.east,WEST=reto3.west' };
    expect(() => resolveConfig(group, {})).toThrow(
      'got --nats-group "EAST=reto3.east,WEST=reto3.west" with --role "both", want --role merge',
    );
    expect(resolveConfig({ ...group, role: 'merge' }, {}).natsGroup).toHaveLength(2);
    const same = { nats, role: 'merge', 'nats-group': 'EAST=reto3,WEST=reto3' };
    expect(() => resolveConfig(same, {})).toThrow('want other subjects for each group');
  });

  it.each(['nats://user:secret@a:4222', 'nats://token@a'])('refuses %s', (url) =>
    expect(() => resolveConfig({ nats: url }, {})).toThrow('want a URL without a user'),
  );
});

describe('an admin host that is not loopback', () => {
  it('is refused without a token or --admin-open', () => {
    expect(() => resolveConfig({ 'admin-host': '0.0.0.0' }, {})).toThrow(
      'got --admin-host "0.0.0.0", which others may reach, ' +
        'want --admin-token-file or --admin-open with it',
    );
  });

  it('is refused with the name of the variable that set it', () => {
    expect(() => resolveConfig({}, { RETO3_ADMIN_HOST: '::' })).toThrow(
      'got RETO3_ADMIN_HOST "::"',
    );
  });

  it('is accepted with a token file, or with --admin-open', () => {
    const host = { 'admin-host': '192.0.2.1' };
    expect(resolveConfig({ ...host, 'admin-token-file': 'token' }, {}).adminHost).toBe('192.0.2.1');
    expect(resolveConfig(host, { RETO3_ADMIN_OPEN: 'true' }).adminHost).toBe('192.0.2.1');
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', '1.127.0.0', '::ffff:192.0.2.1', '127.example.org'])(
    'is %s',
    (host) => expect(isLoopback(host)).toBe(false),
  );

  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('is not %s', (host) =>
    expect(isLoopback(host)).toBe(true),
  );
});
