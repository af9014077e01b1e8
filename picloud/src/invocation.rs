//! One event bound to one script, with all that is needed to run it.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use bytes::Bytes;
use http::{Extensions, HeaderMap, Method};
use serde::{Deserialize, Serialize};

use crate::{Script, app::new_v7};

/// One event bound to one script.
#[derive(Debug)]
pub struct Invocation {
    /// What to run.
    pub script: Arc<Script>,
    /// What happened.
    pub event: Event,
    /// Names this run in logs and in the answer's `x-request-id`.
    pub request_id: RequestId,
}

/// What a script runs for.
#[derive(Debug)]
pub enum Event {
    /// An HTTP request that a route matched.
    Http(Box<HttpEvent>),
    /// Anything else, with its payload as `ctx.event`.
    Other {
        /// The kind, as `ctx.trigger`: `cron`, `queue`, `email`, `event`, `invoke` or `test`.
        trigger: Arc<str>,
        /// The payload.
        payload: serde_json::Value,
    },
}

/// An HTTP request after dispatch.
#[derive(Debug, Default)]
pub struct HttpEvent {
    /// The method as received.
    pub method: Method,
    /// `http` or `https`, as the client saw it.
    pub scheme: Scheme,
    /// Lower-case host name without port; empty where the embedder does not dispatch by host.
    pub host: Arc<str>,
    /// The raw path, percent-encoding untouched.
    pub path: String,
    /// The raw query without `?`.
    pub query: Option<String>,
    /// The pattern of the route that matched.
    pub route: Arc<str>,
    /// The client's address, if known.
    pub ip: Option<IpAddr>,
    /// Captures of the route, decoded once.
    pub params: Params,
    /// Captures of the domain.
    pub host_params: Params,
    /// All headers, as received.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// What the service around has put into the request's extensions. Host functions can see it, scripts cannot.
    pub extensions: Extensions,
    /// Whether somebody made it up to try a script: `ctx.trigger` is then `test` and not `http`.
    pub test: bool,
}

/// Captured names and values, in the order of the pattern.
pub type Params = Vec<(Arc<str>, String)>;

/// How the client reached us.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP.
    #[default]
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// `"http"` or `"https"`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Names one run: a UUIDv7 in its usual text form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(uuid::Uuid);

impl From<uuid::Uuid> for RequestId {
    fn from(id: uuid::Uuid) -> Self {
        Self(id)
    }
}

impl From<RequestId> for uuid::Uuid {
    fn from(id: RequestId) -> Self {
        id.0
    }
}

impl FromStr for RequestId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        uuid::Uuid::parse_str(text).map(Self)
    }
}

impl RequestId {
    /// A new id from the system clock and the operating system's random numbers.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "a default id would be a different one each time")]
    pub fn new() -> Self {
        Self(new_v7())
    }

    /// An id from milliseconds since 1970 and 80 random bits.
    #[must_use]
    pub fn from_parts(unix_millis: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_millis, &random).into_uuid())
    }

    /// An id that somebody else has given: a UUID, with or without hyphens. `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Other forms that `uuid` reads, with braces or a prefix, are nobody's request ids.
        let plain = matches!(text.len(), 32 | 36).then_some(text)?;
        uuid::Uuid::try_parse(plain).ok().map(Self)
    }

    /// The last 64 bits: random in an id of ours.
    #[must_use]
    pub fn low_bits(self) -> u64 {
        self.0.as_u64_pair().1
    }

    /// Writes the 36 characters of the text form into `buffer`.
    pub fn encode(self, buffer: &mut [u8; 36]) -> &str {
        self.0.hyphenated().encode_lower(buffer)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
