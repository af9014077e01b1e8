// The request of a test run: as it is typed, as it is sent, and those that were sent before.
import type { RunInput } from '$lib/api';

/** A request as it is typed. */
export interface Draft {
  method: string;
  /** Path, and query behind `?`. */
  target: string;
  /** `name: value` lines. */
  headers: string;
  body: string;
}

export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

const KEPT = 12;

export const emptyDraft = (method = 'GET', target = '/'): Draft => ({
  method,
  target,
  headers: '',
  body: ''
});

/** `name: value` lines as a map; the first line that is not one is told by its number. */
export function parseHeaders(text: string): { headers: Record<string, string> } | { line: number } {
  const headers: Record<string, string> = {};
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '') continue;
    const found = line.match(/^([!#$%&'*+.^_`|~\w-]+)\s*:\s*(.*)$/);
    if (found?.[1] === undefined) return { line: index + 1 };
    headers[found[1].toLowerCase()] = found[2] ?? '';
  }
  return { headers };
}

/** What is sent for a draft whose headers are valid. JSON is said to be JSON where nothing else is said. */
export function toRequest(draft: Draft, headers: Record<string, string>): RunInput {
  const [path = '', ...rest] = draft.target.split('?');
  const withType =
    draft.body !== '' && headers['content-type'] === undefined
      ? { ...headers, 'content-type': isJson(draft.body) ? 'application/json' : 'text/plain; charset=utf-8' }
      : headers;
  const body = draft.body === '' ? null : draft.body;
  return {
    method: draft.method,
    path: path === '' ? '/' : path,
    headers: withType,
    query: rest.join('?'),
    body
  };
}

export function isJson(text: string): boolean {
  if (!/^\s*[[{"]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A body as it is pleasant to read: JSON is indented. Big numbers stay as they are written, so the text is not rebuilt. */
export function pretty(body: string, type: string): string {
  if (!/\bjson\b/.test(type) || !isJson(body)) return body;
  return indentJson(body);
}

/** Indents JSON without reading its values: 64-bit integers would lose digits. */
export function indentJson(text: string): string {
  let out = '';
  let depth = 0;
  const newline = () => `\n${'  '.repeat(depth)}`;
  const parts = text.match(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g) ?? [];
  for (const [index, part] of parts.entries()) {
    const next = parts[index + 1] ?? '';
    if (part === '{' || part === '[') {
      const empty = next === '}' || next === ']';
      depth += 1;
      out += empty ? part : part + newline();
    } else if (part === '}' || part === ']') {
      depth -= 1;
      const before = parts[index - 1] ?? '';
      out += before === '{' || before === '[' ? part : newline() + part;
    } else if (part === ',') out += part + newline();
    else if (part === ':') out += ': ';
    else out += part;
  }
  return out;
}

/** The requests with one more: newest first, each once. */
export function remember(list: readonly Draft[], draft: Draft): Draft[] {
  const key = JSON.stringify(draft);
  return [draft, ...list.filter((each) => JSON.stringify(each) !== key)].slice(0, KEPT);
}

const storageKey = (script: string): string => `picloud:requests:${script}`;

/** Recent requests of a script, kept in this browser. */
export function recent(script: string): Draft[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(storageKey(script)) ?? '[]');
    return Array.isArray(list) ? list.filter(isDraft) : [];
  } catch {
    return [];
  }
}

export function keep(script: string, list: readonly Draft[]): void {
  try {
    localStorage.setItem(storageKey(script), JSON.stringify(list));
  } catch {
    // Storage is full or switched off: only the convenience is lost.
  }
}

function isDraft(value: unknown): value is Draft {
  if (typeof value !== 'object' || value === null) return false;
  const draft = value as Record<string, unknown>;
  return ['method', 'target', 'headers', 'body'].every((name) => typeof draft[name] === 'string');
}
