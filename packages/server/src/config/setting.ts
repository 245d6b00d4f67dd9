/** One setting of the server: its flag, its parser and its documentation. */
import type { Parse } from './setting-values.ts';

export interface Setting<T> {
  /** Without dashes. The environment variable is RETO3_ and the flag in capitals. */
  readonly flag: string;
  /** The help text. */
  readonly summary: string;
  /** The placeholder in the help, or all possible values; absent for a switch. */
  readonly value?: string;
  /** Whether the value may be a secret, which errors must not quote. */
  readonly secret?: boolean;
  /** Whether the flag may be repeated; the values are joined with commas. */
  readonly repeatable?: boolean;
  /** The default as a user would write it; undefined if the setting may be absent. */
  readonly fallback: string | undefined;
  /** The default in words, if it is computed. */
  readonly fallbackText?: string;
  /** The comment on each setting states the unit of the result. */
  readonly parse: Parse<T>;
  /** The unit or kind of the value. This field and the next two are for docs/settings.md. */
  readonly unit: string;
  /** What a larger value, or setting it at all, gains and costs. Markdown. */
  readonly more?: string;
  /** What a smaller value, or leaving it out, gains and costs. Markdown. */
  readonly less?: string;
}

/** By name in the configuration. */
export type SettingTable = Readonly<Record<string, Setting<unknown>>>;

/** The parsed values of a table; a setting without a default may be undefined. */
export type ValuesOf<Table extends SettingTable> = {
  readonly [name in keyof Table]:
    | ReturnType<Table[name]['parse']>
    | (Table[name]['fallback'] extends undefined ? undefined : never);
};

export function environmentVariableOf(setting: { readonly flag: string }): string {
  return `RETO3_${setting.flag.toUpperCase().replaceAll('-', '_')}`;
}
