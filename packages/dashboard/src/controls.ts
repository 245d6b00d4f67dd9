/** Maps buttons, keys, wheel and touch to the few actions on a view. */
import type { Chart } from './chart.ts';
import { element } from './elements.ts';

export interface Actions {
  /** Moves the view by a share of its span; a negative share moves it to earlier times. */
  pan(share: number): void;
  /** Multiplies the span; the time `at` keeps its place on the screen. */
  zoom(factor: number, at?: number): void;
  span(spanMs: number): void;
  /** Pauses a live view, and resumes a paused one. */
  toggleLive(): void;
  /** Moves the crosshair by this many windows; a negative number moves it to earlier ones. */
  step(windows: number): void;
}

const zoomStep = 2;
const panStep = 0.25;
/** The buttons of the keys 1 to 8, in order. */
const presets = (): HTMLButtonElement[] => [
  ...document.querySelectorAll<HTMLButtonElement>('button[data-span]'),
];

export function connectControls(chart: Chart, actions: Actions): void {
  connectButtons(actions);
  element('chart', HTMLElement).addEventListener('keydown', (event) => {
    const action = actionOfKey(event, actions);
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
  connectWheel(chart, actions);
  connectTouch(chart, actions);
  chart.surface.addEventListener('dblclick', (event) =>
    actions.zoom(zoomStep ** 2, chart.timeAt(event.clientX)),
  );
  chart.surface.addEventListener('mousedown', () => element('chart', HTMLElement).focus());
}

function connectButtons(actions: Actions): void {
  for (const button of presets())
    button.addEventListener('click', () => actions.span(Number(button.dataset['span'])));
  const actionsOf: Readonly<Record<string, () => void>> = {
    earlier: () => actions.pan(-panStep),
    later: () => actions.pan(panStep),
    closer: () => actions.zoom(1 / zoomStep),
    farther: () => actions.zoom(zoomStep),
  };
  for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-do]')) {
    const action = actionsOf[button.dataset['do'] ?? ''];
    if (action !== undefined) button.addEventListener('click', action);
  }
  element('live', HTMLButtonElement).addEventListener('click', () => actions.toggleLive());
}

/** Only while the chart has the focus, so that typing and screen readers are not disturbed. */
function actionOfKey(event: KeyboardEvent, actions: Actions): (() => void) | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  const pan = event.shiftKey ? 1 : panStep;
  switch (event.key) {
    case 'ArrowLeft':
      return () => actions.pan(-pan);
    case 'ArrowRight':
      return () => actions.pan(pan);
    case '+':
    case '=':
      return () => actions.zoom(1 / zoomStep);
    case '-':
      return () => actions.zoom(zoomStep);
    case ',':
      return () => actions.step(-1);
    case '.':
      return () => actions.step(1);
    case ' ':
      return () => actions.toggleLive();
    default:
      return spanOfKey(event.key, actions);
  }
}

function spanOfKey(key: string, actions: Actions): (() => void) | undefined {
  const button = /^[1-9]$/.test(key) ? presets()[Number(key) - 1] : undefined;
  return button && (() => actions.span(Number(button.dataset['span'])));
}

/**
 * The wheel alone scrolls the page. Browsers send a pinch on a touchpad as a wheel event with Ctrl.
 */
function connectWheel(chart: Chart, actions: Actions): void {
  chart.surface.addEventListener(
    'wheel',
    (event) => {
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (event.ctrlKey || event.metaKey) {
        actions.zoom(Math.exp(event.deltaY / 200), chart.timeAt(event.clientX));
      } else if (sideways !== 0) {
        actions.pan(sideways / chart.area.width);
      } else {
        return;
      }
      event.preventDefault();
    },
    { passive: false },
  );
}

/** One finger moves the view, two fingers zoom; vertical movement scrolls the page. */
function connectTouch(chart: Chart, actions: Actions): void {
  const { surface } = chart;
  const fingers = new Map<number, number>();
  const spread = (): { readonly middle: number; readonly width: number } => {
    const places = [...fingers.values()];
    const [least, most] = [Math.min(...places), Math.max(...places)];
    return { middle: (least + most) / 2, width: most - least };
  };
  surface.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'touch') return;
    surface.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event.clientX);
  });
  surface.addEventListener('pointermove', (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = spread();
    fingers.set(event.pointerId, event.clientX);
    const after = spread();
    if (before.width > 0 && after.width > 0)
      actions.zoom(before.width / after.width, chart.timeAt(after.middle));
    actions.pan((before.middle - after.middle) / chart.area.width);
  });
  for (const end of ['pointerup', 'pointercancel'] as const)
    surface.addEventListener(end, (event) => fingers.delete(event.pointerId));
}
