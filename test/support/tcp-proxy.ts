import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A client of the proxy, and the connection to the server that was made for it. */
export interface ProxiedPair {
  readonly client: Socket;
  readonly upstream: Socket;
}

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Those that exist. When one side closes, so does the other. */
  readonly pairs: ReadonlySet<ProxiedPair>;
}

/** A TCP proxy on loopback; `join` says what passes from side to side of each new connection. */
export async function startTcpProxy(targetPort: number, join: (pair: ProxiedPair) => void): Promise<TcpProxy> {
  const pairs = new Set<ProxiedPair>();
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    const pair = { client, upstream };
    pairs.add(pair);
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined); // closed from the other side
      socket.on('close', () => {
        pairs.delete(pair);
        client.destroy();
        upstream.destroy();
      });
    }
    join(pair);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    pairs,
    async [Symbol.asyncDispose]() {
      for (const { client, upstream } of pairs) {
        client.destroy();
        upstream.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
}
