import { expect, it } from 'vitest';
import { findDelayedReplica } from '../../src/operations/delayed-replica.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { readReplicaStatus } from '../../src/server/replica-status.ts';
import { archiveUntilCurrent, primarySettings, repositoryBeside, silentLog } from '../support/archiver.ts';
import { startPair } from '../support/pair.ts';
import { pointOf, recordBackup } from '../support/recorded-backup.ts';

it.each(['mariadb', 'mysql'] as const)(
  'a delayed replica of %s that has not come to the DROP is told, with its time left; one that has is not',
  async (flavor) => {
    await using pair = await startPair({ flavor });
    const { primary, replica } = pair;
    const repository = repositoryBeside(primary);
    await using writer = await primary.connect();
    await using onReplica = await replica.connect();
    await writer.query('CREATE DATABASE shop');
    await archiveUntilCurrent(primary, repository);
    await recordBackup(repository, 'before', await pointOf(primary));
    await pair.caughtUp();
    for (const statement of ['STOP SLAVE', 'CHANGE MASTER TO MASTER_DELAY = 3600', 'START SLAVE'])
      await onReplica.query(statement);
    for (const statement of ['CREATE TABLE shop.t (id INT)', 'DROP DATABASE shop']) await writer.query(statement);
    await archiveUntilCurrent(primary, repository);
    const waits = async (): Promise<boolean> =>
      ((await readReplicaStatus(onReplica))?.delayLeftSeconds ?? null) !== null;
    await waitFor(waits, { timeoutMs: 30_000, what: 'the replica to wait' });

    using archive = await openArchive(repository, { log: silentLog });
    const [incident] = archive.catalog.incidents();
    const plan = await makePlan(archive, { kind: 'before-incident', incident: incident?.id ?? '' });
    const lineages = archive.catalog.lineages();
    const settings = { ...primarySettings(replica), name: 'replica db2' };
    const found = await findDelayedReplica(plan, settings, lineages);
    expect(found?.server).toMatch(/^replica db2 \(.*\)$/);
    expect(found?.delaySeconds).toBe(3600);
    expect(found?.secondsLeft).toBeGreaterThan(3000);
    expect(found?.statement).toBe(flavor === 'mysql' ? 'STOP SLAVE SQL_THREAD' : 'STOP ALL SLAVES SQL_THREAD');
    expect(await findDelayedReplica(plan, primarySettings(primary), lineages)).toBeNull();

    for (const statement of ['STOP SLAVE', 'CHANGE MASTER TO MASTER_DELAY = 0', 'START SLAVE'])
      await onReplica.query(statement);
    await pair.caughtUp();
    for (const statement of ['STOP SLAVE', 'CHANGE MASTER TO MASTER_DELAY = 3600', 'START SLAVE'])
      await onReplica.query(statement);
    expect(await readReplicaStatus(onReplica)).toMatchObject({ delaySeconds: 3600 });
    expect(await findDelayedReplica(plan, settings, lineages)).toBeNull();
  },
);
