/** Dark and light: the system's choice until somebody chooses; and the colours that canvases need. */

export type Theme = 'light' | 'dark';

export interface Palette {
  readonly text: string;
  readonly muted: string;
  readonly grid: string;
  readonly line: string;
  readonly fill: string;
  readonly mark: string;
  readonly gap: string;
  readonly damaged: string;
  readonly panel: string;
  /** From nothing to the most, for the heat map. */
  readonly heat: readonly string[];
}

const key = 'reto3-theme';
const system = matchMedia('(prefers-color-scheme: dark)');

export function theme(): Theme {
  const chosen = localStorage.getItem(key);
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return system.matches ? 'dark' : 'light';
}

/** Puts the theme on the page, now and whenever the system changes its own. */
export function applyTheme(changed: () => void): void {
  const apply = (): void => {
    document.documentElement.dataset['theme'] = theme();
    changed();
  };
  system.addEventListener('change', apply);
  apply();
}

export function switchTheme(): Theme {
  const next = theme() === 'dark' ? 'light' : 'dark';
  localStorage.setItem(key, next);
  document.documentElement.dataset['theme'] = next;
  return next;
}

/** The colours of the style sheet, as they are now. */
export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    text: colour('text'),
    muted: colour('muted'),
    grid: colour('grid'),
    line: colour('accent'),
    fill: colour('accent-soft'),
    mark: colour('mark'),
    gap: colour('gap'),
    damaged: colour('bad'),
    panel: colour('panel'),
    heat: [0, 1, 2, 3, 4, 5].map((stop) => colour(`heat-${stop}`)),
  };
}
