// What page loads share: a lost session leads to the login and back, a problem becomes the error page.
import { error, isHttpError, isRedirect, redirect } from '@sveltejs/kit';
import { resolve } from '$app/paths';

import { Problem } from './api';

/** Runs a load; `path` is where to come back to after a login. */
export async function loading<T>(location: URL, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw translated(cause, location);
  }
}

/** A part that a page can do without: the problem instead, to be shown in its place. */
export async function part<T>(work: Promise<T>): Promise<T | Problem> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof Problem && cause.status !== 401) return cause;
    throw cause;
  }
}

function translated(cause: unknown, location: URL): unknown {
  if (isRedirect(cause) || isHttpError(cause) || !(cause instanceof Problem)) return cause;
  if (cause.status === 401) return redirection(loginPath(location));
  return httpError(cause);
}

export function loginPath(location: URL): string {
  const next = location.pathname + location.search;
  const query = next === resolve('/') ? '' : `?${new URLSearchParams({ next }).toString()}`;
  return resolve('/login') + query;
}

/** Only paths of the dashboard are gone back to. */
export function nextPath(location: URL): string {
  const next = location.searchParams.get('next') ?? '';
  const home = resolve('/');
  return next.startsWith(`${home.replace(/\/$/, '')}/`) && !next.includes('\\') ? next : home;
}

// `redirect` and `error` throw; what they throw is wanted as a value here.
function redirection(path: string): unknown {
  return thrown(() => redirect(307, path));
}

function httpError(problem: Problem): unknown {
  const status = problem.status >= 400 ? problem.status : 503;
  return thrown(() => error(status, { message: problem.detail, code: problem.code }));
}

function thrown(work: () => never): unknown {
  try {
    return work();
  } catch (value) {
    return value;
  }
}
