//! Turns values into text with a bound on size and depth.

use std::fmt::{self, Write};

use rhai::{Array, Blob, Dynamic, EvalAltResult, ImmutableString, Map, NativeCallContext};

use super::cost::{self, Answer, MAX_DEPTH, Refusal, Spending};

/// A growing text that asks for room first. A script can make a small array that prints as terabytes: an array may
/// hold a million references to one string.
pub(in crate::rhai) struct Text {
    text: String,
    most: usize,
    spending: Spending,
    refusal: Option<Refusal>,
}

impl Text {
    /// An empty text that may grow as far as the budget goes.
    pub(in crate::rhai) fn new() -> Self {
        Self { text: String::new(), most: usize::MAX, spending: Spending::default(), refusal: None }
    }

    /// Adds `part`.
    pub(in crate::rhai) fn push(&mut self, part: &str) -> Answer<()> {
        let needed = self.text.len().saturating_add(part.len());
        if needed > self.most {
            return Err("the text would be too long".into());
        }
        if needed > self.text.capacity() {
            let capacity = needed.max(self.text.capacity().saturating_mul(2)).max(64);
            cost::room(capacity)?;
            self.text.reserve_exact(capacity - self.text.len());
        }
        self.text.push_str(part);
        self.spending.work(part.len())
    }

    /// Adds `arguments`, formatted.
    fn print(&mut self, arguments: fmt::Arguments<'_>) -> Answer<()> {
        self.write_fmt(arguments)
            .map_err(|_| self.refusal.take().unwrap_or_else(|| "cannot be printed".into()))
    }

    /// The text as a script's string.
    pub(in crate::rhai) fn finish(self) -> Answer<ImmutableString> {
        self.spending.settle()?;
        cost::room(self.text.len())?;
        Ok(self.text.as_str().into())
    }

    /// Whether nothing has been added yet.
    pub(in crate::rhai) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Adds `value` as `print` and string interpolation show it.
    pub(in crate::rhai) fn display(
        &mut self,
        ctx: &NativeCallContext<'_>,
        value: &mut Dynamic,
    ) -> Answer<()> {
        if let Ok(string) = value.as_immutable_string_ref() {
            self.push(&string)
        } else if value.is_variant() {
            self.custom(ctx, rhai::FUNC_TO_STRING, value)
        } else if super::is_container(value) || value.is_blob() || value.is_shared() {
            self.debug(Some(ctx), value, 0)
        } else {
            // Numbers, booleans, characters, (), names of functions: short, and they hold nothing.
            self.print(format_args!("{value}"))
        }
    }

    /// Adds `value` as `debug` shows it. Without a context, values of host types show as the name of their type.
    pub(super) fn debug(
        &mut self,
        ctx: Option<&NativeCallContext<'_>>,
        value: &mut Dynamic,
        depth: usize,
    ) -> Answer<()> {
        self.spending.step()?;
        if value.is_shared() {
            check_depth(depth)?;
            match value.write_lock::<Dynamic>() {
                Some(mut inner) => self.debug(ctx, &mut inner, depth + 1),
                None => self.push("<shared>"),
            }
        } else if let Ok(mut array) = value.as_array_mut() {
            self.array(ctx, &mut array, depth)
        } else if let Ok(mut map) = value.as_map_mut() {
            self.map(ctx, &mut map, depth)
        } else if let Ok(blob) = value.as_blob_ref() {
            self.blob(&blob)
        } else {
            self.debug_scalar(ctx, value)
        }
    }

    fn debug_scalar(&mut self, ctx: Option<&NativeCallContext<'_>>, value: &mut Dynamic) -> Answer<()> {
        if let Ok(string) = value.as_immutable_string_ref() {
            return self.debug_str(&string);
        }
        if value.is_char() || value.is_fnptr() {
            return self.print(format_args!("{value}"));
        }
        match ctx {
            Some(ctx) if value.is_variant() => self.custom(ctx, rhai::FUNC_TO_DEBUG, value),
            _ => self.print(format_args!("{value:?}")),
        }
    }

    pub(super) fn debug_str(&mut self, string: &str) -> Answer<()> {
        self.print(format_args!("{string:?}"))
    }

