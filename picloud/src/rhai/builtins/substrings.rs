//! Parts of strings and places in them, without the copies of the stock versions (five times the string).

use std::ops::{Range, RangeInclusive};

use rhai::{ImmutableString, Module};

use super::{
    cost::{self, Answer, Refusal},
    mutating, positions, pure,
};

type Text = ImmutableString;

pub(super) fn add(module: &mut Module) {
    pure(module, "sub_string", |text: Text, start: i64, len: i64| sub_string(&text, (start, len)));
    pure(module, "sub_string", |text: Text, start: i64| sub_string(&text, (start, i64::MAX)));
    pure(module, "sub_string", |text: Text, range: Range<i64>| {
        sub_string(&text, positions::exclusive(&range))
    });
    pure(module, "sub_string", |text: Text, range: RangeInclusive<i64>| {
        sub_string(&text, positions::inclusive(&range))
    });
    mutating(module, "crop", |text: &mut Text, start: i64, len: i64| crop(text, (start, len)));
    mutating(module, "crop", |text: &mut Text, start: i64| crop(text, (start, i64::MAX)));
    mutating(module, "crop", |text: &mut Text, range: Range<i64>| crop(text, positions::exclusive(&range)));
    mutating(module, "crop", |text: &mut Text, range: RangeInclusive<i64>| {
        crop(text, positions::inclusive(&range))
    });
    mutating(module, "pop", pop);
    mutating(module, "set", set);
    mutating(module, "remove", |text: &mut Text, part: Text| remove(text, &part));
    mutating(module, "remove", |text: &mut Text, part: char| remove(text, part.encode_utf8(&mut [0; 4])));
    add_search(module);
}

fn add_search(module: &mut Module) {
    pure(module, "index_of", |text: Text, find: Text| index_of(&text, &find, 0));
    pure(module, "index_of", |text: Text, find: char| index_of(&text, find.encode_utf8(&mut [0; 4]), 0));
    pure(module, "index_of", |text: Text, find: Text, start: i64| index_of(&text, &find, start));
    pure(module, "index_of", |text: Text, find: char, start: i64| {
        index_of(&text, find.encode_utf8(&mut [0; 4]), start)
    });
    pure(module, "contains", |text: Text, find: Text| {
        cost::work(text.len())?;
        Ok::<_, Refusal>(text.contains(&*find))
    });
}

fn sub_string(text: &str, (start, len): (i64, i64)) -> Answer<ImmutableString> {
    cost::work(text.len())?;
    let part = positions::part(text, start, len);
    cost::room(part.len())?;
    Ok(part.into())
}

fn crop(text: &mut Text, place: (i64, i64)) -> Answer<()> {
    *text = sub_string(text, place)?;
    Ok(())
}

/// Takes the last `len` characters away and gives them.
fn pop(text: &mut Text, len: i64) -> Answer<ImmutableString> {
    if len <= 0 {
        return Ok(Text::new());
    }
    cost::work(text.len())?;
    let start = positions::character(text, len.checked_neg().unwrap_or(i64::MIN)).unwrap_or(0);
    cost::room(text.len())?;
    let popped = text[start..].into();
    *text = text[..start].into();
    Ok(popped)
}

/// Puts `character` in the place of another one; does nothing outside of the string.
fn set(text: &mut Text, index: i64, character: char) -> Answer<()> {
    cost::work(text.len().saturating_mul(2))?;
    let chars = if index < 0 { text.chars().count() } else { 0 };
    if index < 0 && usize::try_from(index.unsigned_abs()).is_ok_and(|back| back > chars) {
        return Ok(());
    }
    let Some(at) = positions::character(text, index) else { return Ok(()) };
    let Some(old) = text[at..].chars().next() else { return Ok(()) };
    cost::room(text.len().saturating_mul(2))?;
    let mut changed = String::with_capacity(text.len() + 4);
    changed.push_str(&text[..at]);
    changed.push(character);
    changed.push_str(&text[at + old.len_utf8()..]);
    *text = changed.into();
    Ok(())
}

fn remove(text: &mut Text, part: &str) -> Answer<()> {
    cost::work(text.len().saturating_mul(2))?;
    if !part.is_empty() && text.contains(part) {
        cost::room(text.len().saturating_mul(2))?;
        *text = text.replace(part, "").into();
    }
    Ok(())
}

/// The character at which `find` begins, or -1.
fn index_of(text: &str, find: &str, start: i64) -> Answer<i64> {
    cost::work(text.len())?;
    if text.is_empty() {
        return Ok(-1);
    }
    let Some(start) = positions::character(text, start) else { return Ok(-1) };
    let found = text[start..].find(find).map(|at| text[..start + at].chars().count());
    Ok(found.and_then(|index| i64::try_from(index).ok()).unwrap_or(-1))
}
