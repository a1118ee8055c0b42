import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GtidSet } from '../../src/binlog/mysql-gtid.ts';
import { findOffer, type OfferRequest } from '../../src/server/archive-offer.ts';
import type { ServedIdentity, ServedRange } from '../../src/server/served-range.ts';
import type { BinlogBuilder, UuidIntervals } from '../support/binlog-builder.ts';
import { mariadbFile, mysqlFile, servedBytes } from '../support/served-bytes.ts';

const UUIDS = ['3e11fa47-71ca-11e1-9e33-c80aa9429561', '3e11fa47-71ca-11e1-9e33-c80aa9429562'];

/** A log: for each file the domains (or sources) of its groups, and which groups of all of it are left out. */
const LOG = fc.record({
  files: fc.array(fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 6 }), { minLength: 1, maxLength: 5 }),
  skipped: fc.uniqueArray(fc.nat({ max: 29 }), { maxLength: 4 }),
});

interface Group {
  readonly domain: number;
  /** Its place in its domain, from 1 on. */
  readonly number: number;
}

/** The groups of each file, numbered within their domains, and how many of each domain lie before the file. */
function numbered(files: readonly (readonly number[])[]): { groups: Group[]; before: [number, number] }[] {
  const count: [number, number] = [0, 0];
  return files.map((domains) => {
    const before: [number, number] = [...count];
    const groups = domains.map((domain) => ({ domain, number: domain === 0 ? (count[0] += 1) : (count[1] += 1) }));
    return { groups, before };
  });
}

const fileName = (index: number): string => `binlog.${String(index + 1).padStart(6, '0')}`;

/** The ranges that remain of the files without these groups. */
function rangesOf(builders: readonly BinlogBuilder[], skipped: ReadonlySet<string>): ServedRange[] {
  return builders.flatMap((builder, index) => {
    const holes = builder.groups.filter(({ gtid }) => skipped.has(gtid ?? ''));
    const starts = [4, ...holes.map(({ end }) => end)];
    const ends = [...holes.map(({ start }) => start), builder.size];
    const parts = starts.map((from, at) => ({ from, to: ends[at] ?? builder.size }));
    return parts.filter(({ from, to }) => from < to).map((part) => servedBytes(fileName(index), builder.bytes, part));
  });
}

async function offeredGroups(
  log: { identity: ServedIdentity; ranges: readonly ServedRange[] },
  request: OfferRequest,
  builders: readonly BinlogBuilder[],
): Promise<(string | null)[] | string> {
  const offer = await findOffer(log, request);
  if (typeof offer === 'string') return offer;
  return offer.flatMap(({ file, from, to }) => {
    const { groups = [] } = builders[Number(file.split('.')[1]) - 1] ?? {};
    return groups.filter(({ start, end }) => from <= start && end <= to).map(({ gtid }) => gtid);
  });
}

describe('what an archive server offers', () => {
  it('is, behind any GTID position that a replica of it can have, each later group once and no other', async () => {
    const gtidOf = ({ domain, number }: Group): string => `${domain}-101-${number}`;
    await fc.assert(
      fc.asyncProperty(LOG, fc.tuple(fc.nat(), fc.nat()), async ({ files, skipped }, progress) => {
        const log = numbered(files);
        const all = log.flatMap(({ groups }) => groups);
        const left = new Set(all.filter((_, index) => skipped.includes(index)).map(gtidOf));
        const stateOf = (counts: readonly number[]): string =>
          counts.flatMap((count, domain) => (count > 0 ? [gtidOf({ domain, number: count })] : [])).join(',');
        const builders = log.map(({ groups, before }) => mariadbFile(stateOf(before), groups.map(gtidOf)));
        const kept = all.filter((group) => !left.has(gtidOf(group)));
        // A replica has applied so many of each domain, of those that it could get.
        const applied = [0, 1].map((domain) => {
          const own = kept.filter((group) => group.domain === domain);
          return own[((progress[domain] ?? 0) % (own.length + 1)) - 1]?.number ?? 0;
        });
        const identity: ServedIdentity = { flavor: 'mariadb', serverVersion: '10.11.19', serverId: 101, gtidState: '' };

        const offered = await offeredGroups(
          { identity, ranges: rangesOf(builders, left) },
          { by: 'gtid-position', state: stateOf(applied) },
          builders,
        );

        expect(offered).toEqual(kept.filter(({ domain, number }) => number > (applied[domain] ?? 0)).map(gtidOf));
      }),
    );
  });

  it('is exactly what any GTID set has not', async () => {
    const gtidOf = ({ domain, number }: Group): string => `${UUIDS[domain] ?? ''}:${number}`;
    await fc.assert(
      fc.asyncProperty(
        LOG,
        fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
        async ({ files, skipped }, has) => {
          const log = numbered(files);
          const all = log.flatMap(({ groups }) => groups);
          const left = new Set(all.filter((_, index) => skipped.includes(index)).map(gtidOf));
          const setsOf = (counts: readonly number[]): UuidIntervals[] =>
            counts.flatMap((count, domain) =>
              count > 0 ? [{ uuid: UUIDS[domain] ?? '', intervals: [[1, count + 1]] as const }] : [],
            );
          const builders = log.map(({ groups, before }) => mysqlFile(setsOf(before), groups.map(gtidOf)));
          const client = all.filter((_, index) => has[index] === true).map(gtidOf);
          const identity: ServedIdentity = {
            ...{ flavor: 'mysql', serverVersion: '8.0.36', serverId: 101, gtidMode: 'ON', gtidState: '' },
          };

          const offered = await offeredGroups(
            { identity, ranges: rangesOf(builders, left) },
            { by: 'gtid-set', gtids: GtidSet.parse(client.join(',')) },
            builders,
          );

          expect(offered).toEqual(all.map(gtidOf).filter((gtid) => !left.has(gtid) && !client.includes(gtid)));
        },
      ),
    );
  });
});
