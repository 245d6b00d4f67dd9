/** For every Vitest config: resolves packages to their sources, not to the last build. */
const resolve = { conditions: ['reto3-source'] };

export const fromSources = { resolve, ssr: { resolve } };
