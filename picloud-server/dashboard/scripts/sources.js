// The hash of everything the built files are made from. A Rust test compares it with the one in build/.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const FOLDERS = ['scripts', 'src', 'static'];
const FILES = ['package-lock.json', 'package.json', 'svelte.config.js', 'tsconfig.json', 'vite.config.ts'];

/**
 * Paths of all files below a folder, relative to `base`, with `/`.
 * @param {string} base
 * @param {string} folder
 * @returns {string[]}
 */
export function filesBelow(base, folder) {
  return readdirSync(join(base, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(base, path) : [path];
  });
}

/** SHA-256 over path, length and bytes of each file, in the order of their paths. */
export function sourcesHash() {
  const inputs = FOLDERS.flatMap((folder) => filesBelow(root, folder)).filter(
    (path) => !path.includes('.test.')
  );
  const paths = [...FILES, ...inputs].sort();
  const hash = createHash('sha256');
  for (const path of paths) {
    const bytes = readFileSync(join(root, path));
    hash.update(`${path}\n${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}
