// A script whose page wants the dashboard: from the same host, from a sibling name, from another port. It reads nothing
// and changes nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Api, PASSWORD, USERNAME } from './api.js';
import { startBrowser, startServer } from './server.js';

const ADMIN = { PICLOUD_ADMIN_USERNAME: USERNAME, PICLOUD_ADMIN_PASSWORD: PASSWORD };

/** @type {import('./server.js').Server} */ let server;
/** @type {import('./server.js').Server} */ let neighbour;
/** @type {import('playwright-core').Browser} */ let browser;
/** @type {Api} */ let api;

before(async () => {
  [server, neighbour] = await Promise.all([startServer([], ADMIN), startServer([], ADMIN)]);
  browser = await startBrowser([
    '--host-resolver-rules=MAP cloud.test 127.0.0.1, MAP *.cloud.test 127.0.0.1'
  ]);
  api = await Api.login(server.url);
});

after(async () => {
  await browser?.close();
  await Promise.all([server?.stop(), neighbour?.stop()]);
});

/**
 * The page of the attack. Everything it learns is put into its text.
 * @param {string} target origin of the dashboard
 */
function attack(target) {
  return `
    const learned = {};
    const note = (name, value) => { learned[name] = String(value).slice(0, 400); };
    const attempt = async (name, work) => {
      try { note(name, await work()); } catch (error) { note(name, 'refused: ' + error.name); }
    };
    const api = '${target}/api/v1/admin';
    const json = { 'content-type': 'application/json', 'x-picloud-request': '1' };
    const wait = (ms) => new Promise((done) => setTimeout(done, ms));
    addEventListener('load', async () => {
      await attempt('cookie', () => document.cookie);
      await attempt('localStorage', () => JSON.stringify(localStorage));
      await attempt('read', async () => (await fetch(api + '/apps', { credentials: 'include' })).text());
      await attempt('readBlind', async () => (await fetch(api + '/apps', { credentials: 'include', mode: 'no-cors' })).text());
      await attempt('write', async () =>
        (await fetch(api + '/apps', { method: 'POST', credentials: 'include', headers: json, body: '{"slug":"stolen"}' })).text());
      await attempt('writeBlind', async () =>
        (await fetch(api + '/apps', { method: 'POST', credentials: 'include', mode: 'no-cors', body: '{"slug":"stolen"}' })).text());
      await attempt('beacon', () => navigator.sendBeacon(api + '/apps', new Blob(['{"slug":"stolen"}'], { type: 'text/plain' })));
      await attempt('worker', async () => (await navigator.serviceWorker.register('/worker.js', { scope: '/' })).scope);
      await attempt('tossed', () => { document.cookie = 'picloud_session=pcs_evil; path=/'; document.cookie = 'picloud_session=pcs_evil; path=/; domain=cloud.test'; return document.cookie; });
      await attempt('opener', () => window.opener && window.opener.document.body.innerText);
      await attempt('base', () => { const base = document.createElement('base'); base.href = '${target}/admin/'; document.head.append(base); return 'set'; });
      await attempt('frame', async () => {
        const frame = document.createElement('iframe');
        frame.src = '${target}/admin/';
        document.body.append(frame);
        await wait(700);
        return frame.contentDocument ? 'document: ' + frame.contentDocument.body.innerText : 'no document';
      });
      await attempt('popup', async () => {
        const popup = window.open('${target}/admin/', 'popup');
        await wait(700);
        return popup ? 'popup: ' + popup.document.body.innerText : 'no popup';
      });
      await attempt('form', async () => {
        const form = document.createElement('form');
        form.method = 'post'; form.action = api + '/apps'; form.enctype = 'text/plain'; form.target = 'sink';
        const field = document.createElement('input');
        field.name = '{"slug":"stolen","x":"'; field.value = '"}';
        form.append(field);
        const sink = document.createElement('iframe'); sink.name = 'sink';
        document.body.append(sink, form);
        form.submit();
        await wait(500);
        return 'sent';
      });
      const out = document.createElement('pre');
      out.id = 'learned';
      out.textContent = JSON.stringify(learned);
      document.body.append(out);
    });`;
}

/** @param {string} target */
function script(target) {
  const page = `<!doctype html><title>kind page</title><body><script>${attack(target)}</script>`;
  return [
    'if ctx.path.ends_with(".js") {',
    '    return response(200, "self.addEventListener(`fetch`, () => {})")',
    '        .type("text/javascript").header("service-worker-allowed", "/");',
    '}',
    `response(200, ##"${page}"##)`,
    '    .type("text/html; charset=utf-8")',
    `    .header("content-security-policy", "default-src * 'unsafe-inline'")`,
    '    .header("service-worker-allowed", "/")',
    '    .header("set-cookie", "other=1; Path=/")'
  ].join('\n');
}

/**
 * Logs in to the dashboard at one origin, then shows the hostile page in the same browser.
 * @param {string} dashboard
 * @param {string} hostile
 */
async function visit(dashboard, hostile) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${dashboard}/admin/`);
  await page.getByLabel('User name').fill(USERNAME);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Apps' }).waitFor();
  const before = await api.state();
  const secrets = (await context.cookies()).map((cookie) => cookie.value);
  assert.ok(
    secrets.some((value) => value.startsWith('pcs_')),
    'the browser is logged in'
  );

  const evil = await context.newPage();
  await evil.goto(hostile);
  const text = (await evil.locator('#learned').textContent({ timeout: 15_000 })) ?? '';
  const learned = JSON.parse(text);
  assert.equal(await api.state(), before, 'nothing has changed');
  for (const secret of [...secrets, 'hello', 'Endpoints', USERNAME, 'next_cursor']) {
    assert.ok(!text.includes(secret), `the page learned ${secret}: ${text}`);
  }
  await page.reload();
  await page.getByRole('heading', { name: 'Apps' }).waitFor();
  assert.equal(
    await page.evaluate(async () => (await navigator.serviceWorker?.getRegistrations())?.length ?? 0),
    0
  );
  await context.close();
  return learned;
}

test('from the same host', async () => {
  const origin = `http://localhost:${server.url.port}`;
  const id = await api.addScript('hello', 'evil', '/evil', script(origin));
  await api.call('POST', `/scripts/${id}/routes`, { method: 'GET', path: '/worker.js' });
  const learned = await visit(origin, `${origin}/evil`);
  // The sandbox gives the page an origin of its own, whatever policy the script asked for.
  for (const name of ['cookie', 'localStorage', 'read', 'write', 'worker', 'frame', 'popup']) {
    assert.match(learned[name], /^(refused: |no document)/, `${name}: ${learned[name]}`);
  }
});

test('from a sibling name', async () => {
  const origin = `http://cloud.test:${server.url.port}`;
  await api.deploy('sibling', 'evil.cloud.test', '/evil', script(origin));
  const learned = await visit(origin, `http://evil.cloud.test:${server.url.port}/evil`);
  for (const name of ['read', 'write', 'popup'])
    assert.match(learned[name], /^refused: /, `${name}: ${learned[name]}`);
});

test('from another port', async () => {
  const origin = `http://localhost:${server.url.port}`;
  const other = await Api.login(neighbour.url);
  await other.addScript('hello', 'evil', '/evil', script(origin));
  const learned = await visit(origin, `http://localhost:${neighbour.url.port}/evil`);
  for (const name of ['read', 'write', 'popup'])
    assert.match(learned[name], /^refused: /, `${name}: ${learned[name]}`);
});
