import type { AlertRule, AlertSettings } from '../../operations/alerts/alert-settings.ts';
import { LastgoodError } from '../../platform/errors.ts';
import { isWebhook, type Config } from './config-schema.ts';
import { readSecret } from './read-login.ts';
import type { ConfigPlace } from './to-settings.ts';

type IncidentsConfig = Config['incidents'];

/**
 * Takes the webhook from where the configuration says: its URL may be a secret.
 *
 * @throws LastgoodError `CONFIG_INVALID`, `FILE_UNREADABLE`
 */
export async function toAlertSettings(
  config: IncidentsConfig,
  { path: where, secrets }: ConfigPlace,
  path: (file: string) => string,
): Promise<AlertSettings> {
  const { alert_command: command = null, alert_webhook: url, alert_webhook_file: file } = config;
  const others = {
    command,
    mass: { massRows: config.mass_rows, massShare: config.mass_share },
    rules: (config.rule ?? []).map(toRule),
  };
  if (file === undefined) return { ...others, webhook: url ?? null };
  if (url !== undefined)
    throw new LastgoodError('CONFIG_INVALID', `${where}: incidents has alert_webhook and alert_webhook_file: keep one`);
  if (!secrets) return { ...others, webhook: null };
  const webhook = (await readSecret(file, { where: `${where}: incidents`, path, secrets })).trim();
  if (isWebhook(webhook)) return { ...others, webhook };
  throw new LastgoodError(
    'CONFIG_INVALID',
    `${where}: incidents.alert_webhook_file '${path(file)}' must hold an http:// or https:// URL without user and password`,
  );
}

function toRule({ kind, schema, table, alert }: NonNullable<IncidentsConfig['rule']>[number]): AlertRule {
  return { kinds: listOf(kind), schemas: listOf(schema), tables: listOf(table), alert };
}

function listOf<T extends string>(value: T | readonly T[] | undefined): readonly T[] | null {
  if (value === undefined) return null;
  return typeof value === 'string' ? [value] : value;
}
