//! `url`: percent-encoding and query strings.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use rhai::{Dynamic, ImmutableString, Map, NativeCallContext};

use super::{Answer, Bytes, Library, afford, failure, string};
use crate::rhai::builtins::{Refusal, Spending, Text};

/// Everything but the unreserved characters of RFC 3986.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(super) fn url() -> Library {
    Library::new("url", "Percent-encoding and query strings.")
        .add(
            "encode(text: string) -> string",
            "Percent-encoded but for letters, digits and `-_.~`.",
            |text: Dynamic| encode(&string(text, "url::encode")?),
        )
        .add("decode(text: string) -> string", "Decoded once; `+` stays a plus.", decode)
        .add(
            "encode_query(values: map) -> string",
            "`a=1&b=x+y`, names in order; an array gives its name once for each element, `()` the name alone.",
            encode_query,
        )
        .add(
            "parse_query(text: string) -> map",
            "Strings by name; of equal names the last. A leading `?` is dropped.",
            parse_query,
        )
}

fn encode(text: &str) -> Answer<ImmutableString> {
    let mut encoded = Text::new();
    for piece in utf8_percent_encode(text, COMPONENT) {
        encoded.push(piece)?;
    }
    encoded.finish()
}

fn decode(text: Dynamic) -> Answer<ImmutableString> {
    let text = Bytes::of(text, "url::decode")?;
    afford(text.len())?;
    let decoded = percent_decode(&text).decode_utf8();
    Ok(decoded.map_err(|_| failure("url::decode", "the decoded bytes are not UTF-8"))?.as_ref().into())
}

fn encode_query(ctx: NativeCallContext<'_>, map: &mut Map) -> Answer<ImmutableString> {
    let mut query = Text::new();
    for (name, value) in map.iter_mut() {
        if let Ok(mut array) = value.as_array_mut() {
            for value in array.iter_mut() {
                pair(&ctx, &mut query, name, value)?;
            }
            continue;
        }
        pair(&ctx, &mut query, name, value)?;
    }
    query.finish()
}

fn pair(ctx: &NativeCallContext<'_>, query: &mut Text, name: &str, value: &mut Dynamic) -> Answer<()> {
    if !query.is_empty() {
        query.push("&")?;
    }
    form(query, name)?;
    if value.is_unit() {
        return Ok(());
    }
    let mut text = Text::new();
    text.display(ctx, value)?;
    query.push("=")?;
    form(query, &text.finish()?)
}

/// The encoding of HTML forms.
fn form(query: &mut Text, text: &str) -> Answer<()> {
    form_urlencoded::byte_serialize(text.as_bytes()).try_for_each(|piece| query.push(piece))
}

fn parse_query(text: Dynamic) -> Answer<Map> {
    let text = string(text, "url::parse_query")?;
    let text = text.strip_prefix('?').unwrap_or(&text);
    let mut spending = Spending::default();
    let mut map = Map::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        spending.grow(name.len() + value.len() + 128)?;
        spending.work(name.len() + value.len() + 64)?;
        map.insert((&*name).into(), value.as_ref().into());
    }
    spending.settle()?;
    Ok::<_, Refusal>(map)
}
