import { startTcpProxy } from './tcp-proxy.ts';

export interface SilentProxy extends AsyncDisposable {
  readonly port: number;
  /** The connections that exist pass nothing on from now on, and stay open; later ones work. */
  fallSilent(): void;
  /** Bytes that clients have sent into silence. */
  readonly swallowed: number;
}

/** A TCP proxy on loopback that can swallow everything without closing, as a firewall does that has forgotten a connection. */
export async function startSilentProxy(targetPort: number): Promise<SilentProxy> {
  let swallowed = 0;
  const proxy = await startTcpProxy(targetPort, ({ client, upstream }) => {
    client.pipe(upstream);
    upstream.pipe(client);
  });
  return {
    port: proxy.port,
    get swallowed() {
      return swallowed;
    },
    fallSilent: () => {
      for (const { client, upstream } of proxy.pairs) {
        client.on('data', (chunk: Buffer) => (swallowed += chunk.length));
        client.unpipe(upstream).resume();
        upstream.unpipe(client).resume();
      }
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}
