// Rhai for CodeMirror: words, strings with interpolation, nested comments, and where lines are indented.
import type { StreamParser, StringStream } from '@codemirror/language';

const KEYWORDS = new Set(
  'let const if else switch while loop do until for in break continue return throw try catch fn private as import export'.split(
    ' '
  )
);
const ATOMS = new Set(['true', 'false', 'this', 'global']);
// Words that Rhai keeps to itself, and those that are functions but built into the language.
const BUILTINS = new Set('Fn call curry is_def_fn is_def_var is_shared type_of print debug'.split(' '));
export const RESERVED = [...KEYWORDS, ...ATOMS];

const OPENING = '([{';
const CLOSING = ')]}';

export interface State {
  /** Depth of nested block comments. */
  comment: number;
  /** Inside a raw string `#"…"#`: how many `#` end it. */
  raw: number;
  /** Inside a string that goes on after a `\` at the end of its line. */
  string: boolean;
  /** Open brackets: the line each stands on. `-1` is a template, `-2` an interpolation in one. */
  open: number[];
  line: number;
}

const TEMPLATE = -1;
const INTERPOLATION = -2;

export const startState = (): State => ({ comment: 0, raw: 0, string: false, open: [], line: 0 });

const inTemplate = (state: State): boolean => state.open.at(-1) === TEMPLATE;

/** Whether a line that starts in this state is text or comment, whose spaces are not ours to change. */
export const startsInText = (state: State): boolean =>
  state.comment > 0 || state.raw > 0 || state.string || inTemplate(state);

export function token(stream: StringStream, state: State): string | null {
  if (stream.sol()) state.line += 1;
  if (state.comment > 0) return comment(stream, state);
  if (state.raw > 0) return rawString(stream, state);
  if (state.string) return string(stream, state);
  if (inTemplate(state)) return template(stream, state);
  if (stream.eatSpace()) return null;
  return code(stream, state);
}

function code(stream: StringStream, state: State): string | null {
  if (stream.match('//')) {
    stream.skipToEnd();
    return 'comment';
  }
  if (stream.match('/*')) {
    state.comment = 1;
    return comment(stream, state);
  }
  const raw = stream.match(/^(#+)"/) as RegExpMatchArray | null;
  if (raw !== null) {
    state.raw = raw[1]?.length ?? 1;
    return rawString(stream, state);
  }
  if (stream.match('"')) return string(stream, state);
  if (stream.match(/^'(?:[^'\\]|\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.))'/))
    return 'character';
  if (stream.match('`')) {
    state.open.push(TEMPLATE);
    return template(stream, state, true);
  }
  if (stream.match(/^(?:0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?)/))
    return 'number';
  if (stream.match(/^[A-Za-z_]\w*/)) return word(stream);
  if (stream.match('#{')) {
    state.open.push(state.line);
    return 'brace';
  }
  return symbol(stream, state);
}

function symbol(stream: StringStream, state: State): string | null {
  const char = stream.next() ?? '';
  if (OPENING.includes(char)) {
    state.open.push(state.line);
    return 'bracket';
  }
  if (CLOSING.includes(char)) {
    const interpolation = state.open.at(-1) === INTERPOLATION;
    if (!interpolation || char === '}') state.open.pop();
    return interpolation && char === '}' ? 'special' : 'bracket';
  }
  if (/[+\-*/%=<>!&|^~?:.$]/.test(char)) {
    stream.eatWhile(/[+\-*/%=<>!&|^?:.]/);
    return 'operator';
  }
  return char === ',' || char === ';' ? 'punctuation' : null;
}

function word(stream: StringStream): string {
  const name = stream.current();
  const before = stream.string.slice(0, stream.start);
  const member = /(?:^|[^.])\.\s*$|\?\.\s*$/.test(before);
  if (!member && KEYWORDS.has(name)) return 'keyword';
  if (!member && ATOMS.has(name)) return 'atom';
  if (stream.match(/^\s*::/, false)) return 'namespace';
  if (stream.match(/^\s*\(/, false)) return BUILTINS.has(name) && !member ? 'builtin' : 'function';
  if (stream.match(/^\s*:(?!:)/, false) && /[{,]\s*$|^\s*$/.test(before)) return 'property';
  if (member) return 'property';
  return name === 'ctx' ? 'context' : 'variable';
}

function comment(stream: StringStream, state: State): string {
  while (!stream.eol()) {
    if (stream.match('/*')) state.comment += 1;
    else if (stream.match('*/')) {
      state.comment -= 1;
      if (state.comment === 0) break;
    } else stream.next();
  }
  return 'comment';
}

function rawString(stream: StringStream, state: State): string {
  const end = `"${'#'.repeat(state.raw)}`;
  if (stream.skipTo(end)) {
    stream.match(end);
    state.raw = 0;
  } else stream.skipToEnd();
  return 'string';
}

function string(stream: StringStream, state: State): string {
  state.string = false;
  for (;;) {
    const char = stream.next();
    if (char === undefined || char === '"') return 'string';
    if (char === '\\') {
      if (stream.eol()) {
        state.string = true;
        return 'string';
      }
      stream.next();
    }
  }
}

/** The text of a template up to its end, its next interpolation, or the end of the line. */
function template(stream: StringStream, state: State, opened = false): string {
  if (!opened && stream.match('${')) {
    state.open.push(INTERPOLATION);
    return 'special';
  }
  while (!stream.eol()) {
    if (stream.match('${', false)) return 'string';
    const char = stream.next();
    if (char === '\\') stream.next();
    else if (char === '`') {
      state.open.pop();
      return 'string';
    }
  }
  return 'string';
}

/** Steps of indentation of a line that starts in this state with `text`: one for each line with open brackets. */
export function depth(state: State, text: string): number {
  const open = [...state.open];
  for (const char of text.match(/^[)\]}\s]*/)?.[0] ?? '') if (CLOSING.includes(char)) open.pop();
  const lines = new Set(open.filter((line) => line >= 0));
  const continues = /^(?:\.[A-Za-z_]|\?\.|\|\||&&|\?\?|[+*/%] )/.test(text) ? 1 : 0;
  return lines.size + continues;
}

export const parser: StreamParser<State> = {
  name: 'rhai',
  startState,
  copyState: (state) => ({ ...state, open: [...state.open] }),
  token,
  blankLine: (state) => {
    state.line += 1;
  },
  indent: (state, text, context) => (startsInText(state) ? null : depth(state, text) * context.unit),
  languageData: {
    commentTokens: { line: '//', block: { open: '/*', close: '*/' } },
    closeBrackets: { brackets: ['(', '[', '{', '"', '`'] },
    indentOnInput: /^\s*[)\]}]$/
  }
};
