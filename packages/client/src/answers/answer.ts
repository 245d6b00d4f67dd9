/** The type of an answer, made from its JSON schema. */
import type { FromSchema, JSONSchema } from 'json-schema-to-ts';

/**
 * What a client receives: read-only, and only the fields that the schema names. An optional field
 * may be `undefined`, since JSON leaves that out.
 */
export type Answer<Schema extends JSONSchema> = ReadOnly<FromSchema<Schema>>;

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
