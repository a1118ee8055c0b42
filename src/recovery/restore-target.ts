import type { Flavor } from '../binlog/gtid.ts';
import type { ServerConnection } from '../server/connection.ts';
import type { ServerOptions } from '../server/server-options.ts';
import type { RestoreNote } from './restore-note.ts';

/** Where a restore goes: a new server in a folder of this machine, or one that is there and empty. */
export type RestoreInto =
  | {
      readonly kind: 'scratch';
      /** The new server's data folder: must not exist, or be empty. */
      readonly datadir: string;
      /** A free one when not given. */
      readonly port?: number | undefined;
      /** What a server that ends by itself leaves stays, for a restore that goes on from there. */
      readonly resumable?: boolean | undefined;
    }
  | {
      readonly kind: 'existing';
      /** An account that may do everything, and grant it. */
      readonly server: ServerOptions;
      /** Never restored into, whatever they hold: the configured primary and replica. */
      readonly others: readonly ServerOptions[];
    };

/** How to reach a server that was handed over. */
export interface HandedOver {
  readonly kind: RestoreTarget['kind'];
  /** As the server names it: on its own machine. */
  readonly datadir: string;
  readonly socket: string;
  readonly port: number;
  /** How this machine reached an existing one over the network: its socket may be on another machine. */
  readonly reached?: { readonly host: string; readonly port: number } | undefined;
  /** null when it does not run, or was not started by us. */
  readonly pid: number | null;
  /** True where it writes a binary log: that does not hold what was loaded. */
  readonly binaryLog: boolean;
  /** True where only accounts that may ignore `read_only` can write. */
  readonly readOnly: boolean;
}

/** A setting of an existing server that was another one while the restore ran, and is what it was again. */
export interface BorrowedSetting {
  readonly name: string;
  readonly was: string;
  readonly during: string;
}

/**
 * A server that a plan is run into. Until it is handed over or kept, disposing of it undoes what can be undone: a
 * scratch server is ended and its folder emptied; an existing one gets its settings back and loses our account, and
 * keeps what was loaded, which its note tells.
 */
export interface RestoreTarget extends AsyncDisposable {
  readonly kind: 'scratch' | 'existing';
  readonly flavor: Flavor;
  /** As `SELECT VERSION()` says it. */
  readonly version: string;
  /** What messages call it, after 'the': "server in '/srv/restored'". */
  readonly name: string;
  /** As an account with all privileges that no backup holds. */
  readonly admin: ServerConnection;
  /** The same account, for client programs. */
  readonly login: ServerOptions;
  /** A private folder on this machine for what must not outlive the restore, such as a client's option file. */
  readonly temporary: string;
  /** Where it is while it is ours. */
  readonly place: HandedOver;
  /** What is as planned, and yet not as a person may expect. */
  readonly warnings: readonly string[];
  /** Empty for a scratch server. */
  readonly borrowed: readonly BorrowedSetting[];
  /** Where the note is, for a person. */
  readonly notePath: string;
  /** Says durably, on the target itself, how far the restore came. */
  note(note: RestoreNote): Promise<void>;
  /** Sets what has to be set once the backup is loaded: names of time zones, for one, are in it. */
  settle(): Promise<void>;
  /**
   * Gives the proven server away, with durable settings and without our account.
   *
   * @param options.stop leave it stopped: for scratch servers only
   * @throws LastgoodError `TOOL_FAILED` when that does not work; nothing is lost then, and the hint says what to do
   */
  handOver(options: { stop: boolean }): Promise<HandedOver>;
  /** Leaves a server whose proof failed as it is, to be looked at: a scratch server is stopped. */
  keep(): Promise<void>;
  /** Disposes of it because of `error`. @returns the error to throw, which also tells what stays behind */
  abandon(error: unknown): Promise<unknown>;
}
