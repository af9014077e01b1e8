//! Calls in a script that compile and can only fail: of modules and functions that do not exist, of parts of `ctx` that
//! are not there. Careful: what may be a variable, an import or a method is left alone.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Word, words};
use crate::{Definition, DefinitionKind, Diagnostic, Severity};

/// What scripts can name.
#[derive(Default)]
pub(super) struct Names {
    /// Functions and constants by module.
    modules: BTreeMap<String, BTreeSet<String>>,
    functions: BTreeSet<String>,
    ctx: BTreeSet<String>,
    /// Modules that not every app has, with what they need.
    withheld: BTreeMap<String, String>,
}

impl Names {
    /// The names in `definitions`; `withheld` are those that some app may not have.
    pub(super) fn of(definitions: &[Definition], withheld: impl Fn(&Definition) -> bool) -> Self {
        let mut names =
            Self { functions: STANDARD.iter().map(|name| (*name).to_owned()).collect(), ..Self::default() };
        for definition in definitions {
            names.add(definition, withheld(definition));
        }
        names
    }

    fn add(&mut self, definition: &Definition, withheld: bool) {
        let name = definition.name.as_str();
        if let (DefinitionKind::Module, true, Some(needed)) =
            (definition.kind, withheld, &definition.capability)
        {
            self.withheld.insert(name.to_owned(), needed.clone());
        }
        if let Some((module, item)) = name.split_once("::") {
            self.modules.entry(module.to_owned()).or_default().insert(item.to_owned());
        } else if let Some((owner, part)) = name.split_once('.') {
            if owner == "ctx" {
                self.ctx.insert(part.to_owned());
            }
            // Any method may be called like a function.
            self.functions.insert(part.to_owned());
        } else if definition.kind == DefinitionKind::Module {
            self.modules.entry(name.to_owned()).or_default();
        } else {
            self.functions.insert(name.to_owned());
        }
    }
}

/// What is doubtful about `source`, in its order. It compiles.
pub(super) fn lint(source: &str, names: &Names) -> Vec<Diagnostic> {
    let Some(words) = words(source) else { return Vec::new() };
    let script = Script { source, words: &words, names };
    (0..words.len()).filter_map(|index| script.look(index)).collect()
}

struct Script<'a> {
    source: &'a str,
    words: &'a [Word<'a>],
    names: &'a Names,
}

impl Script<'_> {
    fn look(&self, index: usize) -> Option<Diagnostic> {
        let word = &self.words[index];
        if self.before(word).ends_with("::") || word.text.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        match self.after(word) {
            rest if rest.starts_with("::") => self.look_at_path(word, self.words.get(index + 1)?),
            rest if rest.starts_with('.') && word.text == "ctx" => {
                self.look_at_ctx(word, self.words.get(index + 1)?)
            }
            rest if rest.starts_with('(') => self.look_at_call(index, word),
            _ => None,
        }
    }

    /// What stands before and after a word, but for white space.
    fn before(&self, word: &Word<'_>) -> &str {
        self.source[..word.offset].trim_end()
    }

    fn after(&self, word: &Word<'_>) -> &str {
        self.source[word.offset + word.text.len()..].trim_start()
    }

    /// `module::item`, where the item is called.
    fn look_at_path(&self, module: &Word<'_>, item: &Word<'_>) -> Option<Diagnostic> {
        let called = self.after(item).starts_with('(');
        let follows = self.after(module)[2..].trim_start().starts_with(item.text);
        if !called || !follows || module.text == "global" || self.is_imported(module.text) {
            return None;
        }
        let (Word { text: module_name, .. }, Word { text: name, .. }) = (module, item);
        let Some(items) = self.names.modules.get(*module_name) else {
            return Some(error(
                module,
                format!("there is no module `{module_name}`{}", self.other_path(module_name, name)),
            ));
        };
        if let Some(needed) = self.names.withheld.get(*module_name) {
            let text = format!("only apps that were granted `{needed}` can call `{module_name}::{name}`");
            return Some(warning(module, text));
        }
        if items.contains(*name) {
            return None;
        }
        let hint = match nearest(name, items) {
            Some(other) => format!("; did you mean `{module_name}::{other}`?"),
            None => format!("; it has {}", list(items)),
        };
        Some(error(item, format!("`{module_name}` has no function `{name}`{hint}")))
    }

    /// The path that was probably meant.
    fn other_path(&self, module: &str, name: &str) -> String {
        let modules = &self.names.modules;
        if let Some(other) = nearest(module, modules.keys()) {
            let item = modules[other].get(name).or_else(|| nearest(name, &modules[other]));
            return format!(
                "; did you mean `{}`?",
                item.map_or_else(|| other.clone(), |item| format!("{other}::{item}"))
            );
        }
        format!("; there are {}", list(modules.keys()))
    }

    /// Modules that the script imports itself fail when it runs, and not for their name.
    fn is_imported(&self, name: &str) -> bool {
        self.words.windows(2).any(|pair| pair[0].text == "as" && pair[1].text == name)
    }

    fn look_at_ctx(&self, ctx: &Word<'_>, part: &Word<'_>) -> Option<Diagnostic> {
        let follows = self.after(ctx)[1..].trim_start().starts_with(part.text);
        if !follows || self.names.ctx.contains(part.text) || self.is_declared("ctx") {
            return None;
        }
        let hint = nearest(part.text, &self.names.ctx).map(|other| format!("; did you mean `ctx.{other}`?"));
        Some(warning(part, format!("`ctx` has no part `{}`{}", part.text, hint.unwrap_or_default())))
    }

    fn look_at_call(&self, index: usize, word: &Word<'_>) -> Option<Diagnostic> {
        let name = word.text;
        let is_method = self.before(word).ends_with('.');
        let is_new = index > 0 && self.words[index - 1].text == "fn";
        if is_method
            || is_new
            || self.names.functions.contains(name)
            || KEYWORDS.contains(&name)
            || !self.is_only_called(name)
        {
            return None;
        }
        let own = self.own_functions();
        if own.contains(name) {
            return None;
        }
        let hint = nearest(name, self.names.functions.iter().chain(&own));
        let hint = hint.map(|other| format!("; did you mean `{other}`?"));
        Some(warning(word, format!("there is no function `{name}`{}", hint.unwrap_or_default())))
    }

    fn own_functions(&self) -> BTreeSet<String> {
        let pairs = self.words.windows(2).filter(|pair| pair[0].text == "fn");
        pairs.map(|pair| pair[1].text.to_owned()).collect()
    }

    /// Whether a name never stands anywhere but in calls: if it does, it may be a variable that holds a function.
    fn is_only_called(&self, name: &str) -> bool {
        self.words.iter().filter(|word| word.text == name).all(|word| self.after(word).starts_with('('))
    }

    /// Whether a name may be declared in the script, other than as a parameter of a function, which is given it.
    fn is_declared(&self, name: &str) -> bool {
        let declares =
            |before: &str| ["let", "const", "for", "|", ","].iter().any(|sign| before.ends_with(sign));
        let closure = |word: &Word<'_>| self.after(word).starts_with('|');
        let mut uses = self.words.iter().filter(|word| word.text == name);
        uses.any(|word| {
            declares(self.before(word))
                && (closure(word) || !self.after(word).starts_with(['.', ',', ')', '[']))
        })
    }
}

