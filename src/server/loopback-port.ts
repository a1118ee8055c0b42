import { createServer, type AddressInfo } from 'node:net';
import { hasCode } from '../platform/error-code.ts';
import { LastgoodError } from '../platform/errors.ts';

const LOOPBACK = '127.0.0.1';

/** A port that nobody listens on now. */
export async function findFreePort(): Promise<number> {
  return await tryPort(0);
}

/** @throws LastgoodError `PREFLIGHT_FAILED` unless a server could listen on the port */
export async function requireFreePort(port: number): Promise<void> {
  try {
    await tryPort(port);
  } catch (cause) {
    const inUse = hasCode(cause, 'EADDRINUSE');
    const why = inUse ? 'is in use' : `cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new LastgoodError('PREFLIGHT_FAILED', `port ${port} on ${LOOPBACK} ${why}`, {
      cause,
      details: { port },
      hint: 'Give another one with --port. Without it a new server takes a free one, and a resumed restore the one that it had.',
    });
  }
}

/** Listens for a moment. @returns the port */
async function tryPort(wanted: number): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject).listen(wanted, LOOPBACK, resolve);
  });
  const { port } = listener.address() as AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  return port;
}
