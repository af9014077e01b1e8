// After `vite build`: makes dist/ into build/ (or the folder that is named), the files that the server embeds.
//
// The inline script becomes a file (the content security policy allows no inline script), every file that shrinks is
// compressed, the size budgets are checked, and table.rs lists all for the server.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

import { checkBudget } from './budget.js';
import { filesBelow, root, sourcesHash } from './sources.js';

const dist = join(root, 'dist');
const build = process.argv[2] ?? join(root, 'build');

/** Moves the inline script of the page into a file with a name made from its content. */
function externalScript() {
  const page = join(dist, 'index.html');
  const html = readFileSync(page, 'utf8');
  const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)];
  const [inline] = scripts;
  if (scripts.length !== 1 || inline?.[1] === undefined) {
    throw new Error(`index.html has ${scripts.length} inline scripts, not 1`);
  }
  const code = inline[1].replace(/^\t{3,4}/gm, '').trim() + '\n';
  const name = `start.${createHash('sha256').update(code).digest('base64url').slice(0, 8)}.js`;
  writeFileSync(join(dist, '_app/immutable', name), code);
  const reference = `<script src="/admin/_app/immutable/${name}"></script>`;
  const cleaned = html.replace(inline[0], () => reference);
  if (/ style=|<style|<script>/.test(cleaned)) throw new Error('index.html has inline styles or scripts');
  writeFileSync(page, cleaned);
}

/** @param {Buffer} bytes */
function compressed(bytes) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return { br: brotliCompressSync(bytes, { params }), gz: gzipSync(bytes, { level: 9 }) };
}

/**
 * Copies one file beside its compressed forms; gives its line of the table.
 * @param {string} path
 */
function place(path) {
  const target = join(build, path);
  mkdirSync(join(target, '..'), { recursive: true });
  cpSync(join(dist, path), target);
  const bytes = readFileSync(target);
  const { br, gz } = compressed(bytes);
  const worth = br.length < bytes.length * 0.95 && gz.length < bytes.length;
  if (worth) {
    writeFileSync(`${target}.br`, br);
    writeFileSync(`${target}.gz`, gz);
  }
  const form = (/** @type {string} */ end) => (worth ? `Some(include_bytes!("${path}.${end}"))` : 'None');
  const fields = `path: "${path}", plain: include_bytes!("${path}"), br: ${form('br')}, gz: ${form('gz')}`;
  return `    Asset { ${fields} },\n`;
}

externalScript();
rmSync(build, { recursive: true, force: true });
mkdirSync(build, { recursive: true });
const paths = filesBelow(dist, '').sort();
const lines = paths.map(place).join('');
writeFileSync(join(build, 'table.rs'), `// Made by scripts/finish.js.\n&[\n${lines}]\n`);
writeFileSync(join(build, 'sources.sha256'), `${sourcesHash()}\n`);
checkBudget(build, dist);
const total = filesBelow(build, '').reduce((sum, path) => sum + statSync(join(build, path)).size, 0);
console.log(`build/: ${paths.length} files, ${Math.round(total / 1024)} KiB with their compressed forms`);
