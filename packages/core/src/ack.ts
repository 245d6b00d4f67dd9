export const ackModes = ['memory', 'durable'] as const;

/** When to answer a message: once it is counted in memory, or once its count is on disk. */
export type Ack = (typeof ackModes)[number];
