/** oclif's help, past the guard of the terminal: its colours are ours, and it has no foreign text. */
import { format } from 'node:util';
import { Help } from '@oclif/core';
import { drawOn } from './terminal/standard-streams.ts';

export default class ColouredHelp extends Help {
  protected override log(...parts: string[]): void {
    drawOn(process.stdout, `${format(...parts)}\n`);
  }
}
