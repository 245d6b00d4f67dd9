/**
 * Prints oclif's help past the terminal guard: its colours are ours, and it contains no foreign
 * text.
 */
import { format } from 'node:util';
import { Help } from '@oclif/core';
import { drawOn } from './terminal/standard-streams.ts';

export default class ColouredHelp extends Help {
  protected override log(...parts: string[]): void {
    drawOn(process.stdout, `${format(...parts)}\n`);
  }
}
