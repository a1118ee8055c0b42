import { LastgoodError } from '../../platform/errors.ts';
import type { ServerConnection } from '../../server/connection.ts';
import type { ServedIdentity } from '../../server/served-range.ts';

/** Row events and statements of one kind of server mean nothing to the other. @throws LastgoodError `PREFLIGHT_FAILED` */
export function requireFittingTarget({ flavor, version }: ServerConnection, identity: ServedIdentity): void {
  if (flavor === identity.flavor) return;
  throw new LastgoodError(
    'PREFLIGHT_FAILED',
    `the log is of ${identity.serverVersion}, and the target is ${version}: only a server of the same kind can execute it`,
    { hint: 'Restore into a server of the same kind, of the same version or a newer one.' },
  );
}
