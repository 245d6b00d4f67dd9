import { describe, expect, it } from 'vitest';
import { limitsOf, loadUws } from './load.ts';

describe('what a build of uWebSockets.js does not serve', () => {
  it('is named of the older build', () => {
    const limits = limitsOf('20.30.0-unofficial.0 (older build)');
    expect(limits).toMatch(/^only GET, HEAD, .*TRACE and CONNECT, and only header names of /);
  });

  it('is nothing of the newer one', () => {
    expect(limitsOf('20.57.0 (newer build)')).toBeUndefined();
  });

  it('is known of the build that loads here', () => {
    const { version } = loadUws();
    expect(version).toMatch(/^\d+\.\d+\.\d+\S* \((older|newer) build\)$/);
    expect(limitsOf(version) !== undefined).toBe(version.includes('older'));
  });
});
