import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Incident, IncidentKind, IncidentObject, IncidentState } from '../../src/incident/incident.ts';
import { INCIDENT_FORMS } from '../support/incident-forms.ts';
import { formsOn, LOG_FORMATS, type ExpectedIncident, type IncidentForm } from '../support/incident-forms/form.ts';
import { runForms, type FormRun, type FormRuns } from '../support/incident-forms/run-forms.ts';
import type { ServerGroup } from '../support/incident-forms/server-groups.ts';
import { FAST_SERVER } from '../support/incident-forms/scene.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';

const SERVERS = [
  ['MariaDB', 'mariadb', startPrimary],
  ['MySQL 5.6', 'mysql', startMysql56],
] as const;

/** Of all forms on one server, on a machine that does much else. */
const RUN_TIMEOUT_MS = 300_000;

describe('the table of what destroys', () => {
  it('has 120 or more, each with a name of its own', () => {
    expect(new Set(INCIDENT_FORMS.map(({ name }) => name)).size).toBe(INCIDENT_FORMS.length);
    expect(INCIDENT_FORMS.length).toBeGreaterThanOrEqual(120);
  });
});

describe.each(SERVERS)('what was destroyed on %s', (_title, flavor, start) => {
  let server: TestServer;
  let runs: FormRuns;

  beforeAll(async () => {
    server = await start({ args: FAST_SERVER });
    runs = await runForms(server, INCIDENT_FORMS);
  }, RUN_TIMEOUT_MS);
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('the log has no problem but the one that the source tells of', () => {
    expect(runs.problems).toEqual(['the source reports an incident: events may be missing here']);
  });

  describe.each(LOG_FORMATS)('is found in its exact group of a log in %s format', (format) => {
    const forms = formsOn(INCIDENT_FORMS, { flavor, format }).map((form) => [form.name, form] as const);

    it.each(forms)('%s', (_name, form) => {
      const run = runs.run(form, format);
      const expected = form.findsIn?.[format] ?? form.finds;
      expect(run.incidents.map(found(expected))).toEqual(expected.map(placed(run, runs)));
      expectTrace(form, expected, run);
    });
  });
});

interface Verdict {
  readonly kind: IncidentKind;
  readonly state?: IncidentState;
  readonly suspicious?: boolean;
}

interface Place {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly gtid: string | null;
}

/** What the server itself says of the group, and the table of what happened in it. */
function placed({ groups, schema }: FormRun, { before }: FormRuns): (expected: ExpectedIncident) => string {
  const groupAt = (index: number): ServerGroup => {
    const group = groups[index];
    if (group === undefined) throw new Error(`the steps wrote ${groups.length} groups`);
    return group;
  };
  return ({ group = 0, settledBy, goesOnTo, objects, ...expected }) => {
    const place = groupAt(group);
    const last = before(place);
    return line([
      verdict(expected),
      objects.join(', ').replaceAll('$db', schema),
      expected.rows && JSON.stringify(expected.rows),
      expected.cascades && `cascades ${String(expected.cascades).replaceAll('$db', schema)}`,
      goesOnTo === undefined ? undefined : `${goesOnTo - group + 1} groups to ${groupAt(goesOnTo).end}`,
      where(place),
      last && `after ${last.file}:${last.end} ${last.gtid ?? ''}`,
      settledBy === undefined ? undefined : `settled by ${where(groupAt(settledBy))}`,
    ]);
  };
}

/** The same of what was found; rows only where the table has them. */
function found(expected: readonly ExpectedIncident[]): (incident: Incident, index: number) => string {
  return (incident, index) => {
    const { objects, rows, cascades, groups, lastEnd, lastGood, settledBy } = incident;
    return line([
      verdict(incident),
      objects.map(describeObject).join(', '),
      expected[index]?.rows && JSON.stringify(rows),
      cascades &&
        `cascades ${cascades === true ? 'true' : cascades.map(({ schema, name }) => `${schema}.${name}`).join()}`,
      groups === undefined ? undefined : `${groups} groups to ${lastEnd ?? 'nowhere'}`,
      where(incident),
      lastGood && `after ${lastGood.file}:${lastGood.end} ${lastGood.gtid ?? ''}`,
      settledBy === null ? undefined : `settled by ${where(settledBy)}`,
    ]);
  };
}

function describeObject({ type, schema, name, parts }: IncidentObject): string {
  const called = `${type} ${[schema, name].filter(Boolean).join('.')}`;
  return parts === undefined ? called : `${called} (${parts.join(', ')})`;
}

function verdict({ kind, state = 'effective', suspicious = false }: Verdict): string {
  return `${kind} · ${state} · ${suspicious ? 'suspicious' : 'sure'}`;
}

function where(place: Place): string {
  return `${place.file}:${place.start}-${place.end} ${place.gtid ?? ''}`;
}

function line(parts: readonly (string | null | undefined)[]): string {
  return parts.filter(Boolean).join(' · ');
}

/** The server has changed if and only if something is said to have taken effect. */
function expectTrace({ leavesNoTrace }: IncidentForm, expected: readonly ExpectedIncident[], run: FormRun): void {
  const states = expected.map(({ state = 'effective' }) => state);
  if (leavesNoTrace !== true && run.changed !== null)
    expect(run.changed).toBe(states.includes('effective') || states.includes('unknown'));
}
