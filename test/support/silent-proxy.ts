import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface SilentProxy extends AsyncDisposable {
  readonly port: number;
  /** The connections that exist pass nothing on from now on, and stay open; later ones work. */
  fallSilent(): void;
  /** Bytes that clients have sent into silence. */
  readonly swallowed: number;
}

/** A TCP proxy on loopback that can swallow everything without closing, as a firewall does that has forgotten a connection. */
export async function startSilentProxy(targetPort: number): Promise<SilentProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let swallowed = 0;
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => undefined); // closed from the other side
      socket.on('close', () => {
        pairs.delete(pair);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get swallowed() {
      return swallowed;
    },
    fallSilent: () => {
      for (const [client, upstream] of pairs) {
        client.on('data', (chunk: Buffer) => (swallowed += chunk.length));
        client.unpipe(upstream).resume();
        upstream.unpipe(client).resume();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
