import { FIRST_EVENT_OFFSET, type Coordinates } from '../binlog/coordinates.ts';
import { hasEventAt, readBytes, saysItsEnd } from '../binlog/event-at.ts';
import { EVENT } from '../binlog/event-type.ts';
import type { GtidSet } from '../binlog/mysql-gtid.ts';
import { offerAfterPosition } from './offer-after-position.ts';
import { offerBesidesSet } from './offer-besides-set.ts';
import { artificialRotate, parseRotate } from './replication-protocol.ts';
import type { ServedLog, ServedRange } from './served-range.ts';

const POSITIONS = 2 ** 32;
/** In an event's header. */
const TYPE_AT = 4;

/** What a client asks for: a place, what comes after a MariaDB GTID position, or what a MySQL GTID set has not. */
export type OfferRequest =
  | { readonly by: 'place'; readonly file: string; readonly position: number }
  | { readonly by: 'gtid-position'; readonly state: string }
  | { readonly by: 'gtid-set'; readonly gtids: GtidSet };

/**
 * The ranges to send to a client, the first beginning where it asks, without the groups that it has.
 *
 * @returns a string in words why there is nothing to send
 * @throws LastgoodError `ARCHIVE_DAMAGED` and whatever opening a range throws
 */
export async function findOffer(log: ServedLog, request: OfferRequest): Promise<readonly ServedRange[] | string> {
  const offer = await offerOf(log, request);
  if (typeof offer === 'string') return offer;
  // An empty one at the end leads the client to where it stands with everything applied.
  return offer.filter(({ from, to }, index) => from < to || index === offer.length - 1);
}

async function offerOf(log: ServedLog, request: OfferRequest): Promise<readonly ServedRange[] | string> {
  switch (request.by) {
    case 'place':
      return await offerFrom(log.ranges, request);
    case 'gtid-position':
      return await offerAfterPosition(log, request.state);
    case 'gtid-set':
      return await offerBesidesSet(log, request.gtids);
  }
}

async function offerFrom(
  ranges: readonly ServedRange[],
  { file, position }: Coordinates,
): Promise<readonly ServedRange[] | string> {
  const refusal = `the archive server does not offer ${file}:${position}`;
  if (file === '' && position <= FIRST_EVENT_OFFSET) return ranges; // a server begins with its oldest file then
  if (await isAmbiguous(ranges, { file, position })) return `${refusal}: in a file this large two places are called so`;
  for (const [index, range] of ranges.entries()) {
    const from = range.file === file ? offsetIn(range, position) : null;
    if (from === null) continue;
    const first = { ...range, from };
    if (from !== range.from && !(await beginsWithEvent(first))) return `${refusal}: no event begins there`;
    return [first, ...ranges.slice(index + 1)];
  }
  return offerBehind(ranges, { file, position }) ?? (await offerBehindRotate(ranges, { file, position })) ?? refusal;
}

/** A client that has all of a range, and lost its connection then, asks for the range's end: it goes on with the next one. */
function offerBehind(ranges: readonly ServedRange[], { file, position }: Coordinates): readonly ServedRange[] | null {
  const index = ranges.findLastIndex((range) => range.file === file && range.to % POSITIONS === position);
  const range = ranges[index];
  if (range === undefined) return null;
  const rest = ranges.slice(index + 1);
  return rest.length > 0 ? rest : [{ ...range, from: range.to }];
}

/**
 * A client that has all of a file stands where the ROTATE at its end leads, at the start of a file that is not offered, or not from there:
 * it goes on with what follows, or waits where it stands.
 */
async function offerBehindRotate(
  ranges: readonly ServedRange[],
  place: Coordinates,
): Promise<readonly ServedRange[] | null> {
  const next = ranges.findIndex(({ file }) => file === place.file);
  const index = (next < 0 ? ranges.length : next) - 1;
  const range = ranges[index];
  if (range === undefined || !(await endsWithRotateTo(range, place))) return null;
  const rest = ranges.slice(index + 1);
  return rest.length > 0 ? rest : [{ ...range, file: place.file, from: place.position, to: place.position }];
}

/** How long such a ROTATE is follows from the name in it. */
async function endsWithRotateTo(range: ServedRange, { file, position }: Coordinates): Promise<boolean> {
  const withChecksum = range.checksum === 'crc32';
  const place = { file, position, serverId: 0, withChecksum };
  const { length } = artificialRotate(place);
  const from = range.to - length;
  if (range.to === Infinity || from < range.from) return false;
  const event = await readAt({ ...range, from }, length);
  if (event?.[TYPE_AT] !== EVENT.ROTATE || !saysItsEnd(event, from)) return false;
  const target = parseRotate(event, withChecksum);
  return target.file === file && target.position === position;
}

/**
 * Beyond 4 GiB a range may begin, or end, where 4 GiB before or behind it an event begins: who takes the one for the other loses
 * groups.
 */
async function isAmbiguous(ranges: readonly ServedRange[], { file, position }: Coordinates): Promise<boolean> {
  const own = ranges.filter((range) => range.file === file && range.to < Infinity);
  const isLarge = own.some(({ to }) => to > POSITIONS);
  const edges = own.flatMap(({ from, to }) => [from, to]).filter((edge) => edge % POSITIONS === position);
  if (!isLarge || edges.length === 0 || position === FIRST_EVENT_OFFSET) return false;
  const places = new Set(edges);
  for (const range of own) {
    for (let from = position; from < range.to; from += POSITIONS)
      if (from > range.from && (await beginsWithEvent({ ...range, from }))) places.add(from);
  }
  return places.size > 1;
}

/** A position is four bytes wide: in a file larger than that only a range's start is beyond doubt. */
function offsetIn({ from, to }: ServedRange, position: number): number | null {
  if (from % POSITIONS === position || (position === 0 && from === FIRST_EVENT_OFFSET)) return from;
  return to <= POSITIONS && position > from && position < to ? position : null;
}

async function beginsWithEvent(range: ServedRange): Promise<boolean> {
  await using source = await range.open(range.from);
  return await hasEventAt(source, range.from);
}

/** The first bytes of the range; null when there are not so many. */
async function readAt(range: ServedRange, length: number): Promise<Buffer | null> {
  await using source = await range.open(range.from);
  return await readBytes(source, length);
}
