/** Prints a measurement to the tests' output; find it with `grep figure:`. */
export function figure(name: string, value: string | number): void {
  process.stdout.write(`figure: ${name}: ${value}\n`);
}
