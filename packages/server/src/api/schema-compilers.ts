/**
 * Compiles the schema of a request when the first one comes, because loading Ajv and compiling all
 * schemas took a quarter of a start. Answers are plain JSON: TypeScript checks them against their
 * schemas, and so do the tests.
 */
import { createRequire } from 'node:module';
import type { AjvCompiler, BuildCompilerFromPool } from '@fastify/ajv-compiler';
import type { FastifyServerOptions } from 'fastify';

type CompilersFactory = NonNullable<
  NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']
>;
type Compile = ReturnType<BuildCompilerFromPool>;
type Validate = ReturnType<Compile>;

const require = createRequire(import.meta.url);

const buildValidator: BuildCompilerFromPool = (externalSchemas, options) => {
  let compile: Compile | undefined;
  return (schema) => {
    let compiled: Validate | undefined;
    const validate = (data: unknown) => {
      compile ??= loadAjv()(externalSchemas, options);
      compiled ??= compile(schema);
      const valid = compiled(data);
      validate.errors = compiled.errors;
      return valid;
    };
    validate.errors = undefined as Validate['errors'];
    // Its type wants all that Ajv knows; Fastify calls it and reads its errors.
    return validate as Validate;
  };
};

/** For every instance of Fastify, which loads its own compilers otherwise. */
export const compilersFactory: CompilersFactory = {
  buildValidator,
  buildSerializer: () => () => JSON.stringify,
};

function loadAjv(): BuildCompilerFromPool {
  const compiler: typeof AjvCompiler = require('@fastify/ajv-compiler');
  return compiler();
}
