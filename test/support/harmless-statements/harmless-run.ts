import { formsOn, LOG_FORMATS } from '../incident-forms/form.ts';
import { beginFormat, openScene } from '../incident-forms/scene.ts';
import type { TestServer } from '../servers.ts';
import { WORDY_TABLE, type HarmlessSession } from './harmless.ts';

/** Runs all of them that exist on the server, one file of its log for each format. Returns how many statements ran. */
export async function runHarmless(server: TestServer, sessions: readonly HarmlessSession[]): Promise<number> {
  await using control = await server.connect();
  let ran = 0;
  let schemas = 0;
  for (const format of LOG_FORMATS) {
    await beginFormat(control, format);
    for (const session of formsOn(sessions, { flavor: control.flavor, format })) {
      schemas += 1;
      await runSession(server, session, `h${schemas}`);
      ran += session.statements.length;
    }
  }
  return ran;
}

async function runSession(server: TestServer, session: HarmlessSession, schema: string): Promise<void> {
  const { name, setup = WORDY_TABLE, statements, collation } = session;
  await using scene = await openScene(server, { name, schema, collation });
  await scene.prepare(setup);
  for (const statement of statements) await scene.take(statement);
}
