import { LastgoodError } from '../platform/errors.ts';
import type { ServerConnection } from '../server/connection.ts';
import type { ServerVariables } from '../server/facts.ts';
import type { BorrowedSetting } from './restore-target.ts';
import type { ServerOptionValues } from './scratch-options.ts';

/** What is to be set, and what it is now. */
export function planLoan(variables: ServerVariables, set: ServerOptionValues): BorrowedSetting[] {
  return Object.entries(set).map(([name, during]) => ({ name, was: variables.get(name) ?? '', during }));
}

/**
 * Sets them, each once it has shown that it can be put back.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` naming the one that the server refuses; those before it stay set
 */
export async function borrowSettings(connection: ServerConnection, loan: readonly BorrowedSetting[]): Promise<void> {
  for (const { name, was, during } of loan) {
    try {
      await connection.query(setStatement(name, was));
      await connection.query(setStatement(name, during));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new LastgoodError('PREFLIGHT_FAILED', `${name} cannot be set to '${during}' for the restore: ${why}`, {
        cause,
        hint: `Set ${name} = ${during} in the target's option file and restart it.`,
      });
    }
  }
}

/** Puts all of them back that the server takes back. @returns the others, and what it said of the first one */
export async function putBackSettings(
  connection: ServerConnection,
  loan: readonly BorrowedSetting[],
): Promise<{ left: BorrowedSetting[]; error: Error | null }> {
  const left: BorrowedSetting[] = [];
  let first: Error | null = null;
  for (const setting of loan.toReversed()) {
    try {
      await connection.query(setStatement(setting.name, setting.was));
    } catch (error) {
      left.unshift(setting);
      first ??= error instanceof Error ? error : new Error(String(error));
    }
  }
  return { left, error: first };
}

/** The statements that make them what they were, the last one first. */
export function putBackStatements(loan: readonly BorrowedSetting[]): string[] {
  return loan.toReversed().map(({ name, was }) => setStatement(name, was));
}

/** Text, also when it looks like a number: a schema may be called 2024. */
const IS_TEXT = /^(?:replicate_|init_)/;
/** Empty text is no value of these. */
const NULL_WHEN_EMPTY = new Set(['enforce_storage_engine']);

/** Numbers may not be quoted, and nothing else may stand bare. */
export function setStatement(name: string, value: string): string {
  if (value === '' && NULL_WHEN_EMPTY.has(name)) return `SET GLOBAL ${name} = NULL`;
  const literal =
    !IS_TEXT.test(name) && /^-?\d+(\.\d+)?$/.test(value)
      ? value
      : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
  return `SET GLOBAL ${name} = ${literal}`;
}
