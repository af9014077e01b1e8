import { expect, it } from 'vitest';

import { Definitions, nameAt, prefixOf, shortName } from './definitions';

const definition = (name: string) => ({ name, kind: 'function' as const, signature: name, doc: '' });

it('groups by what stands before the name', () => {
  const all = new Definitions(['log::info', 'log::warn', 'ctx.path', 'html', 'html'].map(definition));
  expect(all.after('log::').map((each) => each.name)).toEqual(['log::info', 'log::warn']);
  expect(all.after('ctx.')).toHaveLength(1);
  expect(all.of('html')).toHaveLength(2);
  expect(all.of('info')).toHaveLength(0);
  expect(all.modules).toEqual(['log']);
  expect(new Definitions(['Response.header', 'ctx.path'].map(definition)).members).toHaveLength(1);
});

it.each([
  ['log::info', 'log::', 'info'],
  ['ctx.params', 'ctx.', 'params'],
  ['html', '', 'html']
])('splits %s', (name, prefix, short) => {
  expect([prefixOf(name), shortName(name)]).toEqual([prefix, short]);
});

it.each<[string, number, string | undefined]>([
  ['let x = log::info("a")', 14, 'log::info'],
  ['let x = log::info("a")', 9, 'log'],
  ['ctx.params.name', 6, 'ctx.params'],
  ['ctx.params.name', 15, 'ctx.params.name'],
  ['1 + 2', 2, undefined]
])('finds the name in %s at %d', (line, column, name) => {
  expect(nameAt(line, column)?.name).toBe(name);
});
