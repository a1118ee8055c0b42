/**
 * Brings lost schemas or tables back, and nothing else: a whole restore in a scratch server, out of which only they are
 * taken, as a dump or straight into a live server. Enters: a plan, the archive, what is wanted and where. Leaves: what
 * was brought back, with the proof. Must not know argv or printing.
 */
import { resolve } from 'node:path';
import { refuseInside } from '../archive/outside-repository.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { requireNewFile } from '../platform/new-file.ts';
import type { Plan } from '../recovery/plan.ts';
import { describeFailure, type Proof } from '../recovery/proof.ts';
import { refuseSkips } from '../recovery/refuse-skips.ts';
import { warningsWithin } from '../recovery/replayed-incidents.ts';
import type { RestoreProgress } from '../recovery/restore-phases.ts';
import type { RestoreSeconds } from '../recovery/run-phases.ts';
import { connect } from '../server/connection.ts';
import type { ServerOptions } from '../server/server-options.ts';
import type { OpenArchive } from './open-archive.ts';
import { incidentOf } from './restore.ts';
import { bringBack } from './salvage/bring-back.ts';
import type { NotCarried } from './salvage/carry-definition.ts';
import { refuseTables } from './salvage/live-conflicts.ts';
import { requireWritable } from './salvage/live-fitness.ts';
import { requirePrivileges } from './salvage/live-privileges.ts';
import { chooseNarrow } from './salvage/narrow/choose.ts';
import { certainTables, refuseUnknown } from './salvage/narrow/known-names.ts';
import { restorePart, type LeftOut } from './salvage/narrow/restore.ts';
import { surveyPlan, type PlanSurvey } from './salvage/narrow/survey.ts';
import type { Write } from './salvage/pour.ts';
import type { ObjectType } from './salvage/schema-content.ts';
import { takeOut } from './salvage/take-out.ts';
import { scratchFolder } from './scratch-folder.ts';

/** Where what is salvaged goes. */
export type SalvageTo =
  /** A new file; compressed when its name ends in `.zst`. */
  | { readonly kind: 'file'; readonly path: string }
  /** Whoever takes the dump; it cannot be proven by loading it. */
  | { readonly kind: 'stream'; readonly write: Write }
  | {
      readonly kind: 'server';
      readonly server: ServerOptions;
      /** The schema's name there; its own when not given. */
      readonly rename?: string | undefined;
      /** Events run at once; else they are left disabled. */
      readonly enableEvents: boolean;
    };

/** Bytes of the log that are looked at, then as a restore's, and then bytes of SQL; how many there will be is only an estimate. */
export type SalvageProgress =
  RestoreProgress | { readonly step: 'surveying' | 'salvaging'; readonly done: number; readonly total: number };

