// Builds again, and fails where the committed files differ: they are what these sources make.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { filesBelow, root } from './sources.js';

const build = join(root, 'build');
const before = mkdtempSync(join(tmpdir(), 'picloud-build-'));
cpSync(build, before, { recursive: true });
execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
// Compressed forms may differ between releases of Node; what they hold is compared with the table's plain files.
const paths = (/** @type {string} */ folder) =>
  filesBelow(folder, '')
    .filter((path) => !/\.(br|gz)$/.test(path))
    .sort();
const [old, made] = [paths(before), paths(build)];
const differ = old.join() !== made.join();
const changed = differ
  ? []
  : made.filter((path) => !readFileSync(join(build, path)).equals(readFileSync(join(before, path))));
rmSync(before, { recursive: true });
if (differ || changed.length > 0) {
  console.error('build/ was not what its sources make; it is now. Commit it.', changed.join(' '));
  process.exit(1);
}
console.log('build/ is what its sources make');
