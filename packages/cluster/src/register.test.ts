/** Anyone may have written into the buckets: invalid entries are ignored. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Register } from './register.ts';
import { MemoryBucket } from './testing/memory-bucket.ts';

describe('the register', () => {
  let records: MemoryBucket;
  let leases: MemoryBucket;
  let register: Register;

  beforeEach(() => {
    [records, leases] = [new MemoryBucket(), new MemoryBucket()];
    const lease = { instance: 'one', place: 'here' };
    register = new Register({ leases: leases.kv, records: records.kv }, 'a', lease);
  });

  it.each([
    '{',
    '',
    7,
    null,
    {},
    { boot: -1 },
    { boot: 0.5 },
    { boot: 1e300 },
    { boot: 2 ** 53 - 1 },
  ])('takes %j for no boot', async (value) => {
    records.write('boot.a', value);
    expect(await register.lastBoot()).toBe(0);
    await register.recordBoot(1_464_433_871_234);
    expect(await register.lastBoot()).toBe(1_464_433_871_234);
  });

  it.each(['{', '', 7, null, { instance: 1, place: 'there' }])(
    'takes %j for no lease',
    async (value) => {
      leases.write('a', value);
      expect(await register.claim()).toEqual({ granted: true, isSuperseded: false });
    },
  );

  it('records its boot again if the buckets were lost', async () => {
    const boot = 1_464_433_871_234;
    await register.claim();
    await register.recordBoot(boot);
    for (const { entries } of [leases, records]) entries.clear();
    expect(await register.claim()).toEqual({ granted: true, isSuperseded: false });
    expect(await register.lastBoot()).toBe(boot);
  });

  it('notices that another server had its name meanwhile', async () => {
    const boot = 1_464_433_871_234;
    await register.claim();
    await register.recordBoot(boot);
    leases.entries.clear();
    records.write('boot.a', { boot: boot + 1 });
    expect(await register.claim()).toEqual({ granted: true, isSuperseded: true });
    expect(await register.lastBoot()).toBe(boot + 1);
  });

  it('shows the holder of a name in text that is safe to print', async () => {
    leases.write('a', { instance: 'two', place: `\u001b[31mred${'x'.repeat(1_000)}` });
    const claim = await register.claim();
    expect(claim.granted).toBe(false);
    expect(JSON.stringify(claim)).toMatch(/^.{1,400}$/);
    expect(JSON.stringify(claim)).not.toMatch(/u001b/);
  });
});
