/** The type that a JSON schema describes. */
import type { FromSchema, JSONSchema } from 'json-schema-to-ts';

/**
 * The type is read-only and has the fields that the schema names, no others. Optional fields may be
 * `undefined`, because JSON omits those.
 */
export type TypeOf<Schema extends JSONSchema> = ReadOnly<FromSchema<Schema>>;

type ReadOnly<Value> = Value extends readonly (infer Item)[]
  ? readonly ReadOnly<Item>[]
  : Value extends object
    ? {
        readonly [Key in keyof Value as IsUnnamed<Value, Key> extends true ? never : Key]:
          | ReadOnly<Value[Key]>
          | (IsOptional<Value, Key> extends true ? undefined : never);
      }
    : Value;

/** JSON schemas admit fields that they do not name, of any type. */
type IsUnnamed<Value, Key extends keyof Value> = string extends Key
  ? unknown extends Value[Key]
    ? true
    : false
  : false;

type IsOptional<Value, Key extends keyof Value> =
  Partial<Pick<Value, Key>> extends Pick<Value, Key> ? true : false;
