import { startTcpProxy } from './tcp-proxy.ts';

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
  let cuts = 0;
  const proxy = await startTcpProxy(options.targetPort, ({ client, upstream }) => {
    let left = cuts < options.maxCuts ? options.cutAfterBytes() : Infinity;
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
  return {
    port: proxy.port,
    get cuts() {
      return cuts;
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}
