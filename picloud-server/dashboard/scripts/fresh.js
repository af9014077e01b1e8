// Builds beside, and fails where the committed files differ: they are what these sources make.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { filesBelow, root } from './sources.js';

const build = join(root, 'build');
const made = mkdtempSync(join(tmpdir(), 'picloud-build-'));
const run = (/** @type {string} */ program, /** @type {string[]} */ ...args) =>
  execFileSync(program, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
run('npx', 'vite', 'build', '--logLevel', 'warn');
run(process.execPath, 'scripts/finish.js', made);
// Compressed forms may differ between releases of Node; what they hold is compared.
const paths = (/** @type {string} */ folder) =>
  filesBelow(folder, '')
    .filter((path) => !/\.(br|gz)$/.test(path))
    .sort();
const [committed, now] = [paths(build), paths(made)];
const differ =
  committed.join() !== now.join() ||
  now.some((path) => !readFileSync(join(build, path)).equals(readFileSync(join(made, path))));
rmSync(made, { recursive: true });
if (differ) {
  console.error('build/ is not what its sources make: run `npm run build` and commit it');
  process.exit(1);
}
console.log('build/ is what its sources make');
