/**
 * Two archivers with one id on one source. Enters: that another client has taken the place. Leaves: an error that says what to do,
 * and pauses in which two that throw each other out do so more and more rarely, each telling of it in its log each time.
 */
import { Backoff, type BackoffOptions } from '../platform/backoff.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { connect, describeServer, SHORT_QUESTIONS, type ServerConnection } from '../server/connection.ts';
import { describeClient, listDumpClients, listOwnDumps, machineOf } from '../server/dump-clients.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { nameArchiver, otherId, type ArchiverName, type ArchiverPlace } from './archiver-name.ts';

/** The source keeps its files meanwhile: nothing is lost by waiting, but what is not archived yet grows. */
const PAUSES = { firstMs: 60_000, maxMs: 900_000 };
/** So long without being thrown out: whatever it was is over. */
const QUIET_MS = 3_600_000;
/** ER_SLAVE_SAME_ID of MariaDB from 10.10 on. */
const SAME_ID = 4052;

interface Place extends ArchiverPlace {
  readonly source: ServerOptions;
  readonly serverId: number;
}

/** The place of one archiver at its source, which another client may take. */
export class SourcePlace {
  readonly archiver: ArchiverName;
  readonly #place: Place;
  readonly #backoff: Backoff;
  #thrownOutAt = -Infinity;
  #hungUp = false;

  constructor(place: Place, pauses: BackoffOptions = PAUSES) {
    this.#place = place;
    this.#backoff = new Backoff(pauses);
    this.archiver = nameArchiver(place, place.serverId);
  }

  /**
   * Before the source is asked for its log.
   *
   * @param isNew nothing is archived yet, and nothing is lost by not starting: then nobody is thrown out
   * @throws LastgoodError `SERVER_ID_TAKEN`
   */
  async check(connection: ServerConnection, { isNew }: { isNew: boolean }): Promise<void> {
    if (isNew && connection.flavor === 'mariadb') await this.#refuseTaken(connection);
    const hungUp = this.#hungUp;
    this.#hungUp = false;
    if (hungUp && connection.flavor === 'mysql') await this.#findNewcomer(connection);
  }

  /** What a stream ended with, as what it means. */
  explain(error: unknown): unknown {
    if (saysThrownOut(error))
      return this.#taken(
        `another client with server_id ${this.#place.serverId} took the place of this archiver: ${error.message}`,
        error,
      );
    this.#hungUp = isLastgoodError(error, 'SERVER_UNREACHABLE') && error.details['ended'] === true;
    return error;
  }

  /**
   * Tells of it in the log, with who it is as far as that may be seen.
   *
   * @returns how long to leave the source to the other one, milliseconds: longer each time, until it was over for an hour
   */
  async leave({ message, hint }: LastgoodError, log: Logger, now = performance.now()): Promise<number> {
    if (now - this.#thrownOutAt >= QUIET_MS) this.#backoff.reset();
    const waitMs = Math.round(this.#backoff.next());
    this.#thrownOutAt = now + waitMs;
    const other = await whoElse(this.#place.source, this.archiver);
    log.error(
      { error: message, other, hint, waitMs },
      'thrown out by the source: nothing is archived until this archiver tries again',
    );
    return waitMs;
  }

  /** MySQL throws nobody out for a server id. An archiver of this machine may be one that was stopped a moment ago. */
  async #refuseTaken(connection: ServerConnection): Promise<void> {
    const { serverId, host: own } = this.archiver;
    const clients = await listDumpClients(connection).catch(ignoreHidden);
    const other = clients.find(
      (client) => client.serverId === serverId && machineOf(client) !== machineOf({ host: own }),
    );
    if (other === undefined) return;
    const who = `${describeClient(other)} replicates from the ${describeServer(connection.options)}`;
    throw this.#taken(
      `${who} with server_id ${serverId}, which is this archiver's: one of the two would be thrown out`,
    );
  }

  /** MySQL 5.6 ends the older one's stream as if it were shutting down. What of it is gone is not listed any more. */
  async #findNewcomer(connection: ServerConnection): Promise<void> {
    const { serverId, uuid } = this.archiver;
    const clients = await listDumpClients(connection).catch(ignoreHidden);
    if (!clients.some((client) => client.uuid === uuid)) return;
    throw this.#taken(`another client with server_id ${serverId} and uuid ${uuid} took the place of this archiver`);
  }

  #taken(message: string, cause?: unknown): LastgoodError {
    const { serverId } = this.#place;
    return new LastgoodError('SERVER_ID_TAKEN', message, {
      details: { serverId },
      hint: `\`lastgood doctor\` says who else has the id, as far as it may be seen. Give one of the two another one in its configuration: primary.server_id = ${otherId(this.#place, serverId)}, or any number that no server and no other archiver has. The archive goes on under any id.`,
      cause,
    });
  }
}

/**
 * True for what a source tells the older of two clients with one id. MySQL 5.6 tells it nothing: it ends the stream.
 *
 * Source: MariaDB 10.11 and MySQL 8.4 sql/rpl_master.cc, ER_SLAVE_SAME_ID and error 1236; MariaDB 10.11 and MySQL 5.6 tried.
 */
function saysThrownOut(error: unknown): error is LastgoodError {
  if (!isLastgoodError(error, 'SERVER_QUERY_FAILED')) return false;
  return error.details['errno'] === SAME_ID || /same server_(?:id|uuid)/.test(error.message);
}

/** Who has this archiver's place now, in words, as far as its account may see it. */
async function whoElse(source: ServerOptions, { serverId }: ArchiverName): Promise<string> {
  try {
    await using connection = await connect(source, SHORT_QUESTIONS);
    const registered = (await listDumpClients(connection).catch(ignoreHidden)).find((one) => one.serverId === serverId);
    if (registered !== undefined) return describeClient(registered);
    const [address] = await listOwnDumps(connection);
    return address === undefined ? UNSEEN : `a client of '${source.user}' at ${address}`;
  } catch (error) {
    if (!isLastgoodError(error)) throw error;
    return UNSEEN;
  }
}

const UNSEEN = 'not to be seen';

/** Not every account may ask. */
function ignoreHidden(error: unknown): [] {
  if (isLastgoodError(error)) return [];
  throw error;
}
