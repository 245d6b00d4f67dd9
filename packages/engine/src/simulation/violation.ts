/** A broken promise of the simulated server. */
export class Violation extends Error {
  override readonly name = 'Violation';
}
