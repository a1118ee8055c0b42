import { Readable } from 'node:stream';
import { runTool } from '../../platform/child-process.ts';
import { LastgoodError } from '../../platform/errors.ts';
import type { AlertMessage } from './alert-message.ts';

const TIMEOUT_MS = 30_000;

/**
 * Runs the configured line in a shell, with the message as JSON on its stdin. Nothing that a client of the source could choose,
 * such as names or statements, is in its environment or its arguments.
 *
 * @throws LastgoodError `TOOL_FAILED` when it exits with another status than 0, or is not done in time
 */
export async function runAlertCommand(command: string, message: AlertMessage, signal: AbortSignal): Promise<void> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    await runTool({
      program: '/bin/sh',
      args: ['-c', command],
      env: environmentOf(message),
      input: Readable.from([Buffer.from(`${JSON.stringify(message)}\n`)]),
      onOutput: () => undefined,
      signal: AbortSignal.any([signal, timeout]),
    });
  } catch (cause) {
    if (!timeout.aborted || signal.aborted) throw cause;
    throw new LastgoodError('TOOL_FAILED', `incidents.alert_command was ended: not done after ${TIMEOUT_MS / 1000} s`, {
      cause,
    });
  }
}

function environmentOf({ alert, key, primary, incident, summary }: AlertMessage): Record<string, string> {
  return {
    LASTGOOD_ALERT: alert,
    LASTGOOD_ALERT_KEY: key,
    LASTGOOD_PRIMARY: primary,
    LASTGOOD_INCIDENTS: String(summary?.incidents ?? 1),
    ...(incident !== null && {
      LASTGOOD_INCIDENT_ID: incident.id,
      LASTGOOD_INCIDENT_KIND: incident.kind,
      LASTGOOD_INCIDENT_STATE: incident.state,
      LASTGOOD_INCIDENT_TIME: incident.time,
      LASTGOOD_INCIDENT_LINEAGE: incident.lineage ?? '',
    }),
  };
}
