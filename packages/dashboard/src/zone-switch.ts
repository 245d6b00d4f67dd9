/** The choice between UTC and local time, stored in the browser. */
import { element } from './elements.ts';
import { setZone, zone, zoneText } from './zone.ts';

const key = 'reto3-zone';

/** @param changed called when times must be written again */
export function connectZone(changed: () => void): void {
  const choice = element('zone', HTMLSelectElement);
  setZone(localStorage.getItem(key) === 'local' ? 'local' : 'utc');
  choice.replaceChildren(
    new Option('UTC', 'utc'),
    new Option(`Local, ${zoneText(Date.now(), 'local')}`, 'local'),
  );
  choice.value = zone();
  choice.addEventListener('change', () => {
    setZone(choice.value === 'local' ? 'local' : 'utc');
    localStorage.setItem(key, zone());
    changed();
  });
}
