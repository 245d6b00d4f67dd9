/** The choice between UTC and local time, stored in the browser. */
import { element } from './elements.ts';
import { kept } from './storage.ts';
import { setZone, zone } from './zone.ts';

const key = 'reto3-zone';

/** @param changed called when times must be written again */
export function connectZone(changed: () => void): void {
  const choice = element('zone', HTMLSelectElement);
  setZone(kept.get(key) === 'local' ? 'local' : 'utc');
  // Without its offset, which differs between the times on the page; each range names its own.
  choice.replaceChildren(new Option('UTC', 'utc'), new Option('Local', 'local'));
  choice.value = zone();
  choice.addEventListener('change', () => {
    setZone(choice.value === 'local' ? 'local' : 'utc');
    kept.set(key, zone());
    changed();
  });
}
