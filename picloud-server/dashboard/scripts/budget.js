// The size budgets of the page, on compressed bytes: what the first load may cost, and what the editor may add.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { root } from './sources.js';

const FIRST_LOAD = 250 * 1024;
const EDITOR = 400 * 1024;

/** What every page needs before it shows anything, and the pages up to the editor: all but the editor's own. */
const ENTRY =
  /(^|\/)(client\/(entry|app)|entry)\b|generated\/client(-optimized)?\/app\.js|runtime\/client\/entry\.js|nodes\/\d+\.js/;

/**
 * Files that are loaded with these modules: their static imports and styles.
 * @param {Record<string, {file: string, imports?: string[], css?: string[]}>} manifest
 * @param {string[]} keys
 */
function closure(manifest, keys) {
  /** @type {Set<string>} */ const files = new Set();
  /** @type {Set<string>} */ const seen = new Set();
  /** @param {string} key */
  const visit = (key) => {
    const chunk = manifest[key];
    if (chunk === undefined || seen.has(key)) return;
    seen.add(key);
    files.add(chunk.file);
    chunk.css?.forEach((file) => files.add(file));
    chunk.imports?.forEach(visit);
  };
  keys.forEach(visit);
  return files;
}

/**
 * @param {string} build
 * @param {string} dist
 */
export function checkBudget(build, dist) {
  const file = join(root, '.svelte-kit/output/client/.vite/manifest.json');
  /** @type {Record<string, {file: string, imports?: string[], css?: string[], dynamicImports?: string[]}>} */
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  const keys = Object.keys(manifest);
  const editorEntry = keys.filter((key) => /lib\/editor\/(mount|merge)\.ts$/.test(key));
  const first = closure(
    manifest,
    keys.filter((key) => ENTRY.test(key))
  );
  const editor = closure(manifest, editorEntry);
  const size = (/** @type {string} */ path) => {
    const plain = join(build, path);
    return statSync(existsSync(`${plain}.br`) ? `${plain}.gz` : plain).size;
  };
  const sum = (/** @type {Iterable<string>} */ files) =>
    [...files].reduce((total, path) => total + size(path), 0);
  const firstLoad = sum(first) + size('index.html');
  const more = sum([...editor].filter((path) => !first.has(path)));
  const kib = (/** @type {number} */ bytes) => `${Math.round(bytes / 1024)} KiB`;
  console.log(
    `gzip: all pages ${kib(firstLoad)} of ${kib(FIRST_LOAD)}, the editor ${kib(more)} more of ${kib(EDITOR)}`
  );
  if (first.size < 3 || (editorEntry.length === 0 && existsSync(join(root, 'src/lib/editor/mount.ts')))) {
    throw new Error(`the entry modules were not found in ${file} of ${dist}`);
  }
  if (firstLoad > FIRST_LOAD || more > EDITOR) throw new Error('a size budget is exceeded');
}
