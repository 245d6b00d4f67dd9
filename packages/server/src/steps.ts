/** Closing several parts: what fails in one of them keeps none of the others open. */

/** Runs the steps one after the other, each of them whatever became of those before. @throws the first error */
export async function runEvery(steps: readonly (() => unknown)[]): Promise<void> {
  const failed: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failed.push(error);
    }
  }
  if (failed.length > 0) throw failed[0];
}
