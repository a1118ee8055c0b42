import type { Incident } from '../../src/incident/incident.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { isLastgoodError, type LastgoodError } from '../../src/platform/errors.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { ServerOptions } from '../../src/server/server-options.ts';
import { silentLog } from './archiver.ts';

/** What was destroyed last, as the archive's catalog tells it. */
export async function newestIncident(repositoryPath: string): Promise<Incident> {
  using archive = await openArchive(repositoryPath, { log: silentLog });
  const [incident] = archive.catalog.incidents();
  if (incident === undefined) throw new Error('the incident was not found');
  return incident;
}

/** How to reach a restored server as root, which a restore leaves as it was on the source. */
export function restoredOptions(socket: string): ServerOptions {
  return { name: 'restored', socket, user: 'root', password: '', tls: 'off' };
}

/** Ends the server that a restore left running. @param pid as the restore's result tells it */
export async function endRestored(pid: number | null): Promise<void> {
  if (pid === null) throw new Error('the server was not left running');
  process.kill(pid, 'SIGTERM');
  await waitFor(() => !isAlive(pid), { timeoutMs: 30_000, what: 'the restored server to end' });
}

/** True while the process runs. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // no such process
  }
}

/** The error with which something is refused; an error of another kind is a bug, and is thrown on. */
export async function refusalOf(running: Promise<unknown>): Promise<LastgoodError> {
  const error: unknown = await running.then(
    () => new Error('it was not refused'),
    (reason: unknown) => reason,
  );
  if (isLastgoodError(error)) return error;
  throw error;
}
