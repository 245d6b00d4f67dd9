/** The challenge's load, which docker-compose starts together with the server. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { temporaryFolder } from '../support/folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test.each([
  ['docker-compose.yml', 'docker-compose up server'],
  [
    'deploy/docker-compose.cluster.yml',
    'docker-compose -f deploy/docker-compose.cluster.yml up --scale server=3 --scale load=0',
  ],
])('its first line says how to start %s without it', async (file, without) => {
  const { services } = parse(readFileSync(join(root, file), 'utf8'), { merge: true });
  const environment = services.load.environment;
  expect(environment['RETO3_LOAD_WITHOUT']).toBe(without);
  // Without Tsung on its PATH, the script ends after that line.
  const path = await temporaryFolder();
  await symlink('/usr/bin/dirname', join(path, 'dirname'));
  const { status, stdout, stderr } = spawnSync('/bin/bash', [join(root, 'tsung/load.sh')], {
    env: { PATH: path, RETO3_LOAD_WITHOUT: without },
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 127, stdout: '' });
  expect(stderr.split('\n')[0]).toBe(
    `load: sends 5000 requests/s for 600 s to 127.0.0.1:8080; to start without this load: ${without}`,
  );
});