export interface SalvageOptions {
  /** As `makePlan` gave it. */
  readonly plan: Plan;
  readonly schema: string;
  /** These tables and views, with the triggers on them; all of the schema when empty. */
  readonly tables: readonly string[];
  readonly to: SalvageTo;
  /** Run also a plan whose skipped groups may clash with later ones. */
  readonly acceptConflicts?: boolean | undefined;
  /** Privileges are given too; else they are only told. */
  readonly grants: boolean;
  /** The scratch server's data folder: must not exist, or be empty, and is empty in the end. A temporary one when not given. */
  readonly datadir?: string | undefined;
  readonly log: Logger;
  readonly progress?: ((progress: SalvageProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One object that was brought back, where it is now. `rows` and `checksum` are equal at both ends; null for what has no rows. */
export interface SalvagedObject {
  readonly schema: string;
  readonly name: string;
  readonly type: ObjectType;
  readonly rows: number | null;
  readonly checksum: string | null;
}

/** A dump that was written. */
export interface SalvagedFile {
  /** null for a stream. */
  readonly path: string | null;
  readonly bytes: number;
  /** Hex, of the file; null for a stream. */
  readonly sha256: string | null;
  /** It was loaded once, and gave the same tables. */
  readonly proven: boolean;
}

/** The JSON contract's salvage. */
export interface SalvageResult {
  readonly plan: Plan;
  readonly salvaged: readonly SalvagedObject[];
  readonly notCarried: readonly NotCarried[];
  readonly out: SalvagedFile | null;
  readonly into: { readonly server: string; readonly schema: string } | null;
  /** Accounts and roles as whom views, triggers, routines and events of it run, as SQL writes them. */
  readonly definers: readonly string[];
  /** On what was salvaged, at that point. */
  readonly grants: { readonly given: boolean; readonly statements: readonly string[] };
  /** Of the restore in the scratch server: of all that `filtered` does not leave out. */
  readonly proof: Proof;
  /** What of the plan was not restored, since it cannot change what was salvaged; null: everything was. */
  readonly filtered: LeftOut | null;
  /** Why everything was; null when it was not. */
  readonly unfilteredBecause: string | null;
  readonly warnings: readonly string[];
  readonly seconds: RestoreSeconds & { readonly salvage: number };
}

/**
 * Restores in a throw-away server, proves it, and takes the schema or the tables out of it. Where it is certain what they need,
 * only that is restored. Nothing is written anywhere else before the proof; a failure leaves nothing of it.
 *
 * @throws LastgoodError `OBJECT_UNKNOWN` when the target has no such schema or table, `TARGET_NOT_EMPTY` when a name is taken,
 *   `PREFLIGHT_FAILED`, `PROOF_FAILED`, and what restoring, the tools and the live server's connection throw
 */
export async function salvage(
  archive: Pick<OpenArchive, 'repository' | 'catalog'>,
  options: SalvageOptions,
): Promise<SalvageResult> {
  const { plan, to } = options;
  await refuseEarly(options);
  if (to.kind === 'file') await refuseInside(archive.repository.path, resolve(to.path));
  if (options.datadir !== undefined) await refuseInside(archive.repository.path, resolve(options.datadir));
  const survey = await surveyKnown(archive, options);
  const incident = incidentOf(archive, plan);
  await using folder = await scratchFolder(options.datadir, { maker: 'salvage', log: options.log });
  const into = { kind: 'scratch', datadir: folder.datadir, port: 0 } as const;
  const run = { ...options, repository: archive.repository, into, incident, reference: null };
  const narrow = survey === null ? 'the backup could not be looked at' : chooseNarrow(plan, survey, options.schema);
  const { ran, ...left } = await restorePart(run, narrow);
  await using scratch = ran.target;
  if (!ran.proof.ok) throw unproven(ran.proof);
  const startedAt = performance.now();
  const found = await takeOut(scratch, ran.proof, { schema: options.schema, names: options.tables });
  const done = await bringBack(found, options);
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  const incidents = archive.catalog.incidents();
  return {
    plan:
      left.filtered === null
        ? plan
        : { ...plan, warnings: warningsWithin(plan.warnings, { incidents, ...left.filtered }) },
    ...{ ...done, proof: ran.proof, ...left },
    // Nobody gets the scratch server.
    warnings: [...ran.warnings.filter((text) => !ran.looseEnds.includes(text)), ...done.warnings],
    seconds: { ...ran.seconds, salvage: seconds, total: ran.seconds.total + seconds },
  };
}

/** What is certain before a restore that may take hours. */
async function refuseEarly({ plan, acceptConflicts, to, schema, tables }: SalvageOptions): Promise<void> {
  refuseSkips(plan, { accepted: acceptConflicts === true });
  if (to.kind === 'file') await requireNewFile(to.path);
  if (to.kind !== 'server') return;
  await using live = await connect(to.server);
  const as = to.rename ?? schema;
  await requireWritable(live, as);
  await requirePrivileges(live, as, null);
  await refuseTables(live, as, tables);
}

/**
 * What a restore may take hours to come to, as far as the backup and the log tell beforehand.
 *
 * @returns null when they cannot be looked at: the restore will say why
 */
async function surveyKnown(
  { repository }: Pick<OpenArchive, 'repository'>,
  o: SalvageOptions,
): Promise<PlanSurvey | null> {
  const { plan, schema, to, tables, signal, log } = o;
  if (plan.backup.flavor === 'mysql') return null;
  const progress = ({ bytes, totalBytes }: { bytes: number; totalBytes: number }): void =>
    o.progress?.({ step: 'surveying', done: bytes, total: totalBytes });
  let survey: PlanSurvey;
  try {
    survey = await surveyPlan(plan, { repository, wanted: schema, progress, signal });
  } catch (error) {
    if (isLastgoodError(error)) throw error;
    log.debug({ err: error }, 'cannot look at the backup');
    return null;
  }
  refuseUnknown(plan, survey, { schema, tables });
  if (to.kind !== 'server' || tables.length > 0) return survey;
  await using live = await connect(to.server);
  await refuseTables(live, to.rename ?? schema, certainTables(plan, survey, schema));
  return survey;
}

function unproven(proof: Proof): LastgoodError {
  return new LastgoodError('PROOF_FAILED', `the restored server is not what was planned: ${describeFailure(proof)}`, {
    hint: 'Nothing was salvaged. `lastgood restore` keeps such a server to be looked at.',
  });
}
