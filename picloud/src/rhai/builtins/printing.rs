//! `to_string`, `to_debug`, `print`, `debug`, and adding values to strings.

use rhai::{Array, Blob, Dynamic, ImmutableString, Map, Module, NativeCallContext};

use super::{
    cost::{self, Answer},
    mutating, pure,
    text::Text,
};

type Ctx<'a> = NativeCallContext<'a>;

/// The forms for arrays and maps are there because an exact parameter type wins over `Dynamic`.
pub(super) fn add(module: &mut Module) {
    pure(module, "to_string", |ctx: Ctx<'_>, v: &mut Array| never_err(array(&ctx, v)));
    pure(module, "to_string", |ctx: Ctx<'_>, v: &mut Map| never_err(map(&ctx, v)));
    pure(module, "to_string", |ctx: Ctx<'_>, v: &mut Dynamic| never_err(own_text(&ctx, v, false)));
    pure(module, "to_debug", |ctx: Ctx<'_>, v: &mut Array| array(&ctx, v));
    pure(module, "to_debug", |ctx: Ctx<'_>, v: &mut Map| map(&ctx, v));
    pure(module, "to_debug", |ctx: Ctx<'_>, v: &mut Dynamic| own_text(&ctx, v, true));
    for name in ["print", "debug"] {
        pure(module, name, |ctx: Ctx<'_>, v: &mut Array| array(&ctx, v));
        pure(module, name, |ctx: Ctx<'_>, v: &mut Map| map(&ctx, v));
    }
    pure(module, "print", |ctx: Ctx<'_>, v: &mut Dynamic| displayed(&ctx, v)?.finish());
    pure(module, "debug", |ctx: Ctx<'_>, v: &mut Dynamic| {
        let mut text = Text::new();
        text.debug(Some(&ctx), v, 0)?;
        text.finish()
    });
    for name in ["debug", "to_debug"] {
        pure(module, name, |v: ImmutableString| {
            let mut text = Text::new();
            text.debug_str(&v)?;
            text.finish()
        });
    }
    add_operators(module);
}

fn add_operators(module: &mut Module) {
    pure(module, "+", |ctx: Ctx<'_>, string: &mut ImmutableString, mut item: Dynamic| {
        joined(string, displayed(&ctx, &mut item)?.as_str())
    });
    pure(module, "+", |ctx: Ctx<'_>, item: &mut Dynamic, string: ImmutableString| {
        let mut text = displayed(&ctx, item)?;
        text.push(&string)?;
        text.finish()
    });
    pure(module, "+", |string: ImmutableString, blob: Blob| joined(&string, &lossy(&blob)?));
    pure(module, "+", |blob: Blob, string: ImmutableString| joined(&lossy(&blob)?.into(), &string));
    for name in ["+=", "append"] {
        mutating(module, name, |ctx: Ctx<'_>, string: &mut ImmutableString, mut item: Dynamic| {
            *string = joined(string, displayed(&ctx, &mut item)?.as_str())?;
            Ok::<_, cost::Refusal>(())
        });
        mutating(module, name, |string: &mut ImmutableString, blob: Blob| {
            *string = joined(string, &lossy(&blob)?)?;
            Ok::<_, cost::Refusal>(())
        });
    }
}

fn displayed(ctx: &Ctx<'_>, value: &mut Dynamic) -> Answer<Text> {
    let mut text = Text::new();
    text.display(ctx, value)?;
    Ok(text)
}

fn array(ctx: &Ctx<'_>, array: &mut Array) -> Answer<ImmutableString> {
    let mut text = Text::new();
    text.array(Some(ctx), array, 0)?;
    text.finish()
}

fn map(ctx: &Ctx<'_>, map: &mut Map) -> Answer<ImmutableString> {
    let mut text = Text::new();
    text.map(Some(ctx), map, 0)?;
    text.finish()
}

/// The text of a value whose type has no function of its own.
fn own_text(ctx: &Ctx<'_>, value: &mut Dynamic, debug: bool) -> Answer<ImmutableString> {
    if value.is_variant() {
        // Rhai's own `Display` for host types is the name of the type, or a range.
        return Ok(ctx.engine().map_type_name(&value.to_string()).into());
    }
    let mut text = Text::new();
    if debug {
        text.debug(Some(ctx), value, 0)?;
    } else {
        text.display(ctx, value)?;
    }
    text.finish()
}

/// For `to_string`, which string interpolation calls: when that gives an error, Rhai drops the error and prints the
/// value itself, without any bound. So a refusal here ends the run instead of being an error.
fn never_err(text: Answer<ImmutableString>) -> ImmutableString {
    text.unwrap_or_else(|_| {
        let _ended = cost::room(usize::MAX);
        ImmutableString::new()
    })
}

/// One string after another.
fn joined(first: &ImmutableString, second: &str) -> Answer<ImmutableString> {
    if second.is_empty() {
        return Ok(first.clone());
    }
    let bytes = first.len().saturating_add(second.len());
    cost::room(bytes.saturating_mul(2))?;
    cost::work(bytes)?;
    let mut text = String::with_capacity(bytes);
    text.push_str(first);
    text.push_str(second);
    Ok(text.into())
}

/// `blob` as text, with U+FFFD for what is not UTF-8.
pub(super) fn lossy(blob: &Blob) -> Answer<String> {
    // Each bad byte becomes three.
    let bytes = if str::from_utf8(blob).is_ok() { blob.len() } else { blob.len().saturating_mul(3) };
    cost::room(bytes)?;
    cost::work(bytes)?;
    Ok(String::from_utf8_lossy(blob).into_owned())
}
