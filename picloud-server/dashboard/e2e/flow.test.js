// A newcomer's first hour, in the real browser against the real binary: set-up to log-out, with a look at every page.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Api, get, PASSWORD, USERNAME } from './api.js';
import { look, watchedPage, WIDE } from './look.js';
import { screenshots, startBrowser, startServer } from './server.js';

const HOST = 'shop.localhost';

const BROKEN = 'let name = ctx.params.name;\nlet greeting = ;\n#{ message: greeting }\n';
const GREETING = `fn greet(who) {
    log::info(\`greeting \${who}\`, #{ who: who });
    \`Hello, \${who}!\`
}

let name = ctx.params.name ?? "world";
#{ message: greet(name), big: 9007199254740993 }
`;
const FAILING = GREETING.replace('`Hello, ${who}!`', 'throw `nobody greets ${who}`');

/** @type {import('./server.js').Server} */ let server;
/** @type {import('playwright-core').Browser} */ let browser;
/** @type {import('playwright-core').Page} */ let page;
/** @type {string[]} */ let complaints;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
  const context = await browser.newContext({ viewport: WIDE, permissions: [] });
  await context.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    })
  );
  ({ page, complaints } = await watchedPage(context, server.url));
  page.on('dialog', (dialog) => void dialog.accept());
  page.setDefaultTimeout(8000);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/**
 * Puts a text into the editor, as pasting does.
 * @param {string} text
 */
async function write(text) {
  const content = page.locator('.editor .cm-content');
  await content.click();
  await page.keyboard.press('Control+a');
  await content.evaluate((node, pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', pasted);
    node.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }, text);
}

/**
 * One step of the story. The first that fails ends it, with a screenshot of where.
 * @param {string} name
 * @param {() => Promise<void>} work
 */
