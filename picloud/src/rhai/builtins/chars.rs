//! Iterates over the characters of a string one by one, where Rhai copies them out first (four times the string).

use std::{
    any::TypeId,
    ops::{Range, RangeInclusive},
};

use rhai::{Dynamic, FuncRegistration, ImmutableString, Module};

use super::{
    cost::{self, Answer},
    positions, pure,
};

type Text = ImmutableString;

pub(super) fn add(module: &mut Module) {
    pure(module, "chars", |text: Text| Chars::new(text, (0, i64::MAX)));
    pure(module, "chars", |text: Text, start: i64| Chars::new(text, (start, i64::MAX)));
    pure(module, "chars", |text: Text, start: i64, len: i64| Chars::new(text, (start, len)));
    pure(module, "chars", |text: Text, range: Range<i64>| Chars::new(text, positions::exclusive(&range)));
    pure(module, "chars", |text: Text, range: RangeInclusive<i64>| {
        // Unlike elsewhere, a range that ends before it starts is empty here.
        let start = (*range.start()).max(0);
        let end = (*range.end()).max(start - 1).min(i64::MAX - 1);
        Chars::new(text, (start, end - start + 1))
    });
    FuncRegistration::new_getter("chars")
        .set_into_module(module, |text: Text| Chars::new(text, (0, i64::MAX)));
    module.set_iterator::<Chars>();
    module.set_iter(TypeId::of::<Text>(), |text: Dynamic| {
        let text = text.try_cast::<Text>().unwrap_or_default();
        Box::new(Chars { text, at: 0, left: usize::MAX }.map(Dynamic::from))
    });
}

/// Characters that are still to come.
#[derive(Debug, Clone)]
struct Chars {
    text: Text,
    at: usize,
    left: usize,
}

impl Chars {
    fn new(text: Text, (start, len): (i64, i64)) -> Answer<Self> {
        cost::work(text.len())?;
        let at = positions::character(&text, start).unwrap_or(text.len());
        Ok(Self { text, at, left: usize::try_from(len).unwrap_or(0) })
    }
}

impl Iterator for Chars {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        self.left = self.left.checked_sub(1)?;
        let next = self.text[self.at..].chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }
}
