//! From JSON text to values, in one pass.

use std::{cell::RefCell, collections::BTreeMap};

use rhai::{Array, Dynamic, ImmutableString, Map};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::JsonError;
use crate::rhai::builtins::{Refusal, Spending, cost, cost::SLOT};

/// The parser of `serde_json` itself gives up here.
const HARD_MAX_DEPTH: usize = 127;
/// What an entry of a map takes: key, value and its share of a tree node.
const ENTRY: usize = 64;
/// What a string takes besides its text.
const STRING: usize = 48;

/// The value that `bytes` are the JSON text of. An array or map at the top has depth 1; `max_depth` above 127 is 127.
pub(in crate::rhai) fn parse(bytes: &[u8], max_depth: usize) -> Result<Dynamic, JsonError> {
    let state = State { max_depth: max_depth.min(HARD_MAX_DEPTH), inner: RefCell::default() };
    state.spend(0, bytes.len()).map_err(|()| state.failure())?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Node { state: &state, depth: 0 }.deserialize(&mut reader);
    let done = value.and_then(|value| reader.end().map(|()| value));
    let error = match done {
        Ok(value) => {
            state.inner.into_inner().spending.settle()?;
            return Ok(value);
        }
        Err(error) => error,
    };
    Err(match state.inner.into_inner().failure {
        Some(failure) => failure,
        None => syntax(&error),
    })
}

fn syntax(error: &serde_json::Error) -> JsonError {
    let (line, column) = (error.line(), error.column());
    let mut message = error.to_string();
    if message.starts_with("recursion limit") {
        return JsonError::TooDeep { max_depth: HARD_MAX_DEPTH };
    }
    // The position is kept apart.
    if let Some(at) = message.rfind(" at line ") {
        message.truncate(at);
    }
    JsonError::Syntax { message, line, column }
}

/// What the whole tree shares.
struct State {
    max_depth: usize,
    inner: RefCell<Inner>,
}

#[derive(Default)]
struct Inner {
    spending: Spending,
    failure: Option<JsonError>,
}

impl State {
    /// Room and work for a piece; on refusal keeps the reason, which `serde` could not carry.
    fn spend(&self, room: usize, work: usize) -> Result<(), ()> {
        let inner = &mut *self.inner.borrow_mut();
        let spent: Result<(), Refusal> = inner.spending.grow(room).and_then(|()| inner.spending.work(work));
        spent.map_err(|refusal| inner.failure = Some(JsonError::Refused(refusal)))
    }

    fn failure(&self) -> JsonError {
        let failure = self.inner.borrow_mut().failure.take();
        failure.unwrap_or(JsonError::TooDeep { max_depth: self.max_depth })
    }
}

/// One value, to be read.
#[derive(Clone, Copy)]
struct Node<'a> {
    state: &'a State,
    depth: usize,
}

impl Node<'_> {
    fn spend<E: Error>(self, room: usize, work: usize) -> Result<(), E> {
        self.state.spend(room, work).map_err(|()| E::custom("refused"))
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth < self.state.max_depth {
            return Ok(Self { depth: self.depth + 1, ..self });
        }
        let max_depth = self.state.max_depth;
        self.state.inner.borrow_mut().failure = Some(JsonError::TooDeep { max_depth });
        Err(E::custom("too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Dynamic;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Dynamic, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Dynamic;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Dynamic, E> {
        Ok(Dynamic::UNIT)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Dynamic, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Dynamic, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Dynamic, E> {
        Ok(super::value::unsigned(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Dynamic, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Dynamic, E> {
        self.spend(STRING + value.len(), 0)?;
        Ok(ImmutableString::from(value).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Dynamic, A::Error> {
        let inner = self.deeper()?;
        let mut array = Array::new();
        while let Some(value) = elements.next_element_seed(inner)? {
            if array.len() == array.capacity() {
                self.spend(array.capacity().saturating_mul(2 * SLOT), 0)?;
            }
            self.spend(0, cost::SLOT)?;
            array.push(value);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Dynamic, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key_seed(Key)? {
            self.spend(ENTRY + key.len(), ENTRY)?;
            let value = entries.next_value_seed(inner)?;
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

/// The type of the keys of [`Map`], which Rhai does not name in public.
type Identifier = <Map as Keyed>::Key;

trait Keyed {
    type Key;
}

impl<K, V> Keyed for BTreeMap<K, V> {
    type Key = K;
}

/// A key, straight into the form that maps have.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Identifier;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Identifier;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(key.into())
    }
}
