import { formatCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';

/** The error for an id that the catalog does not have: `INCIDENT_UNKNOWN`. */
export function incidentUnknown(id: string): LastgoodError {
  return new LastgoodError('INCIDENT_UNKNOWN', `no incident '${id}' is known`, { details: { incident: id } });
}

/** The error for an incident of the catalog where the archive's own bytes have no group: `TARGET_UNREACHABLE`. */
export function incidentNotThere(id: string, place: Coordinates): LastgoodError {
  const message = `the archive has no group at ${formatCoordinates(place)}, where incident ${id} should be`;
  return new LastgoodError('TARGET_UNREACHABLE', message, {
    hint: 'The catalog does not match the archive. `lastgood verify` tells how, and what only the catalog still knows: keep that. Then stop the archiver and run `lastgood catalog rebuild`.',
  });
}
