//! Why a request was refused before any service saw it, and the answer that says so.

use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use picloud::{Code, Problem, RequestId};

/// A request the front does not let through. One variant for each answer a client may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The first line is not `METHOD target HTTP/1.x`.
    RequestLine,
    /// A client that speaks HTTP/2 at an HTTP/1 port.
    Http2,
    /// Any version but 1.0 and 1.1.
    Version,
    /// The request target is longer than the limit.
    TargetTooLong,
    /// A control character, bare CR or bare LF in the head.
    ForbiddenByte,
    /// A header line without a proper name, or a folded one.
    Header,
    /// The head is larger than the limit.
    HeadTooLarge,
    /// More header lines than the limit.
    TooManyHeaders,
    /// `Content-Length` twice, or not a plain number.
    ContentLength,
    /// `Transfer-Encoding` twice, in HTTP/1.0, or anything but `chunked`.
    TransferEncoding,
    /// Both `Content-Length` and `Transfer-Encoding`.
    TwoLengths,
    /// A chunk that breaks the chunked coding.
    Chunk,
    /// More chunk extension than anyone needs.
    ChunkExtension,
    /// Trailer fields that are malformed or too large.
    Trailer,
    /// The head did not arrive in time.
    HeadTimeout,
    /// The body stopped arriving.
    BodyTimeout,
    /// No `Host`, several, or not a host name.
    Host,
    /// The target names another host than `Host` does.
    HostMismatch,
    /// A target form or path this server does not take.
    Path,
    /// `CONNECT` or `TRACE`.
    Method,
}

impl Refusal {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        self.code().status()
    }

    /// The stable name of the refusal.
    pub fn code(self) -> Code {
        self.parts().0
    }

    /// The answer for a request that hyper has parsed; the connection is closed after it.
    pub fn response(self) -> Response<Full<Bytes>> {
        let (code, detail) = self.parts();
        let id = RequestId::new();
        let mut response = Problem::new(code, detail).with_request_id(Some(id)).to_response().map(Full::new);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
            headers.insert("x-request-id", id);
        }
        if self == Self::Method {
            let allowed = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
            headers.insert(header::ALLOW, allowed);
        }
        response
    }

    /// The whole answer as bytes, for a request that never reached hyper.
    pub(super) fn wire(self) -> Vec<u8> {
        let (code, detail) = self.parts();
        let id = RequestId::new();
        let body = Problem::new(code, detail).with_request_id(Some(id)).to_json();
        let date = httpdate::fmt_http_date(std::time::SystemTime::now());
        let status = code.status();
        let mut wire = format!(
            "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
             cache-control: no-store\r\nconnection: close\r\nx-request-id: {id}\r\ndate: {date}\r\n\r\n",
            status.as_u16(),
            status.canonical_reason().unwrap_or("Error"),
            body.len(),
        )
        .into_bytes();
        wire.extend_from_slice(&body);
        wire
    }

    fn parts(self) -> (Code, &'static str) {
        match self {
            Self::RequestLine => (Code::Malformed, "The request line is not valid HTTP/1.1."),
            Self::Http2 => (Code::Malformed, "This port speaks HTTP/1.1 only."),
            Self::Version => (Code::Malformed, "The HTTP version must be 1.1 or 1.0."),
            Self::ForbiddenByte => {
                (Code::Malformed, "The request head holds a control character, a bare CR or a bare LF.")
            }
            Self::Header => (Code::Malformed, "A header line is not a name, a colon and a value."),
            Self::TargetTooLong => (Code::LimitUri, "The request target is longer than the limit."),
            Self::HeadTooLarge => (Code::LimitHeaders, "The request head is larger than the limit."),
            Self::TooManyHeaders => (Code::LimitHeaders, "The request has too many header lines."),
            Self::ContentLength => (Code::Malformed, "Content-Length must be given once, as a plain number."),
            Self::TransferEncoding => {
                (Code::Malformed, "Transfer-Encoding must be chunked, once, in HTTP/1.1.")
            }
            Self::TwoLengths => {
                (Code::Malformed, "A request may not have Content-Length and Transfer-Encoding.")
            }
            Self::Chunk => (Code::Malformed, "The chunked request body is malformed."),
            Self::ChunkExtension => (Code::Malformed, "The chunk extensions are larger than the limit."),
            Self::Trailer => (Code::Malformed, "The trailer fields are malformed or too large."),
            Self::HeadTimeout => (Code::RequestTimeout, "The request head did not arrive in time."),
            Self::BodyTimeout => (Code::RequestTimeout, "The request body stopped arriving."),
            Self::Host => (Code::InvalidHost, "A request must have exactly one valid Host."),
            Self::HostMismatch => (Code::InvalidHost, "The request target and Host name different hosts."),
            Self::Path => (Code::InvalidPath, "The request target is not a path this server takes."),
            Self::Method => (Code::MethodNotAllowed, "CONNECT and TRACE are not served."),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.parts().1)
    }
}

impl std::error::Error for Refusal {}

/// The refusal at the bottom of a body error, if the front is what ended the body.
///
/// A service that reads a request body gets the body's error from hyper; this finds out whether the
/// body was malformed or slow, so that the answer can carry the right status.
pub fn refusal_in(error: &(dyn std::error::Error + 'static)) -> Option<Refusal> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return Some(*refusal);
        }
        if let Some(refusal) = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .and_then(|inner| inner.downcast_ref::<Refusal>())
        {
            return Some(*refusal);
        }
        next = error.source();
    }
    None
}
