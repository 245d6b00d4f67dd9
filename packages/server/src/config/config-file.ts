/**
 * Reads the file of `reto3 serve --config`: YAML, one setting per line, named like the flags. It
 * yields texts, as flags and variables do, so that one parser checks all three, and the place of
 * each text for error messages. Only this file loads `yaml`.
 */
import { readFile } from 'node:fs/promises';
import { messageOf, Reto3Error } from '@reto3/core';
import type { Node, YAMLMap } from 'yaml';
import type { Setting } from './setting.ts';
import { settings } from './settings.ts';

interface TextInFile {
  readonly text: string;
  /** Such as `reto3.yaml:3`. */
  readonly place: string;
}

/** By flag name, without dashes. */
export type TextsInFile = Readonly<Record<string, TextInFile>>;

/** @throws Reto3Error RETO3_BAD_SETTING that names the file, and the line if it can be read */
export async function readConfigFile(file: string): Promise<TextsInFile> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    const message = `cannot read --config "${file}": ${messageOf(error)}`;
    throw new Reto3Error('RETO3_BAD_SETTING', message, { cause: error });
  }
  return parseConfigFile(content, file);
}

/** @param file its name, for errors */
export async function parseConfigFile(content: string, file: string): Promise<TextsInFile> {
  const { isMap, isScalar, isSeq, LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines, prettyErrors: false });
  const refuse = (offset: number, message: string): never => {
    throw new Reto3Error('RETO3_BAD_SETTING', `${placeOf(offset)}: ${message}`);
  };
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) refuse(problem.pos[0], `cannot read YAML: ${problem.message}`);
  // Undefined if the file has only comments.
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return {};
  const map = isMap(contents)
    ? (contents as YAMLMap<Node, Node | null>)
    : refuse(0, 'got no map, want lines such as "port: 8080"');
  return Object.fromEntries(
    map.items.map(({ key, value }) => {
      const name = String(isScalar(key) ? key.value : key);
      const offset = offsetOf(key);
      const setting =
        byFlag.get(name) ?? refuse(offset, `got "${name}", want a flag of reto3 serve`);
      return [name, { text: textOf(setting, value, offset), place: placeOf(offset) }];
    }),
  );

  function placeOf(offset: number): string {
    return `${file}:${lines.linePos(offset).line}`;
  }

  function textOf(setting: Setting<unknown>, node: Node | null, at: number): string {
    if (isSeq<Node>(node) && setting.repeatable && node.items.length > 0)
      return node.items.map((item) => scalarText(setting, item, offsetOf(item))).join(',');
    return scalarText(setting, node, at);
  }

  function scalarText({ flag, repeatable }: Setting<unknown>, node: Node | null, at: number) {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      return String(value);
    const got = isScalar(node) && value === null ? 'nothing' : 'a list or a map';
    return refuse(at, `got ${got} for ${flag}, want one value${repeatable ? ', or a list' : ''}`);
  }
}

const byFlag: ReadonlyMap<string, Setting<unknown>> = new Map(
  Object.values(settings).map((setting) => [setting.flag, setting]),
);

function offsetOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}
