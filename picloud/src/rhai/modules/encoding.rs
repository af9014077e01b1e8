//! `base64` and `hex`.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose},
};
use rhai::{Blob, Dynamic, ImmutableString};

use super::{Answer, Bytes, Library, afford, failure, string};

/// Padding is written, and may be missing when read.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
/// The same for the alphabet that is safe in addresses.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

pub(super) fn base64() -> Library {
    Library::new("base64", "Bytes as text of 64 characters (RFC 4648).")
        .add("encode(data: string | blob) -> string", "The standard alphabet, padded.", |data: Dynamic| {
            encode("base64::encode", data, &general_purpose::STANDARD)
        })
        .add(
            "encode_url(data: string | blob) -> string",
            "The alphabet that is safe in addresses, without padding.",
            |data: Dynamic| encode("base64::encode_url", data, &general_purpose::URL_SAFE_NO_PAD),
        )
        .add(
            "decode(text: string) -> blob",
            "Reads the standard alphabet; padding may be missing.",
            |text: Dynamic| decode("base64::decode", text, &STANDARD),
        )
        .add(
            "decode_url(text: string) -> blob",
            "Reads the alphabet that is safe in addresses; padding may be missing.",
            |text: Dynamic| decode("base64::decode_url", text, &URL_SAFE),
        )
}

fn encode(function: &str, data: Dynamic, engine: &GeneralPurpose) -> Answer<ImmutableString> {
    let data = Bytes::of(data, function)?;
    afford(data.len().div_ceil(3).saturating_mul(4))?;
    Ok(engine.encode(&*data).into())
}

fn decode(function: &str, text: Dynamic, engine: &GeneralPurpose) -> Answer<Blob> {
    let text = string(text, function)?;
    afford(text.len())?;
    engine.decode(text.trim()).map_err(|error| failure(function, error))
}

pub(super) fn hex() -> Library {
    Library::new("hex", "Bytes as hexadecimal text.")
        .add("encode(data: string | blob) -> string", "Two lower-case digits a byte.", |data: Dynamic| {
            let data = Bytes::of(data, "hex::encode")?;
            to_hex(&data)
        })
        .add("decode(text: string) -> blob", "Reads digits in either case.", |text: Dynamic| {
            let text = string(text, "hex::decode")?;
            afford(text.len())?;
            from_hex(&text).ok_or_else(|| failure("hex::decode", "expected pairs of hexadecimal digits"))
        })
}

/// Two lower-case digits a byte.
pub(super) fn to_hex(bytes: &[u8]) -> Answer<ImmutableString> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    afford(bytes.len().saturating_mul(2))?;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    Ok(text.into())
}

/// Nothing if `text` is not pairs of hexadecimal digits.
pub(super) fn from_hex(text: &str) -> Option<Blob> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}
