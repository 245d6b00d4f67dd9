import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../../../../tests/support/wait.ts';
import { Connections, networkOf } from './connections.ts';
import { makeHttpServer } from './http-server.ts';

const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

describe('Connections', () => {
  let connections: Connections;
  let server: Server;
  let sockets: Socket[];
  /** Requests that the handler has received but not answered. */
  let given: { readonly path: string; readonly answer: () => void }[];
  let room: boolean[];

  beforeEach(async () => {
    [given, room, sockets] = [[], [], []];
    connections = new Connections();
    const handler = (asked: IncomingMessage, response: ServerResponse): void => {
      const path = asked.url ?? '';
      room.push(connections.hasCapacityFor(asked));
      given.push({ path, answer: () => void response.end(path) });
    };
    server = makeHttpServer(handler, connections, undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  function open(text = '', localAddress = '127.0.0.1') {
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    const client = { socket, received: '', closed: false };
    socket.setEncoding('latin1').on('data', (piece) => (client.received += piece));
    socket.on('error', () => undefined).on('close', () => (client.closed = true));
    if (text !== '') socket.write(text);
    sockets.push(socket);
    return client;
  }

  const paths = (): string[] => given.map(({ path }) => path);

  it('starts a pipelined request once the answer before it is sent', async () => {
    const client = open(request('/a') + request('/b') + request('/c'));
    await waitUntil('the first is handed over', () => given.length > 0);
    expect(paths()).toEqual(['/a']);
    given[0]?.answer();
    await waitUntil('the second is handed over', () => given.length > 1);
    given[1]?.answer();
    await waitUntil('the third is handed over', () => given.length > 2);
    given[2]?.answer();
    await waitUntil('all are answered', () => client.received.endsWith('/c'));
    expect(paths()).toEqual(['/a', '/b', '/c']);
    expect(client.received.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
  });

  it('drops the pipelined requests of a closed connection', async () => {
    const client = open(request('/endless') + request('/behind'));
    await waitUntil('the first is handed over', () => given.length > 0);
    client.socket.destroy();
    await waitUntil('the server has closed it', async () => (await connectionsOf(server)) === 0);
    expect(paths()).toEqual(['/endless']);
  });

  it('keeps a connection that reuses the port of one whose close event is late', () => {
    const ends = {
      remoteAddress: '127.0.0.1',
      remotePort: 1,
      localAddress: '127.0.0.1',
      localPort: 2,
    };
    const [before, after] = [0, 0].map(
      () =>
        Object.assign(new EventEmitter(), ends, { destroyed: false, destroy }) as object as Socket,
    ) as [Socket, Socket];
    function destroy(this: { destroyed: boolean }): void {
      this.destroyed = true;
    }
    connections.add(before);
    connections.add(after);
    before.emit('close');
    let handedOver = 0;
    const handler = connections.oneAtATime(() => handedOver++);
    const response = new EventEmitter() as object as ServerResponse<IncomingMessage> & {
      req: IncomingMessage;
    };
    handler({ socket: after } as IncomingMessage, response);
    expect([handedOver, after.destroyed]).toEqual([1, false]);
  });

  it('closes a connection with too many pipelined requests', async () => {
    const client = open(request('/endless') + request('/behind').repeat(400));
    await waitUntil('it is closed', () => client.closed);
    expect(paths()).toEqual(['/endless']);
  });

  it('closes the longest idle connection of an address with more than 150', async () => {
    const busy = open(request('/busy'));
    await waitUntil('it is under way', () => given.length === 1);
    const oldest = open();
    await once(oldest.socket, 'connect');
    const second = open();
    await once(second.socket, 'connect');
    const others = Array.from({ length: 147 }, () => open());
    await Promise.all(others.map(({ socket }) => once(socket, 'connect')));
    const newest = open(request('/newest'));
    await waitUntil('the newest is handed over', () => paths().includes('/newest'));
    await waitUntil('one is closed', () => oldest.closed);
    expect([busy, second, ...others, newest].filter(({ closed }) => closed)).toEqual([]);
  });

  it('closes the longest idle connection of all if there are more than 500', async () => {
    const oldest = open('', '127.0.0.2');
    await once(oldest.socket, 'connect');
    const others = [];
    for (let index = 1; index < 500; index++) {
      const client = open('', `127.0.0.${2 + (index % 5)}`);
      await once(client.socket, 'connect');
      others.push(client);
    }
    await waitUntil('all are open', async () => (await connectionsOf(server)) === 500);
    expect(oldest.closed).toBe(false);
    const newest = open(request('/newest'), '127.0.0.7');
    await waitUntil('the newest is handed over', () => paths().includes('/newest'));
    await waitUntil('one is closed', () => oldest.closed);
    expect([...others, newest].filter(({ closed }) => closed)).toEqual([]);
  });

  it('has capacity for 490 requests in all besides health checks', async () => {
    for (let index = 0; index < 491; index++)
      open(request('/stream'), `127.0.0.${2 + (index % 4)}`);
    await waitUntil('all are handed over', () => given.length === 491);
    expect(room.filter((has) => has)).toHaveLength(490);
    expect(room.at(-1)).toBe(false);
  });

  it('has capacity for 140 requests of an address besides health checks', async () => {
    for (let index = 0; index < 141; index++) open(request('/stream'));
    await waitUntil('all are handed over', () => given.length === 141);
    expect(room.filter((has) => has)).toHaveLength(140);
    expect(room.at(-1)).toBe(false);
    given[0]?.answer();
    await waitUntil('one is answered', () => sockets[0]?.bytesRead !== 0);
    open(request('/next'));
    await waitUntil('the next is handed over', () => given.length === 142);
    expect(room.at(-1)).toBe(false);
    given[1]?.answer();
    given[2]?.answer();
    await waitUntil('three are answered', () => (sockets[2]?.bytesRead ?? 0) > 0);
    open(request('/last'));
    await waitUntil('the last is handed over', () => given.length === 143);
    expect(room.at(-1)).toBe(true);
  });

  it('closes a new connection if none is idle', async () => {
    for (let index = 0; index < 150; index++) open(request('/stream'));
    await waitUntil('all are under way', () => given.length === 150);
    const refused = open(request('/one-too-many'));
    await waitUntil('it is closed', () => refused.closed);
    expect(given).toHaveLength(150);
  });
});

it.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::1', '0:0:0:0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['2001:db8:1:2::', '2001:db8:1:2'],
])('%s is of the network %s', (address, network) => expect(networkOf(address)).toBe(network));

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
  );
}
