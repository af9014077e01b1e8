// How fast the dashboard is: the goals are printed beside what was seen. What fails is only what no busy machine explains.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Api, PASSWORD, USERNAME } from './api.js';
import { startBrowser, startServer } from './server.js';

const READY_GOAL_MS = 1000;
const READY_MS = 6 * READY_GOAL_MS;
const FRAME_GOAL_MS = 50;
const FRAME_MS = 6 * FRAME_GOAL_MS;
const SLOWDOWN = 4;
const LINES_PER_RUN = 50;
const RUNS_PER_SECOND = 20;
const SECONDS = 5;

/** @type {import('./server.js').Server} */ let server;
/** @type {import('playwright-core').Browser} */ let browser;
/** @type {import('playwright-core').Page} */ let page;
/** @type {Api} */ let api;

before(async () => {
  server = await startServer([], { PICLOUD_ADMIN_USERNAME: USERNAME, PICLOUD_ADMIN_PASSWORD: PASSWORD });
  browser = await startBrowser();
  page = await browser.newPage();
  api = await Api.login(server.url);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('ready soon with a processor four times slower', async () => {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN });
  await page.addInitScript(() => {
    const seen = new MutationObserver(() => {
      if (document.querySelector('input[name=username]') === null) return;
      Object.assign(window, { ready: performance.now() });
      seen.disconnect();
    });
    seen.observe(document, { childList: true, subtree: true });
  });
  // Best of five: other work on the machine is not the page's.
  const times = [];
  for (let round = 0; round < 5; round += 1) {
    await devtools.send('Network.clearBrowserCache');
    await page.goto(new URL('/admin', server.url).href, { waitUntil: 'commit' });
    await page.getByLabel('User name').fill('a');
    times.push(Math.round(await page.evaluate(() => /** @type {any} */ (window).ready)));
  }
  console.log(`ready after ${times.join(', ')} ms; goal ${READY_GOAL_MS} ms`);
  assert.ok(Math.min(...times) < READY_MS, `ready after ${times.join(', ')} ms`);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: 1 });
});

test('the live log is smooth at 1,000 lines a second', async () => {
  await api.addScript('hello', 'loud', '/loud', `for n in 0..${LINES_PER_RUN} { log::info(\`line \${n}\`) }`);
  await page.getByLabel('User name').fill(USERNAME);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Apps' }).waitFor();
  await fetch(new URL('/loud', server.url));
  await page.goto(new URL('/admin/apps/hello/logs', server.url).href);
  await page.locator('.dot.on').waitFor();
  const frames = page.evaluate(
    (duration) =>
      new Promise((resolve) => {
        /** @type {number[]} */ const gaps = [];
        const end = performance.now() + duration;
        let last = performance.now();
        const next = () => {
          const now = performance.now();
          gaps.push(now - last);
          last = now;
          if (now < end) requestAnimationFrame(next);
          else resolve(gaps);
        };
        requestAnimationFrame(next);
      }),
    SECONDS * 1000
  );
  const start = performance.now();
  for (let run = 0; run < SECONDS * RUNS_PER_SECOND; run += 1) {
    const due = start + (run * 1000) / RUNS_PER_SECOND;
    await new Promise((resolve) => setTimeout(resolve, Math.max(due - performance.now(), 0)));
    void fetch(new URL(`/loud?n=${run}`, server.url)).then((response) => response.arrayBuffer());
  }
  const gaps = /** @type {number[]} */ (await frames).sort((a, b) => a - b);
  const p95 = gaps[Math.floor(gaps.length * 0.95)] ?? 0;
  const rows = await page.locator('.box li').count();
  console.log(
    `${gaps.length} frames in ${SECONDS} s, p95 ${p95.toFixed(0)} ms (goal ${FRAME_GOAL_MS}), longest ${gaps.at(-1)?.toFixed(0)} ms`
  );
  assert.ok(rows < 100, `only rows in sight are in the page, not ${rows}`);
  assert.ok(p95 < FRAME_MS, `95 of 100 frames come within ${FRAME_MS} ms, not ${p95}`);
});
