/**
 * The browser's storage. Browsers that block cookies block it too, with an exception on every
 * access; the page then forgets the values when it is closed.
 */

export interface TextStore {
  get(key: string): string | undefined;
  /** undefined deletes. */
  set(key: string, value: string | undefined): void;
}

/** @param name of a property of `window`, whose getter may throw */
function storeIn(name: 'localStorage' | 'sessionStorage'): TextStore {
  const unsaved = new Map<string, string>();
  return {
    get(key) {
      try {
        return unsaved.get(key) ?? globalThis[name].getItem(key) ?? undefined;
      } catch {
        return unsaved.get(key);
      }
    },
    set(key, value) {
      unsaved.delete(key);
      try {
        if (value === undefined) globalThis[name].removeItem(key);
        else globalThis[name].setItem(key, value);
      } catch {
        if (value !== undefined) unsaved.set(key, value);
      }
    },
  };
}

/** Kept for all tabs. */
export const kept = storeIn('localStorage');
/** Kept until the tab is closed. */
export const keptInTab = storeIn('sessionStorage');
