// The URLs at which a route can be called.
import type { Domain, Route } from './api';

const BODILESS = ['GET', 'HEAD', 'ANY'];

/** A host that a claim stands for, as a URL authority; `fallback` is where the server itself is reached. */
export function authority(claims: readonly Domain[], fallback: string): string {
  const exact = claims.find((claim) => !/[*{]/.test(claim.pattern));
  const any = claims.some((claim) => claim.pattern === '*');
  if (any || exact === undefined) return fallback;
  const port = fallback.match(/:\d+$/)?.[0] ?? '';
  return exact.pattern + port;
}

export interface Endpoint {
  route: Route;
  url: string;
  /** Whether the URL can be opened as it is: read by GET, and nothing to fill in. */
  open: boolean;
}

export function endpoints(list: readonly Route[], claims: readonly Domain[], origin: URL): Endpoint[] {
  const base = `${origin.protocol}//${authority(claims, origin.host)}`;
  return list.map((route) => ({
    route,
    url: base + route.path,
    open: route.enabled && BODILESS.includes(route.method) && !/\/[:*]/.test(route.path)
  }));
}
