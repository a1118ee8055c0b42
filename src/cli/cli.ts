import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Settings } from '../operations/settings.ts';
import { createLogger, type Logger } from '../platform/logger.ts';
import { visible } from '../platform/visible.ts';
import { colorFor, paint, type Color } from './output/color.ts';
import { interrupted } from '../platform/wait.ts';
import { runnable, runnableWords } from './runnable.ts';
import { streamOut, writeOut } from './stream-out.ts';

/** Every command takes these. */
export interface GlobalOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color: boolean;
}

/** The command did what was asked, but a person should look. */
const WARNINGS_EXIT_CODE = 3;

/** What one run of the command line gives its command: settings, log, interruption, and the way out for the result. */
export class Cli {
  readonly signal: AbortSignal;
  readonly #options: GlobalOptions;
  readonly #color: boolean;
  #logger: Logger | null = null;
  /** With their secrets, and without: read once. */
  readonly #settings = new Map<boolean, Promise<Settings>>();

  constructor(options: GlobalOptions, signal: AbortSignal) {
    this.signal = signal;
    this.#options = options;
    this.#color = colorFor(process.stdout, options.color);
  }

  /** Made when it is first needed: a scan writes no log, and loading what writes one takes a fifth of its start. */
  get logger(): Logger {
    const { verbose, quiet, color } = this.#options;
    this.#logger ??= createLogger({
      level: verbose === true ? 'debug' : quiet === true ? 'error' : 'info',
      pretty: process.stderr.isTTY,
      color: colorFor(process.stderr, color),
      words: this.#options.config === undefined ? undefined : this.runnable,
    });
    return this.#logger;
  }

  /** Settings with their secrets, for commands that talk to the servers. */
  async settings(): Promise<Settings> {
    return this.#load(true);
  }

  /**
   * Settings without passwords, for commands that need only the repository: a restore must work on a machine where
   * the servers' passwords are not at hand.
   */
  async offlineSettings(): Promise<Settings> {
    return this.#load(false);
  }

  async #load(secrets: boolean): Promise<Settings> {
    const isFirst = this.#settings.size === 0;
    const settings = this.#settings.get(secrets) ?? this.#read(secrets, isFirst);
    this.#settings.set(secrets, settings);
    return await settings;
  }

  async #read(secrets: boolean, isFirst: boolean): Promise<Settings> {
    const note = (text: string): void => {
      if (isFirst) this.logger.warn(text);
    };
    const { loadSettings } = await import('./config/load-settings.ts'); // only for commands that have a configuration
    return await loadSettings({ config: this.#options.config, secrets, note });
  }

  /**
   * Puts the result on stdout: one JSON document with `--json`, else text, which cannot steer a terminal.
   *
   * @param text gets the result with its commands as they are to be run
   */
  print<T>(result: T, text: (shown: T) => string): void {
    const shown = runnableWords(result, this.#options);
    process.stdout.write(`${this.json ? JSON.stringify(shown, null, 2) : this.#visible(text(shown))}\n`);
  }

  /** Gives the commands in a text the configuration of this run. */
  readonly runnable = (text: string): string => runnable(text, this.#options);

  /** The same for words that are read elsewhere: the configuration by its whole path. */
  readonly runnableElsewhere = (text: string): string => {
    const { config } = this.#options;
    return runnable(text, config === undefined ? {} : { config: resolve(config) });
  };

  /** Puts one line on stdout, whatever the format. */
  printLine(line: string): void {
    process.stdout.write(`${this.#visible(line)}\n`);
  }

  #visible(text: string): string {
    return visible(text, { colors: this.#color });
  }

  /** Puts text on stdout piece by piece, as fast as it is taken, and as it is: it is for programs. */
  async stream(pieces: AsyncIterable<string>): Promise<void> {
    await streamOut(process.stdout, pieces, this.signal);
  }

  /** Puts bytes on stdout as they are. @throws LastgoodError `INTERRUPTED` when nobody takes them any more */
  readonly pour = async (chunk: string | Uint8Array): Promise<void> => {
    if (!(await writeOut(process.stdout, chunk, this.signal))) throw interrupted();
  };

  /** One line of a story that goes on; with `--json` only its end is told. */
  tell(line: string): void {
    if (!this.json) this.printLine(line);
  }

  /** The log for work that tells its own story on stdout: only what is wrong, but for `--verbose`. */
  get storyLogger(): Logger {
    return this.#options.verbose === true ? this.logger : this.logger.child({}, { level: 'warn' });
  }

  /** Progress is for people: only on terminals, never beside JSON. */
  get showsProgress(): boolean {
    const { json, quiet } = this.#options;
    return json !== true && quiet !== true && process.stdout.isTTY && process.stderr.isTTY;
  }

  get json(): boolean {
    return this.#options.json === true;
  }

  /** Colours text for stdout. */
  readonly paint = (color: Color, text: string): string => paint(color, text, this.#color);

  /** The command is done, with warnings. */
  warn(): void {
    process.exitCode = WARNINGS_EXIT_CODE;
  }

  /** For contracts with other exit codes, such as monitoring plugins. */
  exitWith(code: number): void {
    process.exitCode = code;
  }
}

/** Makes the `Cli` of a command from the options given with it. */
export type OpenCli = (command: Command) => Cli;
