// One request to the API: JSON in and out, problems as errors. The session is a cookie that scripts cannot read.

/** One thing that is wrong with an input. */
export interface FieldError {
  field: string;
  code: string;
  detail: string;
  line?: number;
  column?: number;
}

/** An answer of the API that is not a success (RFC 9457), or no answer at all (`status` 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly errors: FieldError[] = [],
    readonly requestId: string | undefined = undefined,
    readonly retryAfter: number | undefined = undefined
  ) {
    super(detail);
  }

  /** What is wrong with one field, if anything. */
  field(name: string): string | undefined {
    return this.errors.find((error) => error.field === name)?.detail;
  }
}

/** A thing with the tag of the state it was read in. */
export interface Tagged<T> {
  value: T;
  etag: string;
}

export type Query = Record<string, string | number | undefined>;

export interface Options {
  query?: Query;
  body?: unknown;
  /** Only change what still is in this state. */
  etag?: string;
  signal?: AbortSignal;
}

export const BASE = '/api/v1/admin';

/** Fills `{name}` and the query of a path below the admin API. */
export function url(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return search === '' ? path : `${path}?${search}`;
}

/** Sends one request; the answer is what the caller says it is. */
export async function send<T>(method: string, path: string, options: Options = {}): Promise<Tagged<T>> {
  const headers = new Headers({ accept: 'application/json', 'x-picloud-request': '1' });
  const init: RequestInit = { method, headers, credentials: 'same-origin', signal: options.signal ?? null };
  if (options.body !== undefined) {
    headers.set('content-type', 'application/json');
    init.body = JSON.stringify(options.body);
  }
  if (options.etag !== undefined) headers.set('if-match', options.etag);
  let response: Response;
  try {
    response = await fetch(url(path, options.query), init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0, 'unreachable', 'The server does not answer. Is it running?');
  }
  const text = await response.text();
  if (!response.ok) throw problem(response, text);
  return {
    value: (text === '' ? undefined : JSON.parse(text)) as T,
    etag: response.headers.get('etag') ?? ''
  };
}

function problem(response: Response, text: string): Problem {
  const retry = Number(response.headers.get('retry-after') ?? Number.NaN);
  let body: { code?: string; detail?: string; title?: string; errors?: FieldError[]; request_id?: string } =
    {};
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    // Not from PiCloud: a proxy in between.
  }
  const detail = body.detail ?? body.title ?? `The server answered ${response.status}.`;
  const wait = Number.isNaN(retry) ? undefined : retry;
  return new Problem(response.status, body.code ?? 'unknown', detail, body.errors, body.request_id, wait);
}
