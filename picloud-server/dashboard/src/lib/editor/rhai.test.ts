import { StringStream } from '@codemirror/language';
import { describe, expect, it } from 'vitest';

import { format } from './format';
import { startState, token } from './rhai';

/** `style:text` of every token that has a style. */
function tokens(source: string): string[] {
  const state = startState();
  const found: string[] = [];
  for (const line of source.split('\n')) {
    const stream = new StringStream(line, 4, 4);
    while (!stream.eol()) {
      const style = token(stream, state);
      expect(stream.pos, `no progress in ${line} at ${stream.start}`).toBeGreaterThan(stream.start);
      if (style !== null) found.push(`${style}:${stream.current()}`);
      stream.start = stream.pos;
    }
  }
  return found;
}

describe('tokens', () => {
  it.each<[string, string[]]>([
    ['let x = 1_000;', ['keyword:let', 'variable:x', 'operator:=', 'number:1_000', 'punctuation:;']],
    ['0xfF 0b10 1.5e-3', ['number:0xfF', 'number:0b10', 'number:1.5e-3']],
    ['0..10', ['number:0', 'operator:..', 'number:10']],
    ['"a\\"b" + \'c\'', ['string:"a\\"b"', 'operator:+', "character:'c'"]],
    ['ctx.params.name', ['context:ctx', 'operator:.', 'property:params', 'operator:.', 'property:name']],
    [
      'log::info(x)',
      ['namespace:log', 'operator:::', 'function:info', 'bracket:(', 'variable:x', 'bracket:)']
    ],
    ['#{ a: 1 }', ['brace:#{', 'property:a', 'operator::', 'number:1', 'bracket:}']],
    ['x.if', ['variable:x', 'operator:.', 'property:if']],
    ['print(1) // done', ['builtin:print', 'bracket:(', 'number:1', 'bracket:)', 'comment:// done']],
    ['true', ['atom:true']],
    ['/* a /* b */ c */ 1', ['comment:/* a /* b */ c */', 'number:1']],
    ['#"a "b" c"# 1', ['string:#"a "b" c"#', 'number:1']],
    ['##"a"# b"## 1', ['string:##"a"# b"##', 'number:1']]
  ])('of %s', (source, expected) => {
    expect(tokens(source)).toEqual(expected);
  });

  it('follow interpolations into their braces and out again', () => {
    expect(tokens('`a ${b + #{c: `${d}`}.c} e` 1')).toEqual([
      'string:`a ',
      'special:${',
      'variable:b',
      'operator:+',
      'brace:#{',
      'property:c',
      'operator::',
      'string:`',
      'special:${',
      'variable:d',
      'special:}',
      'string:`',
      'bracket:}',
      'operator:.',
      'property:c',
      'special:}',
      'string: e`',
      'number:1'
    ]);
  });

  it('go on over lines in comments, templates, raw strings and continued strings', () => {
    expect(tokens('/* a\nlet */ 1')).toEqual(['comment:/* a', 'comment:let */', 'number:1']);
    expect(tokens('`a\nlet` 1')).toEqual(['string:`a', 'string:let`', 'number:1']);
    expect(tokens('#"a\nlet"# 1')).toEqual(['string:#"a', 'string:let"#', 'number:1']);
    expect(tokens('"a\\\nlet" 1')).toEqual(['string:"a\\', 'string:let"', 'number:1']);
  });

  it('of an unfinished string end with its line', () => {
    expect(tokens('"a\nlet')).toEqual(['string:"a', 'keyword:let']);
  });
});

describe('formatting', () => {
  it.each<[string, string, string]>([
    ['blocks', 'if x {\ny();\n} else {\n  z();   \n}', 'if x {\n    y();\n} else {\n    z();\n}\n'],
    [
      'brackets that open together',
      'f(#{\na: 1,\nb: [\n2\n]\n})',
      'f(#{\n    a: 1,\n    b: [\n        2\n    ]\n})\n'
    ],
    ['chains', 'response(200)\n.header("a", "b")', 'response(200)\n    .header("a", "b")\n'],
    ['switches', 'switch x {\n1 => { a() }\n_ => b()\n}', 'switch x {\n    1 => { a() }\n    _ => b()\n}\n'],
    ['texts as they are', 'if x {\n`  a  \n  b ${1}  \n`\n}', 'if x {\n    `  a  \n  b ${1}  \n`\n}\n'],
    ['comments as they are', '  /* a\n      b */\nlet x = 1;', '/* a\n      b */\nlet x = 1;\n'],
    ['brackets in texts and comments', '"{" // {\n\'[\'\n1', '"{" // {\n\'[\'\n1\n'],
    ['more closed than opened', '}\n)\na', '}\n)\na\n'],
    ['empty lines', 'a {\n   \n\nb\n}\n\n\n', 'a {\n\n\n    b\n}\n']
  ])('of %s', (_, source, expected) => {
    expect(format(source)).toBe(expected);
    expect(format(expected), 'is done once').toBe(expected);
  });
});
