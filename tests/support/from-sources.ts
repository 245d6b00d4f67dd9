/** Packages import each other as they are now, and not as they were built last. For every config. */
const resolve = { conditions: ['reto3-source'] };

export const fromSources = { resolve, ssr: { resolve } };
