/** One setting of the server: how it is written, read and explained. */
import type { Parse } from './setting-values.ts';

export interface Setting<T> {
  /** Without its dashes. The environment variable is RETO3_ and the flag in capitals. */
  readonly flag: string;
  readonly summary: string;
  /** How the value is called in the help, or all that it can be; absent for a switch. */
  readonly value?: string;
  /** Whether the value may be a secret, not to be repeated in an error. */
  readonly secret?: boolean;
  /** Whether the flag may be given several times: the values with commas between them. */
  readonly repeatable?: boolean;
  /** As it would be written; undefined where the setting may be absent. */
  readonly fallback: string | undefined;
  /** The default in words, where it is not a fixed text. */
  readonly fallbackText?: string;
  /** The comment beside an entry of the table gives the unit of what this returns. */
  readonly parse: Parse<T>;
  /** What is written: a unit, or a kind of value. For docs/settings.md, as are the next two. */
  readonly unit: string;
  /** What more of it gains and costs, or giving it at all. Markdown. */
  readonly more?: string;
  /** What less of it gains and costs, or leaving it out. Markdown. */
  readonly less?: string;
}

/** By the name in the configuration. */
export type SettingTable = Readonly<Record<string, Setting<unknown>>>;

/** What the server runs with: of each setting what its parser makes, or undefined without a default. */
export type ValuesOf<Table extends SettingTable> = {
  readonly [name in keyof Table]:
    | ReturnType<Table[name]['parse']>
    | (Table[name]['fallback'] extends undefined ? undefined : never);
};

export function environmentVariableOf(setting: { readonly flag: string }): string {
  return `RETO3_${setting.flag.toUpperCase().replaceAll('-', '_')}`;
}
