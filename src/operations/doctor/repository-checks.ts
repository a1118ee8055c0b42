import { EMPTY_FOLDER, holds } from '../../archive/begin-folder.ts';
import { notRunning } from '../archiver-state.ts';
import { waitFindings } from '../archiver-wait.ts';
import type { Finding } from '../finding.ts';
import type { RepairedBackup } from '../backup.ts';
import type { DoctorFacts, RepositoryReport } from './facts.ts';

const GIB = 1024 ** 3;
/** Below this share of the disk it is time to act. */
const LOW_SHARE = 0.1;

/** What is wrong with the repository and its disk. Pure. */
export function checkRepository({ settings, primary, repository }: DoctorFacts): Finding[] {
  const object = settings.repositoryPath;
  if (repository.report === null) {
    return [
      {
        severity: 'error',
        check: 'repository',
        object,
        found: repository.problem,
        fix: 'Is the disk mounted, and may this user read and write there?',
      },
    ];
  }
  const { report } = repository;
  const own = [missing(report), space(report), ...report.repaired.map(interruptedBackup)];
  return [
    ...own.filter((problem) => problem !== undefined).map((problem) => ({ ...problem, object })),
    ...archiverFindings(settings.primary.name, report),
    // A primary that does not answer has a finding of its own; this one would send the reader to the doctor.
    ...report.findings.filter(({ check }) => primary.report !== null || check !== 'exposure'),
  ];
}

/** What is not installed. Pure. */
export function checkTools({ tools }: DoctorFacts): Finding[] {
  return tools
    .filter(({ path }) => path === null)
    .map(({ names, use }) => ({
      severity: 'warning',
      check: 'tools',
      object: names[0] ?? null,
      found: `not installed on this machine: ${use} need it`,
      fix: 'On Debian: apt-get install mariadb-server mariadb-client.',
    }));
}

/** Production data that nobody looks after any more. Pure. */
export function checkLeftScratch({ leftScratch: { report, problem } }: DoctorFacts): Finding[] {
  const check = 'left scratch server';
  if (report === null)
    return [{ severity: 'warning', check, object: null, found: problem, fix: 'Set TMPDIR to a folder that exists.' }];
  return report.map(({ maker, folder, pid, startedAt }) => ({
    severity: 'warning',
    check,
    object: folder,
    found: `a ${maker} of ${startedAt} was killed: the data that it had restored are still there${pid === null ? '' : `, and its server runs as process ${pid}`}`,
    fix: `The next \`lastgood salvage\` or \`lastgood rehearse\` removes it. At once: ${pid === null ? '' : `kill -9 ${pid}; `}rm -r '${folder}'`,
  }));
}

type Problem = Omit<Finding, 'object'>;

function missing({ exists, foreign = null }: RepositoryReport): Problem | undefined {
  if (exists) return undefined;
  if (foreign !== null) {
    const found = `there is no repository, and none is begun there: ${holds(foreign)}`;
    return { severity: 'error', check: 'repository', found, fix: EMPTY_FOLDER };
  }
  return {
    severity: 'warning',
    check: 'repository',
    found: 'there is no repository yet',
    fix: 'Start `lastgood archive`: it makes one.',
  };
}

function archiverFindings(name: string, report: RepositoryReport): Finding[] {
  if (report.archiverRunning) return waitFindings(name, { wait: report.archiverWait, now: report.readAt });
  return report.archived ? [noArchiver(name, report)] : [];
}

/** Before the first archiver there is nothing that has stopped. */
function noArchiver(name: string, { archiverRuns: runs, readAt: now }: RepositoryReport): Finding {
  const finding = notRunning(name, { runs, now, severity: 'warning' });
  if (finding.severity === 'info') return finding;
  return { ...finding, fix: `${finding.fix} \`lastgood status\` shows what is not archived yet.` };
}

function space({ freeBytes, totalBytes, lastBackupBytes }: RepositoryReport): Problem | undefined {
  const isTight = freeBytes < Math.max(GIB, (lastBackupBytes ?? 0) * 2);
  if (!isTight && freeBytes >= totalBytes * LOW_SHARE) return undefined;
  return {
    severity: isTight ? 'error' : 'warning',
    check: 'free disk',
    found: `${gib(freeBytes)} of ${gib(totalBytes)} are free`,
    fix: 'Free space or enlarge the disk: without space nothing is archived.',
  };
}

function interruptedBackup({ id, applying }: RepairedBackup): Problem {
  const outcome = {
    started: 'it had left applying stopped on the replica, which applies again now',
    running: 'the replica applies',
    failed: 'the replica does not apply, because of an error of its own',
  }[applying];
  return {
    severity: applying === 'failed' ? 'error' : 'warning',
    check: 'interrupted backup',
    found: `backup ${id} was interrupted: ${outcome}; its files are removed`,
    fix: applying === 'failed' ? 'See SHOW SLAVE STATUS on the replica.' : 'Take a new one: `lastgood backup`.',
  };
}

function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}
