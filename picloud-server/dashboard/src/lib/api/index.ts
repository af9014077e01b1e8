// Every call of the dashboard to the API, by name.
import { BASE, send, type Tagged } from './client';
import type {
  AdminAccount,
  App,
  AuditEntry,
  Config,
  Definition,
  Diagnostic,
  Domain,
  Execution,
  Found,
  LimitOverrides,
  Me,
  Page,
  Route,
  RouteCheck,
  RunRequest,
  RunResult,
  Script,
  ScriptInput,
  ScriptSummary,
  Schemas,
  ScriptVersion,
  SessionInfo,
  Stats,
  VersionInfo
} from './types';

export { Problem, type Tagged } from './client';
export type * from './types';

const id = encodeURIComponent;

async function value<T>(method: string, path: string, options: Parameters<typeof send>[2] = {}): Promise<T> {
  return (await send<T>(method, BASE + path, options)).value;
}

/** All items of a list, page by page. */
async function all<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<T> = await value<Page<T>>('GET', path, { query: { limit: 200, cursor } });
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}

const tagged = <T>(path: string): Promise<Tagged<T>> => send<T>('GET', BASE + path);
const remove = (path: string, etag?: string): Promise<void> =>
  value('DELETE', path, etag === undefined ? {} : { etag });

export const auth = {
  setup: (body: { token: string; username: string; password: string }) =>
    value<unknown>('POST', '/setup', { body }),
  // The answer also holds the token; only the cookie is used.
  login: async (username: string, password: string): Promise<void> => {
    await value('POST', '/auth/login', { body: { username, password } });
  },
  logout: () => value<undefined>('POST', '/auth/logout'),
  me: () => value<Me>('GET', '/auth/me'),
  sessions: () => all<SessionInfo>('/auth/sessions'),
  endSession: (session: string) => remove(`/auth/sessions/${id(session)}`)
};

export const apps = {
  list: () => all<App>('/apps'),
  read: (app: string) => tagged<App>(`/apps/${id(app)}`),
  create: (slug: string) => value<App>('POST', '/apps', { body: { slug } }),
  rename: (app: string, slug: string, etag: string) =>
    value<App>('PATCH', `/apps/${id(app)}`, { body: { slug }, etag }),
  setLimits: (app: string, limits: LimitOverrides, etag: string) =>
    value<App>('PATCH', `/apps/${id(app)}`, { body: { limits }, etag }),
  remove: (app: string, etag: string) => remove(`/apps/${id(app)}`, etag),
  stats: (app: string, since: string) => value<Stats>('GET', `/apps/${id(app)}/stats`, { query: { since } }),
  run: (app: string, body: RunRequest) => value<RunResult>('POST', `/apps/${id(app)}/run`, { body })
};

export const domains = {
  list: (app: string) => all<Domain>(`/apps/${id(app)}/domains`),
  claim: (app: string, pattern: string) =>
    value<Domain>('POST', `/apps/${id(app)}/domains`, { body: { pattern } }),
  release: (domain: string) => remove(`/domains/${id(domain)}`)
};

export const scripts = {
  list: (app: string) => all<ScriptSummary>(`/apps/${id(app)}/scripts`),
  read: (script: string) => tagged<Script>(`/scripts/${id(script)}`),
  create: (app: string, body: ScriptInput) => value<Script>('POST', `/apps/${id(app)}/scripts`, { body }),
  save: (script: string, body: ScriptInput, etag: string) =>
    send<Script>('PUT', `${BASE}/scripts/${id(script)}`, { body, etag }),
  remove: (script: string, etag: string) => remove(`/scripts/${id(script)}`, etag),
  check: async (source: string, signal?: AbortSignal): Promise<Diagnostic[]> => {
    const options = signal === undefined ? { body: { source } } : { body: { source }, signal };
    return (await value<{ diagnostics: Diagnostic[] }>('POST', '/scripts/check', options)).diagnostics;
  },
  versions: (script: string) => all<ScriptVersion>(`/scripts/${id(script)}/versions`),
  version: (script: string, version: number) =>
    value<Schemas['ScriptVersion']>('GET', `/scripts/${id(script)}/versions/${version}`),
  rollback: (script: string, version: number) =>
    value<Script>('POST', `/scripts/${id(script)}/rollback`, { body: { version } }),
  definitions: () => all<Definition>('/definitions')
};

export const routes = {
  list: (app: string) => all<Route>(`/apps/${id(app)}/routes`),
  create: (script: string, method: string, path: string) =>
    value<Route>('POST', `/scripts/${id(script)}/routes`, { body: { method, path } }),
  enable: (route: string, enabled: boolean) =>
    value<Route>('PATCH', `/routes/${id(route)}`, { body: { enabled } }),
  remove: (route: string) => remove(`/routes/${id(route)}`),
  check: (app: string, method: string, path: string, signal: AbortSignal) =>
    value<RouteCheck>('POST', `/apps/${id(app)}/routes/check`, { body: { method, path }, signal }),
  match: (method: string, url: string) => value<Found>('POST', '/match', { body: { method, url } })
};

export const logs = {
  list: (app: string, query: Record<string, string | undefined>) =>
    value<Page<Execution>>('GET', `/apps/${id(app)}/logs`, { query }),
  read: (app: string, run: string) => value<Execution>('GET', `/apps/${id(app)}/logs/${id(run)}`),
  stream: (app: string) => `${BASE}/apps/${id(app)}/logs/stream`
};

export const admins = {
  list: () => all<AdminAccount>('/admins'),
  create: (username: string, password: string) =>
    value<AdminAccount>('POST', '/admins', { body: { username, password } }),
  update: (admin: string, body: { password?: string; current_password?: string; active?: boolean }) =>
    value<AdminAccount>('PATCH', `/admins/${id(admin)}`, { body }),
  remove: (admin: string) => remove(`/admins/${id(admin)}`)
};

export const server = {
  config: () => value<Config>('GET', '/config'),
  /** Null takes a setting back to what the server was started with. */
  configure: (name: string, to: number | null) => value<Config>('PATCH', '/config', { body: { [name]: to } }),
  audit: (cursor?: string) => value<Page<AuditEntry>>('GET', '/audit', { query: { limit: 100, cursor } }),
  version: async (): Promise<VersionInfo> => (await send<VersionInfo>('GET', '/version')).value
};
