import { z } from 'zod';
import { SETTINGS_DEFAULTS as DEFAULTS } from '../../operations/settings.ts';
import { INCIDENT_KINDS } from '../../incident/incident.ts';

/**
 * One row per key of lastgood.toml: validation, the nearest-key hint and the test of docs/configuration.md all read
 * this table. What is written here is what a person may write; to-settings.ts makes settings of it.
 */

const text = z.string().min(1, 'must not be empty');
const port = z.int().min(1).max(65_535);

/** How to reach a server; [primary] and [replica] share these. */
const server = {
  host: text.optional(),
  port: port.optional(),
  socket: text.optional(),
  user: text.optional(),
  password_file: text.optional(),
  password_env: text.optional(),
  defaults_file: text.optional(),
  tls: z.enum(['off', 'preferred', 'required']).default(DEFAULTS.tls),
  ca: text.optional(),
  cert: text.optional(),
  key: text.optional(),
};

const sync = z.string().regex(/^(?:group|\d+(?:ms|s))$/, 'must be "group" or a duration such as "1s" or "500ms"');

/** Names a folder of each lineage. */
const lineageName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be up to 64 letters, digits, dots, dashes or underscores');

const positive = z.int().min(1);

const webhook = z.string().refine(isWebhook, 'must be an http:// or https:// URL without user and password');

const patterns = z.union([text, z.array(text).min(1, 'must not be empty')], 'must be a pattern or a list of patterns');
const kind = z.enum(INCIDENT_KINDS, 'must be one or a list of the kinds that docs/cli-json.md names');

/** One [[incidents.rule]]. */
const rule = z.strictObject({
  kind: z
    .union(
      [kind, z.array(kind).min(1, 'must not be empty')],
      'must be one or a list of the kinds that docs/cli-json.md names',
    )
    .optional(),
  schema: patterns.optional(),
  table: patterns.optional(),
  alert: z.boolean(),
});

export const configSchema = z.strictObject({
  repository: z.strictObject({
    url: text,
    encryption_key_file: text.optional(),
    encryption: z.literal('off', 'can only be "off"; with encryption_key_file it is on').optional(),
  }),
  primary: z.strictObject({
    name: lineageName,
    ...server,
    server_id: z.int().min(1).max(4_294_967_295).optional(),
  }),
  replica: z.strictObject({ name: text.optional(), ...server }).optional(),
  archive: z
    .strictObject({
      sync: sync.default(DEFAULTS.sync),
      semi_sync: z.boolean().default(DEFAULTS.semiSync),
      compression: z.enum(['none', 'zstd']).default(DEFAULTS.compression),
    })
    .prefault({}),
  backup: z
    .strictObject({
      method: z.literal('logical', 'can only be "logical" in this version').default('logical'),
      schedule: text.optional(),
    })
    .prefault({}),
  incidents: z
    .strictObject({
      mass_rows: positive.default(DEFAULTS.massRows),
      mass_share: z.number().gt(0).max(1).default(DEFAULTS.massShare),
      alert_command: text.optional(),
      alert_webhook: webhook.optional(),
      alert_webhook_file: text.optional(),
      rule: z.array(rule).optional(),
    })
    .prefault({}),
  retention: z.strictObject({ keep_days: positive.optional(), keep_backups: positive.optional() }).prefault({}),
  rehearsal: z.strictObject({ schedule: text.optional() }).prefault({}),
  serve: z.strictObject({ listen: text.optional() }).prefault({}),
});

export type Config = z.output<typeof configSchema>;
export type ServerConfig = NonNullable<Config['replica']>;

/** Keys that this version takes, so that one file serves the next one too, but does not act on; and what holds instead. */
export const PLANNED_KEYS: Readonly<Record<string, string>> = {
  'backup.schedule': 'the timer in packaging/systemd starts backups',
  'retention.keep_days': 'nothing is deleted',
  'retention.keep_backups': 'nothing is deleted',
  'rehearsal.schedule': 'the timer in packaging/systemd starts rehearsals',
  'serve.listen': 'nothing is served',
};

/** The keys of one [[incidents.rule]]. */
export const RULE_KEYS: readonly string[] = Object.keys(rule.shape);

/** True for a URL that alerts can be posted to. */
export function isWebhook(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, username, password } = new URL(url);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
}

/** Every section's keys, in the order of the table. */
export const CONFIG_KEYS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(configSchema.shape).map(([section, schema]) => [section, keysOf(schema)]),
);

/** A section may be wrapped (optional, with defaults): its keys are in the object inside. */
function keysOf(schema: z.ZodType): string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) return keysOf(schema.unwrap() as z.ZodType);
  return [];
}
