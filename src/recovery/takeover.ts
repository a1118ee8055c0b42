import { randomBytes } from 'node:crypto';
import type { Flavor } from '../binlog/gtid.ts';
import type { ServerConnection } from '../server/connection.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { borrowSettings, putBackSettings, setStatement } from './borrowed-settings.ts';
import { writeMarker, type Marker } from './restore-marker.ts';
import type { RestoreNote } from './restore-note.ts';
import type { BorrowedSetting } from './restore-target.ts';
import { TARGET_WORDS, type TargetWords } from './target-words.ts';

/**
 * What a restore changes on a server that is not its own, besides what it loads: settings, an account, a marker. Each
 * is in the marker before it is done, so that whoever comes after a crash can undo it.
 */
export class Takeover {
  /** Our account, on the server as `server` reaches it. */
  readonly login: ServerOptions;
  /** As statements take it. */
  readonly account: string;
  readonly #words: TargetWords;
  #borrowed: readonly BorrowedSetting[];
  #note: RestoreNote | null = null;
  #hasAccount = true;

  /** @param o.host from where the server sees us: part of the account's name */
  constructor(o: { server: ServerOptions; flavor: Flavor; host: string; loan: readonly BorrowedSetting[] }) {
    this.#words = TARGET_WORDS[o.flavor];
    const user = `lastgood-${randomBytes(o.flavor === 'mysql' ? 3 : 6).toString('hex')}`; // MySQL 5.6 takes 16 characters
    const { optionFile: _, ...server } = o.server; // which knows nothing of this account
    this.login = { ...server, user, password: newPassword() };
    this.account = `'${user}'@'${o.host}'`;
    this.#borrowed = o.loan;
  }

  /** What has to be undone. */
  get marker(): Marker {
    return { note: this.#note, borrowed: this.#borrowed, account: this.#hasAccount ? this.account : null };
  }

  /** Also when it fails, `giveBack` has to follow. @param former what a run that was killed had taken over, and is still so */
  async begin(connection: ServerConnection, former: Marker | null = null): Promise<void> {
    this.#note = former?.note ?? null;
    if (former !== null && former.account !== null) {
      for (const statement of this.#words.dropOurs(former.account)) await connection.query(statement);
    }
    await writeMarker(connection, this.marker);
    if (former === null) await borrowSettings(connection, this.#borrowed);
    await connection.query(`CREATE USER ${this.account} IDENTIFIED BY '${this.login.password}'`);
    await connection.query(`GRANT ALL ON *.* TO ${this.account} WITH GRANT OPTION`);
    await connection.query(`GRANT PROXY ON ${this.#words.everybody} TO ${this.account} WITH GRANT OPTION`);
  }

  /** One more setting. */
  async borrow(connection: ServerConnection, setting: BorrowedSetting): Promise<void> {
    this.#borrowed = [...this.#borrowed, setting];
    await writeMarker(connection, this.marker);
    await borrowSettings(connection, [setting]);
  }

  async note(connection: ServerConnection, note: RestoreNote): Promise<void> {
    this.#note = note;
    await writeMarker(connection, this.marker);
  }

  /** From here on nobody goes on with the restore: whoever would, looks whether the server has our id (see `whyNotOn`). */
  async giveUp(connection: ServerConnection): Promise<void> {
    const id = this.#borrowed.find(({ name }) => name === 'server_id');
    if (id !== undefined) await connection.query(setStatement(id.name, id.was));
  }

  /**
   * Makes settings and accounts what they were; the marker stays, and says what is left.
   *
   * @param staying names of settings that are left as they are
   * @throws what the server says of the first setting that it does not take back, once all others are what they were
   */
  async giveBack(connection: ServerConnection, staying: readonly string[] = []): Promise<void> {
    const kept = this.#borrowed.filter(({ name }) => staying.includes(name));
    const loan = this.#borrowed.filter(({ name }) => !staying.includes(name));
    const { left, error } = await putBackSettings(connection, loan);
    this.#borrowed = [...kept, ...left];
    for (const statement of this.#words.dropOurs(this.account)) await connection.query(statement);
    this.#hasAccount = false;
    await writeMarker(connection, this.marker);
    if (error !== null) throw error;
  }
}

/** Random, and of every kind of character: some servers ask for several of each. */
function newPassword(): string {
  return `${randomBytes(24).toString('base64url')}.aAbB0123-+`;
}
