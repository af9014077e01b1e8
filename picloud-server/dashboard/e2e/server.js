// Starts the real binary on a free port with its own data, and the real browser.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
export const target = process.env.CARGO_TARGET_DIR ?? join(repository, 'target');
export const screenshots = join(target, 'dashboard-screenshots');

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The flags keep the browser from asking other hosts for anything. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
];

/** @param {string[]} extra */
export async function startBrowser(extra = []) {
  const executablePath = process.env.CHROMIUM ?? BROWSERS.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error('Chromium is missing: run .ci/deps');
  return chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...extra] });
}

/**
 * A running server and what it printed.
 * @typedef {{ url: URL, setup: string | undefined, stop: () => Promise<void>, lines: string[] }} Server
 */

/**
 * @param {string[]} args more arguments of `picloud serve`
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Server>}
 */
export async function startServer(args = [], env = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'picloud-e2e-'));
  const binary = join(target, 'debug', 'picloud');
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run cargo build -p picloud-server`);
  const child = spawn(
    binary,
    ['serve', '--listen', '127.0.0.1:0', '--data-dir', join(folder, 'data'), ...args],
    {
      cwd: folder,
      env: { PATH: process.env.PATH, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe']
    }
  );
  /** @type {string[]} */ const lines = [];
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const ready = new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        const found = line.match(/is listening on (http:\/\/[^\s"]+)/);
        if (found?.[1] !== undefined) resolve(new URL(found[1]));
      });
    }
    void ended.then(() => reject(new Error(`the server ended:\n${lines.join('\n')}`)));
  });
  const url = /** @type {URL} */ (await ready);
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, setup: undefined, stop, lines };
}
