//! From values to JSON text.

use std::{any::TypeId, io};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rhai::{Array, Blob, Dynamic, ImmutableString, Map};

use super::{JsonError, key_step};
use crate::rhai::builtins::{Spending, cost};

type Done = Result<(), JsonError>;

/// Adds `value` to `out` as compact JSON. An array or map at the top has depth 1.
pub(in crate::rhai) fn write(value: &Dynamic, max_depth: usize, out: &mut Vec<u8>) -> Done {
    Writer::run(max_depth, 0, out, |writer| writer.value(value, 0))
}

/// Like [`write`], with lines and `indent` spaces a level.
pub(in crate::rhai) fn write_pretty(
    value: &Dynamic,
    max_depth: usize,
    indent: usize,
    out: &mut Vec<u8>,
) -> Done {
    Writer::run(max_depth, indent, out, |writer| writer.value(value, 0))
}

pub(super) fn write_map(map: &Map, max_depth: usize, out: &mut Vec<u8>) -> Done {
    Writer::run(max_depth, 0, out, |writer| writer.map(map, 0))
}

/// The bytes that cannot stand for themselves in a JSON string.
const ESCAPED: [bool; 256] = {
    let mut escaped = [false; 256];
    let mut control = 0;
    while control < 32 {
        escaped[control] = true;
        control += 1;
    }
    escaped[b'"' as usize] = true;
    escaped[b'\\' as usize] = true;
    escaped
};

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    spending: Spending,
    max_depth: usize,
    indent: usize,
}

impl<'a> Writer<'a> {
    fn run(
        max_depth: usize,
        indent: usize,
        out: &'a mut Vec<u8>,
        write: impl FnOnce(&mut Self) -> Done,
    ) -> Done {
        let mut writer = Self { out, spending: Spending::default(), max_depth, indent };
        write(&mut writer)?;
        Ok(writer.spending.settle()?)
    }

    fn value(&mut self, value: &Dynamic, depth: usize) -> Done {
        self.spending.work(16)?;
        if value.is_shared() {
            return self.shared(value, depth);
        }
        // The common types first; comparing a type's id is cheaper than asking for each in turn.
        let kind = value.type_id();
        if kind == TypeId::of::<ImmutableString>()
            && let Ok(text) = value.as_immutable_string_ref()
        {
            return self.string(&text);
        }
        if kind == TypeId::of::<i64>()
            && let Ok(number) = value.as_int()
        {
            return self.number(&number);
        }
        if kind == TypeId::of::<Map>()
            && let Ok(map) = value.as_map_ref()
        {
            return self.map(&map, depth);
        }
        if kind == TypeId::of::<Array>()
            && let Ok(array) = value.as_array_ref()
        {
            return self.array(&array, depth);
        }
        self.rarer(value)
    }

    fn rarer(&mut self, value: &Dynamic) -> Done {
        if value.is_unit() {
            self.put(b"null")
        } else if let Ok(truth) = value.as_bool() {
            self.put(if truth { b"true" } else { b"false" })
        } else if let Ok(number) = value.as_float() {
            // `null` where there is no JSON number.
            self.number(&number)
        } else if let Ok(character) = value.as_char() {
            self.string(character.encode_utf8(&mut [0; 4]))
        } else if let Ok(blob) = value.as_blob_ref() {
            self.blob(&blob)
        } else {
            Err(unsupported(value))
        }
    }

    /// A value that closures have captured; it may be locked by whoever called us.
    fn shared(&mut self, value: &Dynamic, depth: usize) -> Done {
        self.check(depth)?;
        match value.read_lock::<Dynamic>() {
            Some(inner) => self.value(&inner, depth + 1),
            None => {
                Err(JsonError::Unsupported { what: "a captured value in use".into(), path: String::new() })
            }
        }
    }

    fn array(&mut self, array: &Array, depth: usize) -> Done {
        self.check(depth)?;
        self.put(b"[")?;
        for (index, value) in array.iter().enumerate() {
            self.separate(index, depth + 1)?;
            self.value(value, depth + 1).map_err(|error| error.inside(|| format!("[{index}]")))?;
        }
        self.close(b"]", array.is_empty(), depth)
    }

