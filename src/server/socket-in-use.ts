import { createConnection } from 'node:net';
import { hasCode } from '../platform/error-code.ts';
import { LastgoodError } from '../platform/errors.ts';

/**
 * Makes sure that no server listens on the socket, also none whose process cannot be seen from here, as in another container:
 * what is done next would be done beneath it.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED`
 */
export async function requireSilent(socket: string): Promise<void> {
  if (!(await isListenedOn(socket))) return;
  throw new LastgoodError('PREFLIGHT_FAILED', `a server listens on '${socket}'`, {
    details: { socket },
    hint: `Stop it where it was started, or with \`mariadb-admin --socket=${socket} shutdown\`; then run again.`,
  });
}

/** Only what surely is nobody's is free. Source: unix(7), connect(2). */
async function isListenedOn(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      resolve(!hasCode(error, 'ENOENT') && !hasCode(error, 'ECONNREFUSED'));
    });
  });
}
