import { LastgoodError } from '../../platform/errors.ts';
import { describeServer, type ServerConnection } from '../../server/connection.ts';
import { quoteName } from '../../server/quote-name.ts';
import { TARGET_WORDS, type TargetWords } from '../target-words.ts';

/** A backup brings accounts of every kind: only who may do everything may make them, and pass it on. */
const NEEDED = [
  {
    pattern: /^GRANT ALL PRIVILEGES ON \*\.\* TO .* WITH GRANT OPTION$/s,
    grant: (account: string) => `GRANT ALL PRIVILEGES ON *.* TO ${account} WITH GRANT OPTION;`,
  },
  {
    pattern: /^GRANT PROXY ON (``|'')@(`%`|'%'|'') TO .* WITH GRANT OPTION$/s,
    grant: (account: string, { everybody }: TargetWords) =>
      `GRANT PROXY ON ${everybody} TO ${account} WITH GRANT OPTION;`,
  },
];

/** @throws LastgoodError `PREFLIGHT_FAILED` with the GRANT statements that the account of this connection lacks */
export async function requirePrivileges(connection: ServerConnection): Promise<void> {
  const rows = await connection.query('SHOW GRANTS');
  const grants = rows.map((row) => String(Object.values(row)[0]));
  const [who] = await connection.query<{ account: string }>('SELECT CURRENT_USER() AS account');
  const at = (who?.account ?? '').lastIndexOf('@');
  const account = [who?.account.slice(0, at) ?? '', who?.account.slice(at + 1) ?? ''].map(quoteName).join('@');
  const lacking = NEEDED.filter(({ pattern }) => !grants.some((grant) => pattern.test(grant)));
  if (lacking.length === 0) return;
  const statements = lacking.map(({ grant }) => grant(account, TARGET_WORDS[connection.flavor])).join(' ');
  throw new LastgoodError(
    'PREFLIGHT_FAILED',
    `the ${describeServer(connection.options)} cannot be restored into: account ${account} may not do and grant everything`,
    { hint: `Have its administrator run: ${statements}` },
  );
}
