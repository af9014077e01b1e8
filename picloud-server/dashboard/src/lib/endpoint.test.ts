import { describe, expect, it } from 'vitest';

import type { Domain, Route } from './api';
import { authority, endpoints } from './endpoint';

const claim = (pattern: string): Domain => ({
  id: pattern,
  app_id: 'a',
  pattern,
  unicode: pattern,
  created_at: ''
});
const route = (method: string, path: string, enabled = true): Route => ({
  id: path,
  app_id: 'a',
  script_id: 's',
  method,
  path,
  enabled,
  version: 1,
  created_at: ''
});

describe('the host of an endpoint', () => {
  it.each([
    [['*'], 'here.test:8080'],
    [[], 'here.test:8080'],
    [['shop.test'], 'shop.test:8080'],
    [['*.shop.test', 'shop.test'], 'shop.test:8080'],
    [['{tenant}.shop.test'], 'here.test:8080'],
    [['shop.test', '*'], 'here.test:8080']
  ])('of %j is %s', (patterns, host) => {
    expect(authority(patterns.map(claim), 'here.test:8080')).toBe(host);
  });
});

it('only what GET reads and has nothing to fill in can be opened', () => {
  const list = [
    route('GET', '/'),
    route('ANY', '/a'),
    route('POST', '/b'),
    route('GET', '/c/:id'),
    route('GET', '/d/*rest'),
    route('GET', '/off', false)
  ];
  const found = endpoints(list, [claim('*')], new URL('http://h.test:1/admin/x'));
  expect(found.map((endpoint) => endpoint.open)).toEqual([true, true, false, false, false, false]);
  expect(found[3]?.url).toBe('http://h.test:1/c/:id');
});