    pub(super) fn array(
        &mut self,
        ctx: Option<&NativeCallContext<'_>>,
        array: &mut Array,
        depth: usize,
    ) -> Answer<()> {
        check_depth(depth)?;
        self.push("[")?;
        for (index, value) in array.iter_mut().enumerate() {
            if index > 0 {
                self.push(", ")?;
            }
            self.debug(ctx, value, depth + 1)?;
        }
        self.push("]")
    }

    pub(super) fn map(
        &mut self,
        ctx: Option<&NativeCallContext<'_>>,
        map: &mut Map,
        depth: usize,
    ) -> Answer<()> {
        check_depth(depth)?;
        self.push("#{")?;
        for (index, (key, value)) in map.iter_mut().enumerate() {
            if index > 0 {
                self.push(", ")?;
            }
            self.debug_str(key)?;
            self.push(": ")?;
            self.debug(ctx, value, depth + 1)?;
        }
        self.push("}")
    }

    /// Hexadecimal, a space after each eight bytes.
    fn blob(&mut self, blob: &Blob) -> Answer<()> {
        self.push("[")?;
        for (index, eight) in blob.chunks(8).enumerate() {
            if index > 0 {
                self.push(" ")?;
            }
            for byte in eight {
                self.print(format_args!("{byte:02x}"))?;
            }
        }
        self.push("]")
    }

    /// A value of a host type, which may have its own way to print.
    fn custom(&mut self, ctx: &NativeCallContext<'_>, function: &str, value: &mut Dynamic) -> Answer<()> {
        let type_name = value.type_name();
        match ctx.call_native_fn_raw(function, true, &mut [value]) {
            Ok(text) => match text.as_immutable_string_ref() {
                Ok(text) => self.push(&text),
                Err(other) => self.push(ctx.engine().map_type_name(other)),
            },
            Err(error) if !error.is_catchable() => Err(error),
            Err(_) => self.push(ctx.engine().map_type_name(type_name)),
        }
    }
}

impl Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.push(part).map_err(|refusal| {
            self.refusal = Some(refusal);
            fmt::Error
        })
    }
}

fn check_depth(depth: usize) -> Answer<()> {
    if depth < MAX_DEPTH {
        return Ok(());
    }
    let text = format!("a value nested deeper than {MAX_DEPTH} levels cannot be turned into text");
    Err(EvalAltResult::ErrorRuntime(text.into(), rhai::Position::NONE).into())
}

/// What `value` looks like, cut after `most` bytes: for error messages and logs of the host, where Rhai's own `Display`
/// of a thrown value could be endless.
pub(in crate::rhai) fn describe(value: &Dynamic, most: usize) -> String {
    let mut text = Text { most, ..Text::new() };
    let done = match value.as_immutable_string_ref() {
        Ok(string) => {
            let end = string.floor_char_boundary(most);
            text.push(&string[..end]).and(if end < string.len() { Err("cut".into()) } else { Ok(()) })
        }
        Err(_) => text.glance(value, 0),
    };
    if done.is_err() {
        text.text.push('…');
    }
    text.text
}

impl Text {
    /// Like [`Text::debug`], from a value that is not ours to lock for writing.
    fn glance(&mut self, value: &Dynamic, depth: usize) -> Answer<()> {
        check_depth(depth)?;
        if value.is_shared() {
            return match value.read_lock::<Dynamic>() {
                Some(inner) => self.glance(&inner, depth + 1),
                None => self.push("<shared>"),
            };
        }
        if let Ok(array) = value.as_array_ref() {
            self.push("[")?;
            for (index, value) in array.iter().enumerate() {
                self.push(if index > 0 { ", " } else { "" })?;
                self.glance(value, depth + 1)?;
            }
            self.push("]")
        } else if let Ok(map) = value.as_map_ref() {
            self.push("#{")?;
            for (index, (key, value)) in map.iter().enumerate() {
                self.push(if index > 0 { ", " } else { "" })?;
                self.debug_str(key)?;
                self.push(": ")?;
                self.glance(value, depth + 1)?;
            }
            self.push("}")
        } else if let Ok(blob) = value.as_blob_ref() {
            self.blob(&blob)
        } else if value.is_char() || value.is_fnptr() {
            self.print(format_args!("{value}"))
        } else {
            self.print(format_args!("{value:?}"))
        }
    }
}