fn error(word: &Word<'_>, message: String) -> Diagnostic {
    Diagnostic { line: word.at.line, column: word.at.column, severity: Severity::Error, message }
}

fn warning(word: &Word<'_>, message: String) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..error(word, message) }
}

fn list<'n>(names: impl IntoIterator<Item = &'n String>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The name that `wanted` is probably a slip of the keys for.
fn nearest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n String>) -> Option<&'n String> {
    let most = (wanted.len() / 3).clamp(1, 3);
    let near = names.into_iter().map(|name| (distance(wanted, name), name));
    near.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// Characters to insert, remove, replace or swap to get from one to the other (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<_>, Vec<_>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut least = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

/// Words before a parenthesis that are no functions.
const KEYWORDS: [&str; 16] = [
    "if", "else", "while", "until", "loop", "do", "for", "in", "switch", "return", "throw", "try", "catch",
    "import", "export", "fn",
];

/// The functions of Rhai 1.27 that scripts have without a module: the names that the engine itself lists with its feature
/// `metadata`, and those that it knows as keywords.
#[rustfmt::skip]
const STANDARD: &[&str] = &[
    "E", "PI", "abs", "acos", "acosh", "all", "append", "as_string", "asin", "asinh", "atan", "atanh", "bits", "blob",
    "bytes", "ceiling", "chars", "chop", "clear", "contains", "cos", "cosh", "crop", "debug", "dedup", "drain", "end",
    "ends_with", "exit", "exp", "extract", "fill_with", "filter", "find", "find_map", "floor", "for_each", "fraction",
    "get", "get_bit", "get_bits", "get_fn_metadata_list", "hypot", "index_of", "insert", "int", "is_anonymous",
    "is_empty", "is_even", "is_exclusive", "is_finite", "is_inclusive", "is_infinite", "is_nan", "is_odd", "is_zero",
    "keys", "len", "ln", "log", "make_lower", "make_upper", "map", "max", "min", "mixin", "name", "order", "order_by",
    "order_desc", "pad", "parse_be_float", "parse_be_int", "parse_float", "parse_int", "parse_json", "parse_le_float",
    "parse_le_int", "pop", "print", "push", "range", "reduce", "reduce_rev", "remove", "replace", "retain", "reverse",
    "round", "set", "set_bit", "set_bits", "set_tag", "shift", "sign", "sin", "sinh", "some", "sort", "sort_by",
    "sort_desc", "splice", "split", "split_rev", "sqrt", "start", "starts_with", "sub_string", "tag", "take", "tan",
    "tanh", "to_array", "to_binary", "to_blob", "to_chars", "to_debug", "to_degrees", "to_float", "to_hex", "to_int",
    "to_json", "to_lower", "to_octal", "to_radians", "to_string", "to_upper", "trim", "truncate", "values",
    "write_ascii", "write_be", "write_le", "write_utf8", "zip",
    "Fn", "call", "curry", "is_def_fn", "is_def_var", "is_shared", "type_of",
];
