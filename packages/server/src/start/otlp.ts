/** Starts to send metrics, if `--otlp-url` is set. */
import type { Start } from './start.ts';

/** Loads the code on demand. @throws Reto3Error RETO3_OTLP_MISSING */
export async function sendMetrics({ config, log, metrics, shutdown }: Start): Promise<void> {
  const { otlpUrl: url, otlpSeconds, node } = config;
  if (url === undefined) return;
  const { OtlpSender } = await import('../metrics/otlp.ts');
  const sender = await OtlpSender.start({
    ...{ url, node, metrics, log },
    everyMs: otlpSeconds * 1_000,
  });
  shutdown.add('otlp', () => sender.stop());
}
