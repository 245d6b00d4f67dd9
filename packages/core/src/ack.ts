export const ackModes = ['memory', 'durable'] as const;

/** When a message is answered: as soon as it is counted, or when the count is on the disk. */
export type Ack = (typeof ackModes)[number];
