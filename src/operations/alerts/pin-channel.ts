import type { Repository } from '../../archive/repository.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Incident } from '../../incident/incident.ts';
import { isLastgoodError, type ErrorCode } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Plan } from '../../recovery/plan.ts';
import { pinOf } from '../pins.ts';
import { makePlan } from '../plan.ts';
import type { AlertChannel } from './alert-channel.ts';
import type { Single, Together } from './alert-queue.ts';
import type { RecoveryFacts } from './recovery-facts.ts';

/** Reasons why no restore reaches a moment: trying again changes nothing. */
const UNREACHABLE: readonly ErrorCode[] = [
  'BACKUP_MISSING',
  'ARCHIVE_GAP',
  'TARGET_UNREACHABLE',
  'ARCHIVE_DAMAGED',
  'INCIDENT_UNKNOWN',
  'KEY_MISSING',
];

interface PinParts {
  readonly repository: Repository;
  readonly catalog: Catalog;
  readonly log: Logger;
}

/**
 * Plans the restore to the moment before an incident, and pins what it needs. Of many incidents the first and the last one count: between
 * them lies all that the others need.
 */
export class PinChannel implements AlertChannel {
  readonly name = 'pins';
  readonly isForPeople = false;
  readonly hint = 'Pin what is needed yourself: `lastgood pin ID`.';
  readonly #parts: PinParts;

  constructor(parts: PinParts) {
    this.#parts = parts;
  }

  async tell(what: Single | Together, signal: AbortSignal): Promise<void> {
    if (what.kind === 'single') what.recovery.settle(await this.#secure([what.incident], signal));
    else await this.#secure([what.first, what.last], signal);
  }

  async #secure(incidents: readonly Incident[], signal: AbortSignal): Promise<RecoveryFacts> {
    const { repository, catalog, log } = this.#parts;
    const [first] = incidents;
    const { records, unreadable } = await repository.backups();
    if (first !== undefined && records.length + unreadable.length === 0) return unreachable(first, NO_BACKUP, log);
    const plans: Plan[] = [];
    for (const { id: incident } of incidents) {
      try {
        plans.push(await makePlan({ repository, catalog }, { kind: 'before-incident', incident }, { signal }));
      } catch (error) {
        if (!isLastgoodError(error) || !UNREACHABLE.includes(error.code)) throw error;
        if (plans.length === 0 && incident === incidents.at(-1)?.id)
          return unreachable({ id: incident }, error.message, log);
      }
    }
    return await this.#pin(incidents, plans);
  }

  async #pin(incidents: readonly Incident[], [plan, ...more]: readonly Plan[]): Promise<RecoveryFacts> {
    const [first] = incidents;
    const last = incidents.at(-1);
    if (plan === undefined || first === undefined || last === undefined) throw new Error('nothing to pin was planned');
    const what = first === last ? first.kind : `incidents up to ${last.id}`;
    const reason = `${what} at ${first.time}`;
    const id = plan.target.kind === 'before-incident' ? plan.target.incident : first.id;
    const pin = pinOf(id, [plan, ...more], { reason, by: 'archiver', at: new Date() });
    const { pins } = this.#parts.repository;
    const isNew = await pins.pinOnce(pin);
    if (isNew) this.#parts.log.info({ id, backup: pin.backup }, 'pinned');
    const pinned = isNew || (await pins.read()).pins.some((held) => held.id === id);
    const { id: backup, finishedAt } = plan.backup;
    return { reachable: true, why: null, backup: { id: backup, finishedAt }, pinned };
  }
}

const NO_BACKUP = 'there is no backup at all: take one now with `lastgood backup`';

function unreachable({ id }: Pick<Incident, 'id'>, why: string, log: Logger): RecoveryFacts {
  log.error({ incident: id, why }, 'no restore can reach the moment before this incident');
  return { reachable: false, why, backup: null, pinned: false };
}
