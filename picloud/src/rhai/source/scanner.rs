//! Finds the subject of each `switch` in a script, by the lexical rules of Rhai.
//!
//! Where the script is not valid Rhai the scanner may be wrong; where it is valid it must see the tokens that Rhai
//! sees, or a script could hide a `switch`. The columns are Rhai's as well, with its oddities.

use std::{iter::Peekable, str::CharIndices};

use crate::{Diagnostic, Position, Severity};

const NO_BLOCKS: &str = "a switch cannot look at an expression with a block; put the value of this expression into a \
                         variable first";
const EMPTY_COMMENT: &str =
    "an empty comment cannot stand in a script with a switch; leave it out, or write `/* */`";

/// A place where text is to be inserted.
#[derive(Debug)]
pub(super) struct Mark {
    /// In bytes.
    pub(super) offset: usize,
    /// The line, and the column of the character after the place.
    pub(super) at: Position,
    /// Whether a subject starts here; otherwise one ends.
    pub(super) opens: bool,
    /// The column of the `switch`, or of the `{` after its subject.
    pub(super) shown: u32,
}

/// Why there are no marks.
#[derive(Debug)]
pub(super) enum End {
    /// This is no Rhai.
    Irregular,
    Refused(Diagnostic),
}

/// A word of the code: a name, a keyword, a number.
#[derive(Debug)]
pub(in crate::rhai) struct Word<'a> {
    pub(in crate::rhai) text: &'a str,
    /// In bytes.
    pub(in crate::rhai) offset: usize,
    pub(in crate::rhai) at: Position,
}

/// The words of a script's code, without those of texts and comments; `None` where it cannot be followed.
pub(in crate::rhai) fn words(source: &str) -> Option<Vec<Word<'_>>> {
    scan(source).ok().map(|scanner| scanner.words)
}

/// The start and the end of each subject, in the order of the source.
pub(super) fn subjects(source: &str) -> Result<Vec<Mark>, End> {
    scan(source).map(|scanner| scanner.marks)
}

fn scan(source: &str) -> Result<Scanner<'_>, End> {
    let mut scanner = Scanner {
        source,
        chars: source.char_indices().peekable(),
        at: Position { line: 1, column: 0 },
        open: Vec::new(),
        waiting: Vec::new(),
        after_value: false,
        marks: Vec::new(),
        words: Vec::new(),
    };
    scanner.code()?;
    if scanner.open.is_empty() && scanner.waiting.is_empty() { Ok(scanner) } else { Err(End::Irregular) }
}

struct Scanner<'a> {
    source: &'a str,
    chars: Peekable<CharIndices<'a>>,
    /// Of the last character read.
    at: Position,
    /// What closes the brackets around this place. `}` closes an interpolation as well, which is `` ` `` here.
    open: Vec<char>,
    /// For each `switch` whose subject has not ended, the number of brackets around it.
    waiting: Vec<usize>,
    /// Whether the last token can be the end of a value.
    after_value: bool,
    marks: Vec<Mark>,
    words: Vec<Word<'a>>,
}

