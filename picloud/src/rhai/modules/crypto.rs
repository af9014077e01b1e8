//! `crypto`: hashes, signatures of webhooks, random bytes.

use hmac::{Hmac, KeyInit, Mac};
use rhai::{Blob, Dynamic, ImmutableString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    Answer, Bytes, Library, cost,
    encoding::{from_hex, to_hex},
    failure,
};
use crate::rhai::budget;

/// What `random_bytes` gives at most.
const MAX_RANDOM: i64 = 64 * 1024;
/// Hashed between two looks at the budget, about a tenth of a millisecond.
const PIECE: usize = 32 * 1024;

pub(super) fn crypto() -> Library {
    let library = Library::new("crypto", "Hashes, signatures of webhooks, random bytes.");
    hashes(library)
        .add(
            "random_bytes(count: integer) -> blob",
            "0 to 65,536 bytes from the operating system.",
            random_bytes,
        )
        .add("uuid() -> string", "A random UUID (version 4).", uuid)
}

fn hashes(library: Library) -> Library {
    library
        .add("sha256(data: string | blob) -> string", "The hash in lower-case hexadecimal.", |data: Dynamic| {
            to_hex(&sha256("crypto::sha256", data)?)
        })
        .add("sha256_bytes(data: string | blob) -> blob", "The hash as 32 bytes.", |data: Dynamic| {
            sha256("crypto::sha256_bytes", data).map(Blob::from)
        })
        .add(
            "hmac_sha256(key: string | blob, message: string | blob) -> string",
            "The signature of a message in lower-case hexadecimal.",
            |key: Dynamic, message: Dynamic| to_hex(&hmac_sha256("crypto::hmac_sha256", key, message)?),
        )
        .add(
            "hmac_sha256_bytes(key: string | blob, message: string | blob) -> blob",
            "The signature of a message as 32 bytes.",
            |key: Dynamic, message: Dynamic| {
                hmac_sha256("crypto::hmac_sha256_bytes", key, message).map(Blob::from)
            },
        )
        .add(
            "verify_hmac_sha256(key: string | blob, message: string | blob, signature: string | blob) -> bool",
            "Whether the signature fits, compared in constant time. It is a hexadecimal string in either case, with or \
             without `sha256=` before it, or a blob; anything else, `()` included, does not fit.",
            verify,
        )
}

fn sha256(function: &str, data: Dynamic) -> Answer<[u8; 32]> {
    let data = Bytes::of(data, function)?;
    let mut hash = Sha256::new();
    for piece in data.chunks(PIECE) {
        // Ten times the cost of copying.
        cost::work(piece.len().saturating_mul(10))?;
        hash.update(piece);
    }
    Ok(hash.finalize().into())
}

fn hmac_sha256(function: &str, key: Dynamic, message: Dynamic) -> Answer<[u8; 32]> {
    let key = Bytes::of(key, function)?;
    let message = Bytes::of(message, function)?;
    cost::work(key.len().saturating_mul(10))?;
    let mut code = Hmac::<Sha256>::new_from_slice(&key).map_err(|error| failure(function, error))?;
    for piece in message.chunks(PIECE) {
        cost::work(piece.len().saturating_mul(10))?;
        code.update(piece);
    }
    Ok(code.finalize().into_bytes().into())
}

fn verify(key: Dynamic, message: Dynamic, signature: Dynamic) -> Answer<bool> {
    let code = hmac_sha256("crypto::verify_hmac_sha256", key, message)?;
    let signature = if let Ok(text) = signature.as_immutable_string_ref() {
        let digits = text.strip_prefix("sha256=").unwrap_or(&text);
        // Nothing longer can fit, and need not be decoded.
        if digits.len() == 64 { from_hex(digits) } else { None }
    } else {
        signature.as_blob_ref().ok().map(|blob| blob.to_vec())
    };
    // Only the length, which is no secret, decides early.
    Ok(signature.is_some_and(|signature| signature.ct_eq(&code).into()))
}

fn random_bytes(count: i64) -> Answer<Blob> {
    const NAME: &str = "crypto::random_bytes";
    if !(0..=MAX_RANDOM).contains(&count) {
        return Err(failure(NAME, format_args!("the count must be from 0 to {MAX_RANDOM}, not {count}")));
    }
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(0)];
    cost::work(bytes.len().saturating_mul(10))?;
    fill(NAME, &mut bytes)?;
    Ok(bytes)
}

/// Random bytes from where the run is.
fn fill(function: &str, bytes: &mut [u8]) -> Answer<()> {
    budget::surroundings().fill(bytes).map_err(|error| failure(function, error))
}

fn uuid() -> Answer<ImmutableString> {
    let mut bytes = [0; 16];
    fill("crypto::uuid", &mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string().into())
}
