/** Prints a measurement, so that it can be found in the output of the tests: `grep figure:`. */
export function figure(name: string, value: string | number): void {
  process.stdout.write(`figure: ${name}: ${value}\n`);
}
