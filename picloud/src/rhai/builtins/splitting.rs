//! `split`, `split_rev`, `to_chars`: an array element takes up to 80 times the byte it is made of.

use rhai::{Array, Dynamic, ImmutableString, Module};

use super::{
    cost::{self, Answer, SLOT, Spending},
    pure,
};

type Text = ImmutableString;

pub(super) fn add(module: &mut Module) {
    pure(
        module,
        "split",
        |text: Text| {
            if text.is_empty() { Ok(whole(&text)) } else { pieces(text.split_whitespace()) }
        },
    );
    pure(module, "split", |text: Text, by: Text| split(&text, &by, None));
    pure(module, "split", |text: Text, by: char| split(&text, by.encode_utf8(&mut [0; 4]), None));
    pure(module, "split", |text: Text, by: Text, most: i64| split(&text, &by, Some(most)));
    pure(module, "split", |text: Text, by: char, most: i64| {
        split(&text, by.encode_utf8(&mut [0; 4]), Some(most))
    });
    pure(module, "split_rev", |text: Text, by: Text| split_rev(&text, &by, None));
    pure(module, "split_rev", |text: Text, by: char| split_rev(&text, by.encode_utf8(&mut [0; 4]), None));
    pure(module, "split_rev", |text: Text, by: Text, most: i64| split_rev(&text, &by, Some(most)));
    pure(module, "split_rev", |text: Text, by: char, most: i64| {
        split_rev(&text, by.encode_utf8(&mut [0; 4]), Some(most))
    });
    pure(module, "to_chars", |text: Text| collect(text.chars().map(|c| (Dynamic::from(c), 1))));
}

/// At most how many pieces; none for "do not split".
fn limit(text: &str, by: &str, most: Option<i64>) -> Answer<Option<usize>> {
    cost::work(text.len())?;
    if text.is_empty() || !text.contains(by) {
        return Ok(None);
    }
    Ok(match most {
        None => Some(usize::MAX),
        Some(..=1) => None,
        Some(most) => Some(usize::try_from(most).unwrap_or(usize::MAX)),
    })
}

fn split(text: &Text, by: &str, most: Option<i64>) -> Answer<Array> {
    match limit(text, by, most)? {
        None => Ok(whole(text)),
        Some(most) => pieces(text.splitn(most, by)),
    }
}

fn split_rev(text: &Text, by: &str, most: Option<i64>) -> Answer<Array> {
    match limit(text, by, most)? {
        None => Ok(whole(text)),
        Some(most) => pieces(text.rsplitn(most, by)),
    }
}

fn whole(text: &Text) -> Array {
    vec![text.clone().into()]
}

fn pieces<'a>(pieces: impl Iterator<Item = &'a str>) -> Answer<Array> {
    // A string is a counted allocation; its text is another when it is longer than what fits inside.
    collect(pieces.map(|piece| (Dynamic::from(ImmutableString::from(piece)), 64 + piece.len())))
}

/// Collects values, each with the bytes it takes besides its slot.
pub(super) fn collect(values: impl Iterator<Item = (Dynamic, usize)>) -> Answer<Array> {
    let mut array = Array::new();
    let mut spending = Spending::default();
    for (value, bytes) in values {
        if array.len() == array.capacity() {
            // What the array is about to grow to, while it still holds what it has.
            spending.grow(array.capacity().saturating_mul(2 * SLOT))?;
        }
        spending.grow(bytes)?;
        spending.step()?;
        array.push(value);
    }
    spending.settle()?;
    Ok(array)
}
