/**
 * Runs code before each call that may change a file, for tests of crashes: a kill leaves what the
 * kernel has between two such calls. A test mocks the modules of Node.js and LevelDB with these
 * wrappers, or wraps the parts of a data folder.
 */

/** Of Node.js, its file handles, LevelDB, and the parts of a data folder. */
const changing: ReadonlySet<PropertyKey> = new Set([
  ...['mkdir', 'open', 'rename', 'rm', 'truncate', 'writeFile'],
  ...['ftruncateSync', 'writeSync'],
  ...['batch', 'clear', 'close', 'datasync', 'sync'],
  ...['create', 'grow', 'retire', 'write'],
]);

/** Calls whose result has steps of its own. */
const opening: ReadonlySet<PropertyKey> = new Set(['create', 'open']);

/** Called before a step, which fails if it throws. */
type BeforeStep = () => void;

let beforeOfModules: BeforeStep = () => undefined;

/** Does `work`, and calls `before` ahead of each step of the mocked modules. */
export async function atEachStep<T>(before: BeforeStep, work: () => Promise<T>): Promise<T> {
  beforeOfModules = before;
  try {
    return await work();
  } finally {
    beforeOfModules = () => undefined;
  }
}

/** The object, with a call of `before` ahead of each step. */
export function stepped<T extends object>(object: T, before: BeforeStep): T {
  return new Proxy(object, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name, target);
      return isMethod(found) ? call(target, name, found, before) : found;
    },
  });
}

/** A module for `atEachStep`; its classes stay as they are. */
export function steppedModule<T extends object>(module: T): T {
  const calls = Object.entries(module).flatMap(([name, found]: [string, unknown]) =>
    changing.has(name) && isMethod(found) ? [[name, call(module, name, found, ofModules)]] : [],
  );
  return { ...module, ...Object.fromEntries(calls) };
}

/** The module of LevelDB for `atEachStep`. */
export function steppedLevel<T extends { readonly Level: new (...of: never) => object }>(
  module: T,
): T {
  const Level = new Proxy(module.Level, {
    construct: (target, args: never) => stepped(new target(...args), ofModules),
  });
  return { ...module, Level };
}

function ofModules(): void {
  beforeOfModules();
}

type Method = (...args: unknown[]) => unknown;

function call(target: object, name: PropertyKey, method: Method, before: BeforeStep): Method {
  return (...args) => {
    if (changing.has(name)) before();
    const result: unknown = Reflect.apply(method, target, args);
    if (!opening.has(name) || !(result instanceof Promise)) return result;
    return result.then((opened: unknown) => (isObject(opened) ? stepped(opened, before) : opened));
  };
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
