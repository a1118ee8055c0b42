import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface FlakyProxy extends AsyncDisposable {
  readonly port: number;
  readonly cuts: number;
}

/** A TCP proxy on loopback that cuts each connection after a number of bytes from the server, until it has cut enough. */
export async function startFlakyProxy(options: {
  targetPort: number;
  /** Called for each connection; Infinity lets it live. */
  cutAfterBytes(): number;
  maxCuts: number;
}): Promise<FlakyProxy> {
  const sockets = new Set<Socket>();
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(options.targetPort, '127.0.0.1');
    let left = cuts < options.maxCuts ? options.cutAfterBytes() : Infinity;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined); // cut from the other side
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    upstream.on('data', (chunk: Buffer) => {
      const passed = chunk.subarray(0, Math.max(0, left));
      left -= chunk.length;
      client.write(passed);
      if (left > 0) return;
      cuts += 1;
      client.destroySoon();
      upstream.destroy();
    });
    client.pipe(upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get cuts() {
      return cuts;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
