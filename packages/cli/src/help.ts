/** oclif's help, which has sequences of its own and no text of others. */
import { format } from 'node:util';
import { Help } from '@oclif/core';
import { drawOn } from './terminal/standard-streams.ts';

export default class ColouredHelp extends Help {
  protected override log(...parts: string[]): void {
    drawOn(process.stdout, `${format(...parts)}\n`);
  }
}
