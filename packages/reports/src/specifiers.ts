/**
 * Lets a report module in any folder import `reto3/report`, which Node.js could not resolve there.
 */
import module from 'node:module';

const names = ['reto3/report', '@reto3/server/report'];
const contractUrl = new URL('./report.js', import.meta.url).href;

type Resolve = (
  specifier: string,
  context: object,
  next: (specifier: string, context: object) => unknown,
) => unknown;

/** Missing from the types of the oldest supported Node.js. */
interface SynchronousHooks {
  readonly registerHooks: (hooks: { readonly resolve: Resolve }) => unknown;
}

function hasSynchronousHooks(given: object): given is SynchronousHooks {
  return 'registerHooks' in given;
}

let registered = false;

/** Registers the hook, once. Call it in each thread that loads report modules. */
export function resolveContract(): void {
  if (registered) return;
  registered = true;
  if (hasSynchronousHooks(module)) {
    module.registerHooks({
      resolve: (specifier, context, next) =>
        names.includes(specifier)
          ? { url: contractUrl, shortCircuit: true }
          : next(specifier, context),
    });
    return;
  }
  // Node.js before 22.15 has only hooks that run in their own thread.
  const hooks = `
    const names = ${JSON.stringify(names)};
    export const resolve = (specifier, context, next) =>
      names.includes(specifier)
        ? { url: ${JSON.stringify(contractUrl)}, shortCircuit: true }
        : next(specifier, context);`;
  module.register(`data:text/javascript,${encodeURIComponent(hooks)}`);
}
