// Looks at pages: screenshots in both themes and at 360 px, accessibility, and what the browser complained about.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { screenshots } from './server.js';

const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

export const WIDE = { width: 1180, height: 760 };
const NARROW = { width: 360, height: 740 };

/** Pictures for docs/dashboard.md are made anew with PICLOUD_DOCS_IMAGES=1. */
const images =
  process.env.PICLOUD_DOCS_IMAGES === '1'
    ? fileURLToPath(new URL('../../../docs/images', import.meta.url))
    : undefined;

/** The steps that docs/dashboard.md shows. */
const PICTURES = new Set([
  '02-welcome',
  '06-diagnostic',
  '07-test-run',
  '08-completion',
  '10-conflict',
  '11-routes',
  '12-live-log',
  '13-overview',
  '14-one-run',
  '15-diff'
]);

/** What the browser says where the API refused something on purpose. */
const EXPECTED =
  /Failed to load resource: the server responded with a status of (401|404|409|410|412|422|429|500)/;

/**
 * A page whose complaints and requests to other hosts are collected.
 * @param {import('playwright-core').BrowserContext} context
 * @param {URL} server
 */
export async function watchedPage(context, server) {
  const page = await context.newPage();
  /** @type {string[]} */ const complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !EXPECTED.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.port !== server.port) complaints.push(`asked ${url.href}`);
  });
  return { page, complaints };
}

/**
 * No serious violation of the rules of accessibility.
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
async function assertAccessible(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { axe } = /** @type {any} */ (window);
    const result = await axe.run(document, { resultTypes: ['violations'] });
    return result.violations
      .filter((/** @type {any} */ each) => ['serious', 'critical'].includes(each.impact))
      .map(
        (/** @type {any} */ each) =>
          `${each.id}: ${each.nodes.map((/** @type {any} */ node) => `${node.html} ${node.failureSummary}`).join('\n')}`
      );
  });
  assert.deepEqual(found, [], `accessibility of ${name}`);
}

/**
 * Screenshots of one step, with what must hold on every page.
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
export async function look(page, name) {
  mkdirSync(screenshots, { recursive: true });
  const shot = (/** @type {string} */ form) =>
    page.screenshot({ path: join(screenshots, `${name}-${form}.png`), animations: 'disabled' });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(WIDE);
  await shot('light');
  await assertAccessible(page, `${name}, light`);
  if (images !== undefined && PICTURES.has(name)) await picture(page, name);
  await page.emulateMedia({ colorScheme: 'dark' });
  await shot('dark');
  await assertAccessible(page, `${name}, dark`);
  await page.setViewportSize(NARROW);
  await shot('360px');
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `${name} is ${overflow} px too wide at 360 px`);
  await page.setViewportSize(WIDE);
  await page.emulateMedia({ colorScheme: 'light' });
}

/**
 * A small picture for the docs: the browser itself makes WebP of its screenshot.
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
async function picture(page, name) {
  const png = await page.screenshot({ animations: 'disabled' });
  const blank = await page.context().newPage();
  const data = await blank.evaluate(async (source) => {
    const image = new Image();
    image.src = `data:image/png;base64,${source}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext('2d')?.drawImage(image, 0, 0);
    return canvas.toDataURL('image/webp', 0.85);
  }, png.toString('base64'));
  await blank.close();
  mkdirSync(/** @type {string} */ (images), { recursive: true });
  const bytes = Buffer.from(data.split(',')[1] ?? '', 'base64');
  writeFileSync(join(/** @type {string} */ (images), `dashboard-${name.replace(/^\d+-/, '')}.webp`), bytes);
}