async function step(name, work) {
  try {
    await work();
    console.log(`ok: ${name}`);
  } catch (cause) {
    await page.screenshot({ path: join(screenshots, 'failed.png') }).catch(() => undefined);
    console.log(complaints.join('\n'));
    throw new Error(`failed: ${name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** @param {string} text */
const toast = (text) => page.locator('.toasts').getByText(text).waitFor();
/** @param {string} name */
const follow = (name) => page.getByRole('link', { name, exact: true }).click();
const call = (path = '/greet/Ada') => get(server.url, HOST, path);

/**
 * Saves, and waits for what the page says.
 * @param {number} version
 */
async function save(version) {
  await page.locator('.editor .cm-content').click();
  await page.keyboard.press('Control+s');
  await toast(`Version ${version} is live.`);
}

test('the first hour', async () => {
  await step('the set-up link leads to the first admin and into the seeded app', async () => {
    const link = server.lines.join('\n').match(/https?:\/\/\S+\/admin\/setup\S*/)?.[0];
    assert.ok(link, `no set-up link in:\n${server.lines.join('\n')}`);
    await page.goto(link);
    await page.getByLabel('User name').fill(USERNAME);
    await page.getByLabel('Password').fill('short');
    await page.getByRole('button', { name: 'Create admin' }).click();
    await page
      .getByText(/characters/)
      .last()
      .waitFor();
    await look(page, '01-set-up');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Create admin' }).click();
    await page.getByRole('link', { name: 'Edit the hello script' }).waitFor();
    await look(page, '02-welcome');
  });

  await step('an app is made', async () => {
    await follow('Apps');
    await page.getByRole('button', { name: 'New app' }).click();
    await page.getByLabel('Name in URLs').fill('shop');
    await look(page, '03-new-app');
    await page.getByRole('dialog').getByRole('button', { name: 'New app' }).click();
    await page.getByRole('heading', { name: 'shop' }).waitFor();
    await look(page, '04-empty-app');
  });

  await step('a script is written: a diagnostic, its fix, a test run, a save', async () => {
    await follow('Scripts');
    await look(page, '05-no-scripts');
    await page.getByRole('button', { name: 'New script' }).click();
    await page.getByLabel('Name').fill('greet');
    await page.getByRole('dialog').getByRole('button', { name: 'New script' }).click();
    await page.locator('.editor .cm-content').waitFor();
    await write(BROKEN);
    await page.locator('.cm-lintRange-error').waitFor();
    await look(page, '06-diagnostic');
    await write(GREETING);
    await page.locator('.cm-lintRange-error').waitFor({ state: 'detached' });
    await page.getByLabel('Path and query').fill('/greet/Ada');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const result = page.getByTestId('result');
    await result.getByText('9007199254740993').waitFor();
    await look(page, '07-test-run');
    await save(2);
  });

  await step('completion and docs come from the server', async () => {
    await page.keyboard.press('Control+End');
    await page.keyboard.type('log::', { delay: 20 });
    const offered = page.locator('.cm-tooltip-autocomplete');
    await offered.getByText('warn').waitFor();
    await look(page, '08-completion');
    await page.keyboard.press('Escape');
    for (let index = 0; index < 5; index += 1) await page.keyboard.press('Backspace');
    await page.locator('.cm-line', { hasText: 'log::info' }).getByText('info', { exact: true }).hover();
    await page.locator('.cm-doc-signature').first().waitFor();
    await page.keyboard.press('Escape');
  });

  await step('a failing test run is marked at its line', async () => {
    await write(FAILING);
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.locator('.cm-failure-dot[title*="nobody greets"]').waitFor();
    await look(page, '09-failing-run');
    await write(GREETING);
  });

  await step('HTML is previewed where it can do nothing', async () => {
    await write('html("<h1>Hi</h1><script>parent.document.title = 1</scr" + "ipt>")');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('button', { name: 'Preview' }).click();
    const frame = page.locator('iframe');
    assert.equal(await frame.getAttribute('sandbox'), '');
    await frame.contentFrame().getByRole('heading', { name: 'Hi' }).waitFor();
    complaints.splice(
      0,
      complaints.length,
      ...complaints.filter((each) => !/about:srcdoc|script-src/.test(each))
    );
    await write(GREETING);
  });

  await step('a concurrent edit shows both sides and loses neither', async () => {
    const api = await Api.login(server.url);
    const id = new URL(page.url()).pathname.split('/').at(-1);
    await api.call('PUT', `/scripts/${id}`, { name: 'greet', source: `// theirs\n${GREETING}` });
    await write(`// mine\n${GREETING}`);
    await page.keyboard.press('Control+s');
    await page.getByText('Live: version 3').waitFor();
    await page.locator('.merge').getByText('// theirs').waitFor();
    await page.locator('.merge').getByText('// mine').waitFor();
    await look(page, '10-conflict');
    await page.getByRole('button', { name: 'Use the left side' }).click();
    await page.locator('.editor').getByText('// theirs').waitFor();
    await page.getByRole('button', { name: 'Bring it back' }).click();
    await page.locator('.editor').getByText('// mine').waitFor();
    await write(GREETING);
    await save(4);
  });

  await step('a route and a domain make it answer', async () => {
    await follow('Routes & domains');
    await page.getByLabel('Path', { exact: true }).fill('/greet/:name');
    await page.getByText('Free to take.').waitFor();
    await page.getByRole('button', { name: 'Add route' }).click();
    await toast('/greet/:name answers now.');
    await page.getByLabel('Path', { exact: true }).fill('/greet/:other');
    await page.getByText('Taken by').waitFor();
    await page.getByLabel('Host').fill(HOST);
    await page.getByRole('button', { name: 'Claim domain' }).click();
    await toast(`${HOST} leads here now.`);
    await page.getByLabel('URL').fill(`http://${HOST}/greet/Ada`);
    await page.getByText('name = Ada').waitFor();
    await look(page, '11-routes');
    assert.deepEqual(await call(), { status: 200, body: '{"big":9007199254740993,"message":"Hello, Ada!"}' });
  });

  await step('requests come into the live log by themselves', async () => {
    await follow('Logs');
    await page.locator('.dot.on').waitFor();
    await call('/greet/Grace');
    await page.getByText('greeting Grace').waitFor();
    await look(page, '12-live-log');
  });

  await step('a failure is found, and rolled back', async () => {
    await follow('Scripts');
    await follow('greet');
    await write(FAILING);
    await save(5);
    assert.equal((await call()).status, 500);
    await follow('Overview');
    await page.getByRole('link', { name: /nobody greets Ada/ }).waitFor();
    await look(page, '13-overview');
    await page.getByRole('link', { name: /nobody greets Ada/ }).click();
    const run = page.getByRole('dialog');
    await run.getByText('greeting Ada').waitFor();
    await look(page, '14-one-run');
    await run.getByRole('link', { name: 'greet, version 5' }).click();
    await page.getByRole('heading', { name: 'Version 5, which is live' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Compare version 4 with the live one' }).click();
    await page.locator('.merge').getByText('nobody greets').waitFor();
    await look(page, '15-diff');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Roll back to version 4' }).click();
    await toast('Version 6 is live, with the source of 4.');
    await look(page, '16-versions');
    assert.equal((await call()).status, 200);
  });

  await step('unsaved changes are not lost by a click', async () => {
    await follow('Open the editor');
    await write('1');
    page.removeAllListeners('dialog');
    const asked = page.waitForEvent('dialog');
    const clicked = follow('Overview');
    await (await asked).dismiss();
    await clicked;
    assert.match(page.url(), /scripts\//);
    page.on('dialog', (dialog) => void dialog.accept());
    await write(GREETING);
  });

  await step('admins, sessions, settings, audit trail and about', async () => {
    for (const [link, text, name] of [
      ['Admins', USERNAME, '17-admins'],
      ['Sessions', 'this one', '18-sessions'],
      ['Settings', 'listen', '19-settings'],
      ['Audit trail', 'script.', '20-audit'],
      ['About', 'HTTP API', '21-about'],
      ['Apps', 'hello', '22-apps']
    ]) {
      await follow(link);
      await page.locator('main').getByText(text).first().waitFor();
      await look(page, name);
    }
  });

  await step('an app is renamed, and deleted with its name typed', async () => {
    await follow('shop');
    await follow('App settings');
    await page.getByLabel('Name in URLs').fill('store');
    await page.getByRole('button', { name: 'Rename' }).click();
    await toast('Renamed. The old name redirects to store.');
    await look(page, '23-app-settings');
    const remove = page.getByRole('button', { name: 'Delete this app' });
    assert.ok(await remove.isDisabled());
    await page.getByLabel('Type store to confirm').fill('store');
    await remove.click();
    await toast('The app store is deleted.');
    assert.equal((await call()).status, 404);
  });

  await step('logging out ends the session', async () => {
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    await look(page, '24-log-in');
    await page.goBack();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
  });

  assert.deepEqual(complaints, [], 'the browser had nothing to complain about');
});
