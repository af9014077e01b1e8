// The API with a bearer token: what happens beside the browser.
import assert from 'node:assert/strict';
import { request } from 'node:http';

export const USERNAME = 'ada';
export const PASSWORD = 'correct horse battery';

export class Api {
  /**
   * @param {URL} url
   * @param {string} token
   */
  constructor(url, token) {
    this.url = url;
    this.token = token;
  }

  /** @param {URL} url */
  static async login(url) {
    const body = JSON.stringify({ username: USERNAME, password: PASSWORD });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(new URL('/api/v1/admin/auth/login', url), { method: 'POST', headers, body });
    assert.equal(response.status, 200);
    return new Api(url, (await response.json()).token);
  }

  /**
   * @param {string} method
   * @param {string} path below the admin API
   * @param {unknown} [body]
   */
  async call(method, path, body) {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' };
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    const response = await fetch(new URL(`/api/v1/admin${path}`, this.url), init);
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /**
   * An app with one script and its route; gives the script's id.
   * @param {string} app
   * @param {string} domain
   * @param {string} path
   * @param {string} source
   */
  async deploy(app, domain, path, source) {
    await this.call('POST', '/apps', { slug: app });
    await this.call('POST', `/apps/${app}/domains`, { pattern: domain });
    return this.addScript(app, 'page', path, source);
  }

  /**
   * @param {string} app
   * @param {string} name
   * @param {string} path
   * @param {string} source
   */
  async addScript(app, name, path, source) {
    const { id } = await this.call('POST', `/apps/${app}/scripts`, { name, source });
    await this.call('POST', `/scripts/${id}/routes`, { method: 'GET', path });
    return /** @type {string} */ (id);
  }

  /** Everything that an attack could change, as text. */
  async state() {
    const apps = (await this.call('GET', '/apps')).items;
    const parts = await Promise.all(
      apps.map(async (/** @type {{slug: string}} */ { slug }) => [
        slug,
        await this.call('GET', `/apps/${slug}/scripts`),
        await this.call('GET', `/apps/${slug}/routes`),
        await this.call('GET', `/apps/${slug}/domains`)
      ])
    );
    return JSON.stringify([parts, (await this.call('GET', '/admins')).items]);
  }
}

/**
 * A request to a host that needs no name service.
 * @param {URL} server
 * @param {string} host
 * @param {string} path
 * @returns {Promise<{status: number, body: string}>}
 */
export function get(server, host, path) {
  return new Promise((resolve, reject) => {
    const headers = { host: `${host}:${server.port}` };
    const sent = request({ host: server.hostname, port: server.port, path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part) => (body += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject);
    sent.end();
  });
}
