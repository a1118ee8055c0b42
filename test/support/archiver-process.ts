import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ARCHIVER_SERVER_ID } from './archiver.ts';

const PROGRAM = join(import.meta.dirname, '../../bin/lastgood');

export interface ArchiverProcess {
  /** Resolves when it has asked for the log, or has ended before. */
  readonly streaming: Promise<void>;
  /** Ends it with SIGKILL. @returns its exit code if it had ended by itself, else null */
  kill(): Promise<number | null>;
  /** By itself. */
  readonly ended: boolean;
  /** All it has said on stderr. */
  readonly said: string;
}

/** Where the archiver of a process finds its source: an account on loopback. */
export interface ProcessSource {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** Writes a configuration for the built program. */
export async function writeArchiverConfig(
  path: string,
  { repository, source }: { repository: string; source: ProcessSource },
): Promise<void> {
  await writeFile(
    path,
    `[repository]\nurl = ${JSON.stringify(repository)}\n` +
      `[primary]\nname = "shop"\nhost = "127.0.0.1"\nport = ${source.port}\nuser = "${source.user}"\n` +
      `password_env = "LASTGOOD_TEST_PASSWORD"\ntls = "off"\nserver_id = ${ARCHIVER_SERVER_ID}\n`,
  );
}

/** Starts `lastgood archive` as a service would. */
export function startArchiverProcess(config: string, env: Readonly<Record<string, string>>): ArchiverProcess {
  const child = spawn(process.execPath, [PROGRAM, 'archive', '--config', config], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  let said = '';
  const streaming = new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('"msg":"streaming"')) resolve();
    });
    child.once('exit', () => {
      resolve();
    });
  });
  return {
    streaming,
    kill: async () => killed(child, exited),
    get ended() {
      return child.exitCode !== null;
    },
    get said() {
      return said;
    },
  };
}

async function killed(child: ChildProcess, exited: Promise<unknown>): Promise<number | null> {
  child.kill('SIGKILL');
  await exited;
  return child.exitCode;
}
