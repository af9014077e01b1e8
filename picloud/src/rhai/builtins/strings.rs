//! `pad`, `replace` and changes of case, which make strings longer than they were.

use rhai::{ImmutableString, Module};

use super::{
    cost::{self, Answer, Refusal, Spending},
    mutating, pure,
};

pub(super) fn add(module: &mut Module) {
    mutating(module, "pad", |text: &mut ImmutableString, len: i64, padding: char| {
        pad(text, len, padding.encode_utf8(&mut [0; 4]))
    });
    mutating(module, "pad", |text: &mut ImmutableString, len: i64, padding: ImmutableString| {
        pad(text, len, &padding)
    });
    add_replace(module);
    pure(module, "to_upper", |text: ImmutableString| upper(&text));
    pure(module, "to_lower", |text: ImmutableString| lower(&text));
    mutating(module, "make_upper", |text: &mut ImmutableString| {
        *text = upper(text)?;
        Ok::<_, Refusal>(())
    });
    mutating(module, "make_lower", |text: &mut ImmutableString| {
        *text = lower(text)?;
        Ok::<_, Refusal>(())
    });
}

type Text = ImmutableString;

fn add_replace(module: &mut Module) {
    mutating(module, "replace", |text: &mut Text, find: Text, with: Text| replace(text, &find, &with));
    mutating(module, "replace", |text: &mut Text, find: Text, with: char| {
        replace(text, &find, with.encode_utf8(&mut [0; 4]))
    });
    mutating(module, "replace", |text: &mut Text, find: char, with: Text| {
        replace(text, find.encode_utf8(&mut [0; 4]), &with)
    });
    mutating(module, "replace", |text: &mut Text, find: char, with: char| {
        replace(text, find.encode_utf8(&mut [0; 4]), with.encode_utf8(&mut [0; 4]))
    });
}

/// Makes `text` at least `len` characters long by adding `padding`, cut to fit, at its end.
fn pad(text: &mut ImmutableString, len: i64, padding: &str) -> Answer<()> {
    let wanted = usize::try_from(len).unwrap_or(0);
    cost::work(text.len())?;
    let Some(missing @ 1..) = wanted.checked_sub(text.chars().count()) else { return Ok(()) };
    let width = padding.chars().count();
    if width == 0 {
        return Err("pad: the padding is an empty string".into());
    }
    let rest: String = padding.chars().take(missing % width).collect();
    let added = (missing / width).saturating_mul(padding.len()).saturating_add(rest.len());
    let bytes = text.len().saturating_add(added);
    // Twice: a string is copied once more when it becomes a value.
    cost::room(bytes.saturating_mul(2))?;
    let mut spending = Spending::default();
    let mut padded = String::with_capacity(bytes);
    padded.push_str(text);
    for _ in 0..missing / width {
        padded.push_str(padding);
        spending.work(padding.len())?;
    }
    padded.push_str(&rest);
    *text = padded.into();
    spending.settle()
}

/// Puts `with` in the place of every `find`; an empty `find` matches between all characters.
fn replace(text: &mut ImmutableString, find: &str, with: &str) -> Answer<()> {
    if text.is_empty() {
        return Ok(());
    }
    cost::work(text.len())?;
    let mut spending = Spending::default();
    let mut count = 0_usize;
    for _ in text.matches(find) {
        count += 1;
        spending.work(8)?;
    }
    if count == 0 {
        return spending.settle();
    }
    let kept = text.len().saturating_sub(count.saturating_mul(find.len()));
    let bytes = kept.saturating_add(count.saturating_mul(with.len()));
    cost::room(bytes.saturating_mul(2))?;
    let mut replaced = String::with_capacity(bytes);
    let mut rest = 0;
    for (at, found) in text.match_indices(find) {
        replaced.push_str(&text[rest..at]);
        replaced.push_str(with);
        rest = at + found.len();
        spending.work(with.len().max(8))?;
    }
    replaced.push_str(&text[rest..]);
    *text = replaced.into();
    spending.settle()
}

fn upper(text: &ImmutableString) -> Answer<ImmutableString> {
    cost::work(text.len().saturating_mul(4))?;
    if text.chars().all(char::is_uppercase) {
        return Ok(text.clone());
    }
    let bytes = if text.is_ascii() {
        text.len()
    } else {
        text.chars().flat_map(char::to_uppercase).map(char::len_utf8).sum()
    };
    cost::room(bytes.saturating_mul(2))?;
    Ok(text.to_uppercase().into())
}

fn lower(text: &ImmutableString) -> Answer<ImmutableString> {
    cost::work(text.len().saturating_mul(4))?;
    if text.chars().all(char::is_lowercase) {
        return Ok(text.clone());
    }
    let bytes = if text.is_ascii() {
        text.len()
    } else {
        text.chars().flat_map(char::to_lowercase).map(char::len_utf8).sum()
    };
    cost::room(bytes.saturating_mul(2))?;
    Ok(text.to_lowercase().into())
}
