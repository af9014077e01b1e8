//! Values on their way between Rust and scripts.

use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    fmt::{self, Display},
};

use rhai::{Array, Blob, Dynamic, EvalAltResult, FnPtr, ImmutableString, Map};
use serde_json::Value;

use crate::rhai::{
    answer::ErrorValue,
    builtins::{Answer, MAX_DEPTH, Refusal},
    json,
};

/// A Rust type that scripts can pass to host functions and get from them.
///
/// | Rust | script |
/// |---|---|
/// | `i8` … `i64`, `u8` … `u64`, `usize`, `isize` | integer; one that does not fit is an error of the call |
/// | `f32`, `f64` | float; an integer is taken as well |
/// | `bool`, `char`, `String`, `()` | boolean, character, string, `()` |
/// | `Vec<u8>` | blob |
/// | `Vec` of `String`, `i64`, `f64`, `bool`, `serde_json::Value` | array |
/// | `BTreeMap<String, T>`, `HashMap<String, T>` | map |
/// | `Option<T>` | `()` for `None` |
/// | `serde_json::Value` | any value that has a JSON form |
/// | `rhai::Dynamic`, `Array`, `Map`, `Blob`, `FnPtr`, `ImmutableString` | as they are |
/// | types of yours that are [`ScriptType`]s | themselves: opaque but for the methods that a module gives them |
pub trait ScriptValue: Sized + Send + 'static {
    /// What a script's author calls the type: `string`, `integer`.
    fn type_name() -> String;

    /// The value that a script passed.
    ///
    /// # Errors
    /// What was expected in its place, such as `a string`.
    fn from_script(value: Dynamic) -> Result<Self, String>;

    /// The value for a script.
    fn into_script(self) -> Dynamic;
}

/// A type of yours whose values scripts can hold, pass on and, where a [`HostModule`](crate::HostModule) gives it
/// methods, ask and change.
pub trait ScriptType: Clone + Send + Sync + 'static {
    /// What scripts call it.
    const NAME: &'static str;
}

impl<T: ScriptType> ScriptValue for T {
    fn type_name() -> String {
        T::NAME.to_owned()
    }

    fn from_script(value: Dynamic) -> Result<Self, String> {
        value.try_cast().ok_or_else(|| format!("a {}", T::NAME))
    }

    fn into_script(self) -> Dynamic {
        Dynamic::from(self)
    }
}

/// Types that the engine holds as they are.
macro_rules! plain {
    ($($type:ty, $name:literal, $expected:literal;)*) => {$(
        impl ScriptValue for $type {
            fn type_name() -> String {
                $name.to_owned()
            }

            fn from_script(value: Dynamic) -> Result<Self, String> {
                value.try_cast().ok_or_else(|| $expected.to_owned())
            }

            fn into_script(self) -> Dynamic {
                Dynamic::from(self)
            }
        }
    )*};
}

plain! {
    bool, "bool", "a boolean";
    char, "char", "a character";
    (), "()", "()";
    String, "string", "a string";
    ImmutableString, "string", "a string";
    Array, "array", "an array";
    Map, "map", "a map";
    Blob, "blob", "a blob";
    FnPtr, "function", "a function";
}

impl ScriptValue for Dynamic {
    fn type_name() -> String {
        "any".to_owned()
    }

    fn from_script(value: Dynamic) -> Result<Self, String> {
        Ok(value)
    }