    fn map(&mut self, map: &Map, depth: usize) -> Done {
        self.check(depth)?;
        self.put(b"{")?;
        for (index, (key, value)) in map.iter().enumerate() {
            self.separate(index, depth + 1)?;
            self.string(key)?;
            self.put(if self.indent == 0 { b":" } else { b": " })?;
            self.value(value, depth + 1).map_err(|error| error.inside(|| key_step(key)))?;
        }
        self.close(b"}", map.is_empty(), depth)
    }

    fn check(&self, depth: usize) -> Done {
        if depth < self.max_depth { Ok(()) } else { Err(JsonError::TooDeep { max_depth: self.max_depth }) }
    }

    fn separate(&mut self, index: usize, depth: usize) -> Done {
        if index > 0 {
            self.put(b",")?;
        }
        self.line(depth)
    }

    fn close(&mut self, bracket: &[u8], empty: bool, depth: usize) -> Done {
        if !empty {
            self.line(depth)?;
        }
        self.put(bracket)
    }

    fn line(&mut self, depth: usize) -> Done {
        if self.indent == 0 {
            return Ok(());
        }
        let spaces = self.indent.saturating_mul(depth);
        self.room(spaces.saturating_add(1))?;
        self.out.push(b'\n');
        self.out.resize(self.out.len() + spaces, b' ');
        Ok(())
    }

    fn string(&mut self, text: &str) -> Done {
        self.spending.work(text.len())?;
        self.room(text.len().saturating_add(2))?;
        self.out.push(b'"');
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|&byte| ESCAPED[usize::from(byte)]) {
            self.put(&rest[..at])?;
            self.escape(rest[at])?;
            rest = &rest[at + 1..];
        }
        self.put(rest)?;
        self.put(b"\"")
    }

    fn escape(&mut self, byte: u8) -> Done {
        match byte {
            b'"' => self.put(b"\\\""),
            b'\\' => self.put(b"\\\\"),
            b'\n' => self.put(b"\\n"),
            b'\r' => self.put(b"\\r"),
            b'\t' => self.put(b"\\t"),
            8 => self.put(b"\\b"),
            12 => self.put(b"\\f"),
            other => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let digits = [HEX[usize::from(other >> 4)], HEX[usize::from(other & 15)]];
                self.put(b"\\u00")?;
                self.put(&digits)
            }
        }
    }

    fn number(&mut self, number: &impl serde::Serialize) -> Done {
        self.room(32)?;
        serde_json::to_writer(&mut *self.out, number).map_err(|error| JsonError::Syntax {
            message: io::Error::from(error).to_string(),
            line: 0,
            column: 0,
        })
    }

    fn blob(&mut self, blob: &Blob) -> Done {
        let len = blob.len().div_ceil(3).saturating_mul(4);
        self.spending.work(len)?;
        self.room(len.saturating_add(2))?;
        self.out.push(b'"');
        let start = self.out.len();
        self.out.resize(start + len, 0);
        let written = STANDARD.encode_slice(blob, &mut self.out[start..]).unwrap_or(0);
        self.out.truncate(start + written);
        self.put(b"\"")
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Done {
        self.room(bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Makes sure that `more` bytes fit.
    #[inline]
    fn room(&mut self, more: usize) -> Done {
        if self.out.capacity() - self.out.len() >= more { Ok(()) } else { self.grow(more) }
    }

    #[cold]
    fn grow(&mut self, more: usize) -> Done {
        let capacity =
            self.out.len().saturating_add(more).max(self.out.capacity().saturating_mul(2)).max(128);
        cost::room(capacity)?;
        self.out.reserve_exact(capacity - self.out.len());
        Ok(())
    }
}

/// The error for a value without a JSON form.
pub(super) fn unsupported(value: &Dynamic) -> JsonError {
    let what = if value.is_fnptr() { "a function" } else { value.type_name() };
    let what = if what.starts_with("core::ops::range::Range") { "a range" } else { what };
    JsonError::Unsupported { what: what.into(), path: String::new() }
}
