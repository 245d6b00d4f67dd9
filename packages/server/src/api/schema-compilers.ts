/**
 * Compiles the schema of a route's requests when the first one arrives: loading Ajv and compiling
 * all schemas took a quarter of the start. Answers are serialised without a schema; TypeScript and
 * the tests check them against theirs.
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
    // The type asks for all of Ajv's functions; Fastify only calls it and reads its errors.
    return validate as Validate;
  };
};

/** Passed to every Fastify instance, which would otherwise load its own compilers. */
export const compilersFactory: CompilersFactory = {
  buildValidator,
  buildSerializer: () => () => JSON.stringify,
};

function loadAjv(): BuildCompilerFromPool {
  const compiler: typeof AjvCompiler = require('@fastify/ajv-compiler');
  return compiler();
}
