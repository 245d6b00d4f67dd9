/** The dark or light theme, as the system or the user chooses, and the colours for canvases. */
import { element } from './elements.ts';
import { kept } from './storage.ts';

type Theme = 'light' | 'dark';

export interface Palette {
  readonly text: string;
  readonly muted: string;
  readonly grid: string;
  readonly line: string;
  readonly fill: string;
  /** Between the median and the 99th percentile. */
  readonly band: string;
  readonly peak: string;
  readonly burst: string;
  readonly stall: string;
  /** The cell under the pointer. */
  readonly hover: string;
  /** One end of a range that is being selected. */
  readonly select: string;
  readonly gap: string;
  readonly damaged: string;
  readonly panel: string;
  /** The colours of the heat map, from zero to the maximum. */
  readonly heat: readonly string[];
}

const key = 'reto3-theme';
const system = matchMedia('(prefers-color-scheme: dark)');

function theme(): Theme {
  const chosen = kept.get(key);
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return system.matches ? 'dark' : 'light';
}

/** Applies the theme now, and again whenever that of the system changes. */
function applyTheme(changed: () => void): void {
  const apply = (): void => {
    document.documentElement.dataset['theme'] = theme();
    changed();
  };
  system.addEventListener('change', apply);
  // Forced colours replace the palette.
  matchMedia('(forced-colors: active)').addEventListener('change', apply);
  apply();
}

function switchTheme(): Theme {
  const next = theme() === 'dark' ? 'light' : 'dark';
  kept.set(key, next);
  document.documentElement.dataset['theme'] = next;
  return next;
}

/** The current colours of the style sheet. */
export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    text: colour('text'),
    muted: colour('muted'),
    grid: colour('grid'),
    line: colour('accent'),
    fill: colour('accent-soft'),
    band: colour('band'),
    peak: colour('peak'),
    burst: colour('burst'),
    stall: colour('stall'),
    hover: colour('text'),
    select: colour('select'),
    gap: colour('gap'),
    damaged: colour('damaged'),
    panel: colour('panel'),
    heat: [0, 1, 2, 3, 4, 5].map((stop) => colour(`heat-${stop}`)),
  };
}

/** @param changed called with the colours, now and after each change */
export function connectTheme(changed: (colours: Palette) => void): void {
  const button = element('theme', HTMLButtonElement);
  const show = (): void => {
    button.textContent = theme() === 'dark' ? 'Light' : 'Dark';
    button.setAttribute('aria-label', `Switch to ${theme() === 'dark' ? 'light' : 'dark'} colours`);
    changed(palette());
  };
  applyTheme(show);
  button.addEventListener('click', () => {
    switchTheme();
    show();
  });
}
