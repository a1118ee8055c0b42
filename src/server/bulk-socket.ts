import { connect, type Socket } from 'node:net';
import type { ServerOptions } from './server-options.ts';

/** Read at once at most. */
const READ_BYTES = 256 * 1024;

const lenders = new WeakSet<object>();

/**
 * A socket that reads into one buffer, again and again: a stream of gigabytes leaves nothing behind for the garbage collector, which
 * otherwise lets tens of megabytes of read buffers pile up. Until `lendReads` its chunks are copies, good for ever.
 */
export function openBulkSocket({ socket, host = '127.0.0.1', port = 3306 }: ServerOptions): Socket {
  const stream = connect({
    ...(socket === undefined ? { host, port, noDelay: true, keepAlive: true } : { path: socket }),
    onread: {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (bytes, buffer) => {
        const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, bytes);
        stream.emit('data', lenders.has(stream) ? chunk : Buffer.from(chunk));
        return true;
      },
    },
  });
  return stream;
}

/** From now on a chunk of the socket is good only until its listeners return. No effect on any other kind of stream. */
export function lendReads(stream: object): void {
  lenders.add(stream);
}
