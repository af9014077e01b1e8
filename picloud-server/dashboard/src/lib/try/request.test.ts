import { describe, expect, it } from 'vitest';

import { emptyDraft, indentJson, parseHeaders, pretty, remember, toRequest } from './request';

describe('headers', () => {
  it('are one a line, names in lower case', () => {
    expect(parseHeaders('X-One: 1\n\n  b:two: three ')).toEqual({
      headers: { 'x-one': '1', b: 'two: three' }
    });
  });

  it.each([
    ['nonsense', 1],
    ['a: b\n: c', 2],
    ['a b: c', 1]
  ])('that are none are told by line: %j', (text, line) => {
    expect(parseHeaders(text)).toEqual({ line });
  });
});

describe('a request', () => {
  it('has path and query apart, as they are typed', () => {
    const request = toRequest(emptyDraft('GET', '/a%2Fb?x=1&y=a+b&x=2?'), {});
    expect(request).toMatchObject({ path: '/a%2Fb', query: 'x=1&y=a+b&x=2?', body: null, headers: {} });
  });

  it.each([
    ['{"a": 1}', {}, 'application/json'],
    ['{a', {}, 'text/plain; charset=utf-8'],
    ['{"a": 1}', { 'content-type': 'text/csv' }, 'text/csv']
  ])('with the body %s and headers %j is %s', (body, headers, type) => {
    expect(toRequest({ ...emptyDraft('POST'), body }, headers).headers?.['content-type']).toBe(type);
  });
});

describe('a body', () => {
  it('of JSON is indented, with every digit of its numbers', () => {
    expect(
      pretty('{"a":9223372036854775807,"b":[1,{"c":"x,{}\\""}],"d":{},"e":[]}', 'application/json')
    ).toBe(
      '{\n  "a": 9223372036854775807,\n  "b": [\n    1,\n    {\n      "c": "x,{}\\""\n    }\n  ],\n  "d": {},\n  "e": []\n}'
    );
  });

  it('of anything else stays', () => {
    expect(pretty('{"a":1}', 'text/plain')).toBe('{"a":1}');
    expect(pretty('{"a":', 'application/json')).toBe('{"a":');
  });

  it('indented again is the same', () => {
    const once = indentJson('[{"a":[true,null]}]');
    expect(indentJson(once)).toBe(once);
  });
});

it('requests are kept newest first, each once, and not for ever', () => {
  const list = Array.from({ length: 20 }, (_, index) => emptyDraft('GET', `/${index}`)).reduce<
    ReturnType<typeof emptyDraft>[]
  >(remember, []);
  expect(list).toHaveLength(12);
  expect(list[0]?.target).toBe('/19');
  expect(remember(list, emptyDraft('GET', '/15'))[0]?.target).toBe('/15');
  expect(remember(list, emptyDraft('GET', '/15'))).toHaveLength(12);
});
