/** nginx: answering 200, and counting in a shared dictionary with Lua. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { firstLineOf } from '../program.ts';
import { message, type Peer, type Place, type RunningPeer, startPeer } from './peer.ts';

const needs = { nginx: 'nginx' };

function version(): string | undefined {
  return firstLineOf('nginx', ['-v'])?.replace(/^.*\//, '');
}

export const nginx: Peer = {
  name: 'nginx return 200',
  does: 'answers, counts nothing',
  request: message,
  needs,
  version,
  start: (place) => startNginx(place, { modules: [], http: '', location: 'return 200;' }),
};

/** Where Debian puts the modules of nginx. */
const moduleFolders = ['/usr/lib/nginx/modules', '/usr/share/nginx/modules'];
const luaModules = ['ndk_http_module.so', 'ngx_http_lua_module.so'];

function luaModuleFiles(): string[] | undefined {
  const files = luaModules.map((name) =>
    moduleFolders.map((folder) => join(folder, name)).find((path) => existsSync(path)),
  );
  return files.every((file) => file !== undefined) ? files : undefined;
}

export const nginxLua: Peer = {
  name: 'nginx + Lua shared dict',
  does: 'counts each request in its 10 ms window, in memory',
  request: message,
  needs,
  module: { debianPackage: 'libnginx-mod-http-lua', found: () => luaModuleFiles() !== undefined },
  version,
  start: (place) =>
    startNginx(place, {
      modules: luaModuleFiles() ?? [],
      http: 'lua_shared_dict counts 16m;',
      location: `content_by_lua_block {
        ngx.shared.counts:incr(math.floor(ngx.now() * 100), 1, 0)
        ngx.exit(200)
      }`,
    }),
};

async function startNginx(
  { folder, cores, workers }: Place,
  parts: { readonly modules: readonly string[]; readonly http: string; readonly location: string },
): Promise<RunningPeer> {
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  await mkdir(join(folder, 'temporary'), { recursive: true });
  const config = `${parts.modules.map((file) => `load_module ${file};`).join('\n')}
daemon off;
worker_processes ${workers};
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 4000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 60s;
${temporary.map((name) => `  ${name}_temp_path ${folder}/temporary/${name};`).join('\n')}
  ${parts.http}
  server {
    listen 127.0.0.1:${port}${workers > 1 ? ' reuseport' : ''};
    location / { ${parts.location} }
  }
}
`;
  const file = join(folder, 'nginx.conf');
  await writeFile(file, config);
  return startPeer(port, [['nginx', ['-p', folder, '-c', file, '-e', 'stderr'], { cores }]]);
}
