// Row 67 (T16): a script whose page wants the dashboard, from the same host, from a sibling name, from another port. It
// reads nothing and changes nothing. Row 65 (T16): what scripts and callers say is text on every page that shows it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Api, PASSWORD, USERNAME, get } from './api.js';
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
 * A page of the dashboard at this origin, logged in.
 * @param {import('playwright-core').BrowserContext} context
 * @param {string} dashboard
 */
async function enter(context, dashboard) {
  const page = await context.newPage();
  await page.goto(`${dashboard}/admin/`);
  await page.getByLabel('User name').fill(USERNAME);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Apps' }).waitFor();
  return page;
}

/**
 * Logs in to the dashboard at one origin, then shows the hostile page in the same browser.
 * @param {string} dashboard
 * @param {string} hostile
 */
async function visit(dashboard, hostile) {
  const context = await browser.newContext();
  const page = await enter(context, dashboard);
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

test('row 67 from the same host', async () => {
  const origin = `http://localhost:${server.url.port}`;
  const id = await api.addScript('hello', 'evil', '/evil', script(origin));
  await api.call('POST', `/scripts/${id}/routes`, { method: 'GET', path: '/worker.js' });
  const learned = await visit(origin, `${origin}/evil`);
  // The sandbox gives the page an origin of its own, whatever policy the script asked for.
  for (const name of ['cookie', 'localStorage', 'read', 'write', 'worker', 'frame', 'popup']) {
    assert.match(learned[name], /^(refused: |no document)/, `${name}: ${learned[name]}`);
  }
});

test('row 67 from a sibling name', async () => {
  const origin = `http://cloud.test:${server.url.port}`;
  await api.deploy('sibling', 'evil.cloud.test', '/evil', script(origin));
  const learned = await visit(origin, `http://evil.cloud.test:${server.url.port}/evil`);
  for (const name of ['read', 'write', 'popup'])
    assert.match(learned[name], /^refused: /, `${name}: ${learned[name]}`);
});

test('row 67 from another port', async () => {
  const origin = `http://localhost:${server.url.port}`;
  const other = await Api.login(neighbour.url);
  await other.addScript('hello', 'evil', '/evil', script(origin));
  const learned = await visit(origin, `http://localhost:${neighbour.url.port}/evil`);
  for (const name of ['read', 'write', 'popup'])
    assert.match(learned[name], /^refused: /, `${name}: ${learned[name]}`);
});

/** What would act, if it were more than text. */
const PAYLOADS = [
  '<img src="x" onerror="window.hacked = 1">',
  '</script><script>window.hacked = 1</script>',
  '"><svg onload="window.hacked = 1">',
  '<iframe srcdoc="<script>parent.hacked = 1</script>"></iframe>',
  '<a href="javascript:window.hacked = 1">hacked</a>',
  "{{constructor.constructor('window.hacked = 1')()}}",
  '\u001b[31mred\u001b]0;title\u0007',
  'one\r\ntwo: hacked'
];

test('row 65 what scripts and callers say is text', async () => {
  const origin = `http://localhost:${server.url.port}`;
  const lines = JSON.stringify(PAYLOADS);
  const source = `// ${PAYLOADS.slice(0, 6).join(' ')}\nfor text in ${lines} { log::warn(text, #{ text: text }); }\nthrow ${JSON.stringify(PAYLOADS[0])}`;
  await api.call('POST', '/apps', { slug: 'says' });
  await api.call('POST', '/apps/says/domains', { pattern: 'says.test' });
  const { id } = await api.call('POST', '/apps/says/scripts', { name: 'says', source });
  await api.call('POST', `/scripts/${id}/routes`, { method: 'GET', path: '/*rest' });
  const asked = await get(server.url, 'says.test', `/${encodeURIComponent(PAYLOADS[0])}`);
  assert.equal(asked.status, 500);

  // The list of sessions shows what browsers call themselves, the audit trail what was refused.
  const context = await browser.newContext({ userAgent: PAYLOADS[0] });
  await assert.rejects(api.call('POST', '/apps/says/domains', { pattern: PAYLOADS[0] }), /422/);
  const page = await enter(context, origin);
  const open = async (/** @type {string} */ path) => {
    await page.goto(`${origin}/admin${path}`, { waitUntil: 'networkidle' });
    await assertInert(page, path);
  };
  await page.goto(`${origin}/admin/apps/says/logs`);
  await page.getByText(PAYLOADS[0]).first().waitFor();
  await assertInert(page, 'logs');
  await page.getByText(PAYLOADS[0]).first().click();
  await page.getByRole('dialog').getByText(PAYLOADS[1]).first().waitFor();
  await assertInert(page, 'one run');
  for (const path of ['', '/scripts', `/scripts/${id}`, `/scripts/${id}/versions`, '/routes', '/settings'])
    await open(`/apps/says${path}`);
  for (const path of ['/', '/sessions', '/audit', '/admins', '/settings', '/about']) await open(path);
  await page.goto(`${origin}/admin/sessions`);
  await page.getByText('onerror').first().waitFor();
  await context.close();
});

/**
 * Nothing of what was said has become a part of the page.
 * @param {import('playwright-core').Page} page
 * @param {string} place
 */
async function assertInert(page, place) {
  const found = await page.evaluate(() => {
    const parts = [...document.querySelectorAll('*')];
    const isFromText = (/** @type {Element} */ part) =>
      [...part.attributes].some(({ name, value }) => name.startsWith('on') || /^javascript:/.test(value)) ||
      (part.localName === 'script' && part.textContent?.includes('hacked')) ||
      (part.localName === 'iframe' && part.getAttribute('srcdoc')?.includes('hacked'));
    return { hacked: 'hacked' in window, parts: parts.filter(isFromText).map((part) => part.outerHTML) };
  });
  assert.deepEqual(found, { hacked: false, parts: [] }, place);
}
