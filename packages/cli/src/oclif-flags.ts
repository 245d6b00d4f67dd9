/** The flags of a command as oclif takes them. */
import { Flags, type Interfaces } from '@oclif/core';
import type { FlagTable, Given } from './flags.ts';

type OclifFlags<Table extends FlagTable> = {
  [Name in keyof Table]: Table[Name] extends { readonly repeatable: 'array' }
    ? Interfaces.OptionFlag<readonly string[] | undefined>
    : Table[Name] extends { readonly value: string }
      ? Interfaces.OptionFlag<Given<Table>[Name]>
      : Interfaces.BooleanFlag<boolean>;
};

export function oclifFlags<Table extends FlagTable>(table: Table): OclifFlags<Table> {
  const flags = Object.entries(table).map(
    ([name, { value, fallback, usual, repeatable, alias, ...others }]) => {
      const rest = { ...others, ...(alias !== undefined && { aliases: [alias] }) };
      return [
        name,
        value === undefined
          ? Flags.boolean(rest)
          : repeatable
            ? Flags.string({ ...rest, helpValue: value, multiple: true, multipleNonGreedy: true })
            : Flags.string({
                ...rest,
                helpValue: value,
                ...(fallback !== undefined && { default: fallback }),
                ...(usual !== undefined && { defaultHelp: async () => usual }),
              }),
      ];
    },
  );
  // One entry for each of the table, of the kind that the table says.
  return Object.fromEntries(flags) as OclifFlags<Table>;
}
