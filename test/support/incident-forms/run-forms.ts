import type { Incident } from '../../../src/incident/incident.ts';
import { scan } from '../../../src/operations/scan.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';
import type { TestServer } from '../servers.ts';
import { fingerprintOf } from './fingerprint.ts';
import { formsOn, LOG_FORMATS, ONE_TABLE, type IncidentForm, type LogFormat } from './form.ts';
import { beginFormat, openScene } from './scene.ts';
import { isWithin, readLogEnd, readServerGroups, type LogRange, type ServerGroup } from './server-groups.ts';

/** What one run of a form did to the server and left in its log. */
export interface FormRun {
  readonly schema: string;
  /** True when the server shows that something is gone or changed; null when it was asked in another format already. */
  readonly changed: boolean | null;
  /** The groups that the steps wrote, in log order. */
  readonly groups: readonly ServerGroup[];
  /** Found in them and in the setup's. */
  readonly incidents: readonly Incident[];
}

export interface FormRuns {
  readonly run: (form: IncidentForm, format: LogFormat) => FormRun;
  /** The group before, in log order. */
  readonly before: (group: ServerGroup) => ServerGroup | undefined;
  readonly problems: readonly string[];
}

interface Done {
  readonly schema: string;
  readonly changed: boolean | null;
  readonly whole: LogRange;
  readonly steps: LogRange;
}

/** Runs every form that exists on the server, one file of the log for each format, then scans the log once. */
export async function runForms(server: TestServer, forms: readonly IncidentForm[]): Promise<FormRuns> {
  await using control = await server.connect();
  const done = new Map<string, Done>();
  for (const format of LOG_FORMATS) {
    await beginFormat(control, format);
    for (const form of formsOn(forms, { flavor: control.flavor, format })) {
      const schema = `f${done.size + 1}`;
      done.set(keyOf(form, format), await runForm({ server, control, form, format, schema }));
    }
  }
  const groups = await readServerGroups(control);
  const { files, incidents } = await scan({ paths: [server.datadir], verifyChecksums: true });
  return {
    problems: files.flatMap(({ problems }) => problems.map(({ problem }) => problem)),
    before: (group) => groups.slice(0, groups.indexOf(group)).findLast(({ gtid }) => gtid !== null),
    run: (form, format) => {
      const one = done.get(keyOf(form, format));
      if (one === undefined) throw new Error(`'${form.name}' was not run in ${format}`);
      return {
        ...one,
        groups: groups.filter((group) => isWithin(group, one.steps)),
        incidents: incidents.filter((incident) => isWithin(incident, one.whole)),
      };
    },
  };
}

function keyOf(form: IncidentForm, format: LogFormat): string {
  return `${format} ${form.name}`;
}

interface Run {
  readonly server: TestServer;
  readonly control: ServerConnection;
  readonly form: IncidentForm;
  readonly format: LogFormat;
  readonly schema: string;
}

async function runForm({ server, control, form, format, schema }: Run): Promise<Done> {
  const schemas = schemasOf(form).map((name) => name.replace('$db', schema));
  const [firstFormat] = form.formats ?? LOG_FORMATS;
  // Whether the server changes does not depend on the format.
  const look = async (): Promise<string | null> =>
    format === firstFormat ? await fingerprintOf(control, schemas) : null;
  const from = await readLogEnd(control);
  await using scene = await openScene(server, { name: form.name, schema, collation: form.collation });
  await scene.prepare(form.setup ?? ONE_TABLE);
  const untouched = await look();
  const middle = await readLogEnd(control);
  for (const step of form.steps) await scene.take(step);
  const to = await readLogEnd(control);
  return {
    schema,
    changed: untouched === null ? null : (await look()) !== untouched,
    whole: { from, to },
    steps: { from: middle, to },
  };
}

/** The form's own schema, and every name in it that may be one: a name too many is no harm. */
function schemasOf({ setup = [], steps }: IncidentForm): string[] {
  const names = JSON.stringify([setup, steps]).match(/\$db\w*/g) ?? [];
  return [...new Set(['$db', ...names])];
}