impl Scanner<'_> {
    fn next(&mut self) -> Option<(usize, char)> {
        let next = self.chars.next();
        self.at.column += u32::from(next.is_some());
        next
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|&(_, c)| c)
    }

    fn next_if(&mut self, wanted: char) -> bool {
        self.peek() == Some(wanted) && self.next().is_some()
    }

    fn new_line(&mut self) {
        self.at = Position { line: self.at.line + 1, column: 0 };
    }

    /// Whether this place is in a subject, and in no brackets of it.
    fn in_subject(&self) -> bool {
        self.waiting.last() == Some(&self.open.len())
    }

    fn refuse(&self, at: Position, message: &str) -> End {
        let Position { line, column } = at;
        End::Refused(Diagnostic { line, column, severity: Severity::Error, message: message.to_owned() })
    }

    fn code(&mut self) -> Result<(), End> {
        while let Some((offset, c)) = self.next() {
            match c {
                '\n' => self.new_line(),
                _ if c.is_ascii_whitespace() => (),
                '/' if self.next_if('/') => self.line_comment(),
                '/' if self.next_if('*') => self.block_comment()?,
                '"' | '\'' => self.quoted(c)?,
                '`' => self.text_from_start()?,
                '#' => self.number_sign()?,
                '(' => self.bracket(')'),
                '[' => self.bracket(']'),
                '{' => self.brace(offset)?,
                ')' | ']' | '}' => self.close(c)?,
                ';' | ',' if self.in_subject() => return Err(End::Irregular),
                _ if is_of_word(c) => self.word(offset)?,
                _ => self.after_value = false,
            }
        }
        Ok(())
    }

    fn line_comment(&mut self) {
        while let Some((_, c)) = self.next() {
            if c == '\n' || c == '\r' {
                if c == '\r' {
                    self.next_if('\n');
                }
                return self.new_line();
            }
        }
    }

    /// One without an end reaches to the end of the script.
    fn block_comment(&mut self) -> Result<(), End> {
        let start = Position { column: self.at.column - 1, ..self.at };
        let mut depth = 1;
        let mut characters = 0;
        while depth > 0
            && let Some((_, c)) = self.next()
        {
            match c {
                '\n' => self.new_line(),
                '/' if self.next_if('*') => depth += 1,
                '*' if self.next_if('/') => {
                    depth -= 1;
                    // Rhai's feature `metadata` reads these as the start of a documentation comment.
                    if characters == 0 {
                        return Err(self.refuse(start, EMPTY_COMMENT));
                    }
                }
                _ => (),
            }
            characters += 1;
        }
        Ok(())
    }

    /// A string in double quotes or a character. Both have escapes, and both know a doubled quote.
    fn quoted(&mut self, quote: char) -> Result<(), End> {
        while let Some((_, c)) = self.next() {
            match c {
                '\\' => {
                    while self.peek() == Some('\r') {
                        self.next();
                    }
                    if let Some((_, '\n')) = self.next() {
                        self.new_line();
                    }
                }
                '\n' => return Err(End::Irregular),
                _ if c == quote && !self.next_if(quote) => {
                    self.after_value = true;
                    return Ok(());
                }
                _ => (),
            }
        }
        Err(End::Irregular)
    }

    /// A line break right after the opening quote is no part of the text.
    fn text_from_start(&mut self) -> Result<(), End> {
        let returns = self.next_if('\r');
        if self.next_if('\n') || returns {
            self.new_line();
        }
        self.text()
    }

    /// Text up to its closing quote, or up to code.
    fn text(&mut self) -> Result<(), End> {
        while let Some((_, c)) = self.next() {
            match c {
                '\n' => self.new_line(),
                '$' if self.next_if('{') => {
                    self.open.push('`');
                    self.after_value = false;
                    return Ok(());
                }
                // Before a brace the dollar is text, and counts for no column.
                '\\' if self.next_if('$') => self.at.column -= u32::from(self.peek() == Some('{')),
                '`' if !self.next_if('`') => {
                    self.after_value = true;
                    return Ok(());
                }
                _ => (),
            }
        }
        Err(End::Irregular)
    }

    /// A map, or a string as it stands between `#"` and `"#`.
    fn number_sign(&mut self) -> Result<(), End> {
        if self.next_if('{') {
            self.bracket('}');
            return Ok(());
        }
        let mut signs = 1;
        while self.next_if('#') {
            signs += 1;
        }
        if self.next_if('"') { self.raw(signs) } else { Err(End::Irregular) }
    }

    fn raw(&mut self, signs: usize) -> Result<(), End> {
        let mut seen = None;
        while let Some((_, c)) = self.next() {
            seen = match (c, seen) {
                ('"', _) => Some(0),
                ('#', Some(count)) if count + 1 == signs => {
                    self.after_value = true;
                    return Ok(());
                }
                ('#', Some(count)) => Some(count + 1),
                // A line break after a quote does not count.
                ('\n', None) => {
                    self.new_line();
                    None
                }
                _ => None,
            };
        }
        Err(End::Irregular)
    }

    fn bracket(&mut self, closer: char) {
        self.open.push(closer);
        self.after_value = false;
    }

    /// The first brace after a whole value ends the subject.
    fn brace(&mut self, offset: usize) -> Result<(), End> {
        if self.in_subject() {
            if !self.after_value {
                return Err(self.refuse(self.at, NO_BLOCKS));
            }
            self.waiting.pop();
            self.marks.push(Mark { offset, at: self.at, opens: false, shown: self.at.column });
        }
        self.bracket('}');
        Ok(())
    }

    fn close(&mut self, c: char) -> Result<(), End> {
        if self.in_subject() {
            return Err(End::Irregular);
        }
        self.after_value = true;
        match self.open.pop() {
            Some('`') if c == '}' => self.text(),
            Some(closer) if closer == c => Ok(()),
            _ => Err(End::Irregular),
        }
    }

    fn word(&mut self, start: usize) -> Result<(), End> {
        let at = self.at;
        while self.peek().is_some_and(is_of_word) {
            self.next();
        }
        let end = self.chars.peek().map_or(self.source.len(), |&(offset, _)| offset);
        let word = &self.source[start..end];
        self.words.push(Word { text: word, offset: start, at });
        if is_block_like(word) && self.in_subject() {
            return Err(self.refuse(at, NO_BLOCKS));
        }
        self.after_value = word != "in";
        if word == "switch" {
            self.after_value = false;
            self.waiting.push(self.open.len());
            let next = Position { column: self.at.column + 1, ..self.at };
            self.marks.push(Mark { offset: end, at: next, opens: true, shown: at.column });
        }
        Ok(())
    }
}

/// Also beyond ASCII: whether Rhai takes those for letters depends on a feature, and all else is an error there.
fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

fn is_block_like(word: &str) -> bool {
    matches!(word, "if" | "switch" | "loop" | "while" | "for" | "do" | "try")
}
