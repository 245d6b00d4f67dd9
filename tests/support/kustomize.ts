/**
 * Renders deploy/kubernetes as `kubectl kustomize` does, for machines whose kubectl is missing or too
 * old (Debian 12 has 1.20). It knows only the features that our folders use and refuses all others.
 * Where there is a newer kubectl, a test compares the two.
 *
 * The one difference: the name of a generated map has no hash.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
}

interface Generator {
  readonly name: string;
  readonly behavior?: 'replace';
  readonly files: readonly string[];
}

interface Kustomization {
  readonly resources?: readonly string[];
  readonly configMapGenerator?: readonly Generator[];
  readonly patches?: readonly { readonly path: string }[];
  readonly images?: readonly { readonly name: string; readonly newTag: string }[];
}

type Tree = Readonly<Record<string, unknown>>;

/** What we use of kustomize, beside the type of the file. */
const known = new Set([
  ...['apiVersion', 'kind'],
  ...['resources', 'configMapGenerator', 'patches', 'images'],
]);

/** Lists that a patch merges, by the field that names an item; it replaces other lists. */
const keys: Readonly<Record<string, string>> = {
  containers: 'name',
  topologySpreadConstraints: 'topologyKey',
  volumeMounts: 'mountPath',
  volumes: 'name',
};

/** As Kubernetes reads YAML: version 1.1, in which 0440 is octal. */
export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text, { version: '1.1' }).map((document) =>
    document.toJS({ maxAliasCount: 0 }),
  );
}

/** @throws Error for a missing file, a patch or image without a target, or an unknown feature */
export function render(folder: string): Manifest[] {
  const settings: Kustomization = parse(read(folder, 'kustomization.yaml'));
  const unknown = Object.keys(settings).find((key) => !known.has(key));
  if (unknown !== undefined) throw new Error(`cannot render ${folder}: got ${unknown}`);
  const { resources = [], configMapGenerator = [], patches = [], images = [] } = settings;
  const listed = resources.flatMap((path) =>
    path.endsWith('.yaml') ? manifestsIn(read(folder, path)) : render(join(folder, path)),
  );
  const mapped = configMapGenerator.reduce((all, map) => withMap(all, map, folder), listed);
  const patched = patches.reduce(
    (all, { path }) => manifestsIn(read(folder, path)).reduce(withPatch, all),
    mapped,
  );
  return images.reduce(withTag, patched);
}

function read(folder: string, path: string): string {
  return readFileSync(join(folder, path), 'utf8');
}

function isSame(one: Manifest, other: Manifest): boolean {
  return [one.apiVersion, one.kind, one.metadata.name].every(
    (part, index) => part === [other.apiVersion, other.kind, other.metadata.name][index],
  );
}

function withMap(
  all: readonly Manifest[],
  { name, behavior, files }: Generator,
  folder: string,
): Manifest[] {
  const data = Object.fromEntries(files.map((file) => [basename(file), read(folder, file)]));
  const map = { apiVersion: 'v1', kind: 'ConfigMap', data, metadata: { name } };
  const others = all.filter((manifest) => !isSame(manifest, map as unknown as Manifest));
  if (others.length < all.length !== (behavior === 'replace'))
    throw new Error(`cannot generate the map ${name}: got behavior ${behavior}`);
  return [...others, map as unknown as Manifest];
}

function withPatch(all: readonly Manifest[], patch: Manifest): Manifest[] {
  if (!all.some((manifest) => isSame(manifest, patch)))
    throw new Error(`cannot patch ${patch.kind} ${patch.metadata.name}: it does not exist`);
  return all.map((manifest) =>
    isSame(manifest, patch) ? (merged(manifest, patch, '') as Manifest) : manifest,
  );
}

/** A strategic merge of a patch into a part of a manifest. */
function merged(old: unknown, patch: unknown, field: string): unknown {
  if (isTree(old) && isTree(patch)) {
    const parts = Object.entries(patch).map(([name, part]) => [
      name,
      merged(old[name], part, name),
    ]);
    return { ...old, ...Object.fromEntries(parts) };
  }
  const key = keys[field];
  if (key === undefined || !Array.isArray(old) || !Array.isArray(patch)) return patch;
  const kept = old.map((item) => {
    const change = patch.find((each) => each[key] === item[key]);
    return change === undefined ? item : merged(item, change, '');
  });
  const added = patch.filter((item) => old.every((each) => each[key] !== item[key]));
  return [...added, ...kept];
}

function isTree(part: unknown): part is Tree {
  return typeof part === 'object' && part !== null && !Array.isArray(part);
}

function withTag(
  all: readonly Manifest[],
  { name, newTag }: { readonly name: string; readonly newTag: string },
): Manifest[] {
  const before = JSON.stringify(all);
  const after = before.replaceAll(`"image":"${name}"`, `"image":"${name}:${newTag}"`);
  if (after === before) throw new Error(`cannot set the tag of ${name}: nothing uses this image`);
  return JSON.parse(after);
}
