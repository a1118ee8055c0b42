import { z } from 'zod';
import { SETTINGS_DEFAULTS as DEFAULTS } from '../../operations/settings.ts';

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

/** Whoever sets one of these relies on it: it is never ignored. */
const notInThisVersion = (instead: string): z.ZodOptional => z.never(`is not in this version: ${instead}`).optional();

export const configSchema = z.strictObject({
  repository: z.strictObject({
    url: text,
    encryption_key_file: text.optional(),
  }),
  primary: z.strictObject({
    name: lineageName,
    ...server,
    server_id: z.int().min(1).max(4_294_967_295).default(DEFAULTS.serverId),
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
      mass_rows: positive.optional(),
      alert_command: notInThisVersion('nobody would be alerted'),
      alert_webhook: notInThisVersion('nobody would be alerted'),
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
  'incidents.mass_rows': 'changes of many rows are not found',
  'retention.keep_days': 'nothing is deleted',
  'retention.keep_backups': 'nothing is deleted',
  'rehearsal.schedule': 'the timer in packaging/systemd starts rehearsals',
  'serve.listen': 'nothing is served',
};

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