    fn into_script(self) -> Dynamic {
        self
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl ScriptValue for $type {
            fn type_name() -> String {
                "integer".to_owned()
            }

            fn from_script(value: Dynamic) -> Result<Self, String> {
                let number = value.as_int().ok().and_then(|number| number.try_into().ok());
                number.ok_or_else(|| format!("an integer from {} to {}", Self::MIN, Self::MAX))
            }

            /// What is beyond 64 bits with sign becomes the nearest float, as in JSON.
            fn into_script(self) -> Dynamic {
                i64::try_from(self).map_or_else(|_| Dynamic::from(self as f64), Dynamic::from)
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

macro_rules! floats {
    ($($type:ty),*) => {$(
        impl ScriptValue for $type {
            fn type_name() -> String {
                "float".to_owned()
            }

            fn from_script(value: Dynamic) -> Result<Self, String> {
                let number = value.as_float().or_else(|_| value.as_int().map(|number| number as f64));
                number.map(|number| number as $type).map_err(|_| "a number".to_owned())
            }

            fn into_script(self) -> Dynamic {
                Dynamic::from(f64::from(self))
            }
        }
    )*};
}

floats!(f32, f64);

impl ScriptValue for Value {
    fn type_name() -> String {
        "any".to_owned()
    }

    fn from_script(value: Dynamic) -> Result<Self, String> {
        json::to_value(&value, MAX_DEPTH).map_err(|error| format!("a value with a JSON form ({error})"))
    }

    fn into_script(self) -> Dynamic {
        json::from_value(&self)
    }
}

impl<T: ScriptValue> ScriptValue for Option<T> {
    fn type_name() -> String {
        format!("{} | ()", T::type_name())
    }

    fn from_script(value: Dynamic) -> Result<Self, String> {
        if value.is_unit() {
            return Ok(None);
        }
        T::from_script(value).map(Some).map_err(|expected| format!("{expected} or ()"))
    }

    fn into_script(self) -> Dynamic {
        self.map_or(Dynamic::UNIT, T::into_script)
    }
}

/// Arrays of one type. Not for all types at once: `Vec<u8>` is a blob, `Vec<Dynamic>` any array.
macro_rules! arrays {
    ($($type:ty),*) => {$(
        impl ScriptValue for Vec<$type> {
            fn type_name() -> String {
                "array".to_owned()
            }

            fn from_script(value: Dynamic) -> Result<Self, String> {
                let array = value.into_array().map_err(|_| "an array".to_owned())?;
                let element = |expected| format!("an array in which each value is {expected}");
                array.into_iter().map(|value| <$type>::from_script(value).map_err(element)).collect()
            }

            fn into_script(self) -> Dynamic {
                Dynamic::from_array(self.into_iter().map(<$type>::into_script).collect())
            }
        }
    )*};
}

arrays!(String, i64, f64, bool, Value);

macro_rules! maps {
    ($($type:ident),*) => {$(
        impl<T: ScriptValue> ScriptValue for $type<String, T> {
            fn type_name() -> String {
                "map".to_owned()
            }

            fn from_script(value: Dynamic) -> Result<Self, String> {
                let map = value.try_cast::<Map>().ok_or_else(|| "a map".to_owned())?;
                let element = |expected| format!("a map in which each value is {expected}");
                let entry = |(name, value)| Ok((String::from(name), T::from_script(value).map_err(element)?));
                map.into_iter().map(entry).collect()
            }

            fn into_script(self) -> Dynamic {
                let entries = self.into_iter().map(|(name, value)| (name.into(), value.into_script()));
                Dynamic::from_map(entries.collect())
            }
        }
    )*};
}

maps!(BTreeMap, HashMap);

/// What a host function gives: a [`ScriptValue`], or a `Result` of one.
///
/// Implemented for all of those; there is nothing to implement by hand. An `Err` becomes a script error with its text,
/// which the script may catch and the caller never sees; a [`HostError`] may say more.
pub trait HostAnswer {
    #[doc(hidden)]
    fn type_name() -> String;

    #[doc(hidden)]
    fn into_answer(self) -> Result<Dynamic, Box<EvalAltResult>>;
}

impl<T: ScriptValue> HostAnswer for T {
    fn type_name() -> String {
        T::type_name()
    }

    fn into_answer(self) -> Answer<Dynamic> {
        Ok(self.into_script())
    }
}

impl<T: ScriptValue, E: Display + 'static> HostAnswer for Result<T, E> {
    fn type_name() -> String {
        T::type_name()
    }

    fn into_answer(self) -> Answer<Dynamic> {
        self.map(T::into_script).map_err(refusal)
    }
}

/// An error of the host as one of the script. Those that the engine or we know pass as they are.
fn refusal<E: Display + 'static>(error: E) -> Refusal {
    let mut slot = Some(error);
    let any: &mut dyn Any = &mut slot;
    if let Some(refusal) = any.downcast_mut::<Option<Refusal>>().and_then(Option::take) {
        return refusal;
    }
    if let Some(error) = any.downcast_mut::<Option<HostError>>().and_then(Option::take) {
        return error.into();
    }
    // The long form, which tells the causes too where an error has one.
    slot.map(|error| format!("{error:#}")).unwrap_or_default().into()
}

/// An error of a host function that can be more than a text: an answer for the caller.
///
/// ```
/// use picloud::{HostError, HostModule};
///
/// let stock = HostModule::new("stock").function("of(item)", |item: String| match item.as_str() {
///     "cup" => Ok(7),
///     // The caller gets a 404 with this text, unless the script catches it.
///     _ => Err(HostError::answer(404, format!("there is no {item}"))),
/// });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostError {
    status: Option<u16>,
    message: String,
}

impl HostError {
    /// A failure of the script, whose text goes to the log and never to the caller.
    pub fn new(message: impl Into<String>) -> Self {
        Self { status: None, message: message.into() }
    }

    /// What `throw error(status, message)` does in a script: the caller gets both. A status that is not from 400 to
    /// 599 is taken as 500.
    pub fn answer(status: u16, message: impl Into<String>) -> Self {
        let status = if (400..=599).contains(&status) { status } else { 500 };
        Self { status: Some(status), message: message.into() }
    }
}

impl Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HostError {}

impl From<HostError> for Refusal {
    fn from(error: HostError) -> Self {
        match error.status {
            Some(status) => ErrorValue::new(status, error.message).into(),
            None => error.message.into(),
        }
    }
}
