//! What a trusted proxy says of the client that it stands for, and that nobody else can say it.
//!
//! The rightmost address that is not a trusted proxy's is the client's: what stands left of it is only what the client
//! itself claims. `X-Forwarded-For` goes before `Forwarded` (RFC 7239): common proxies write the first and pass on the
//! second as it came.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use picloud::{Client, RequestId, Scheme};

use super::network::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Who sends a request that came from `peer`, which is no proxy of ours; what it says of others is taken out.
pub(super) fn direct<B>(request: &mut Request<B>, peer: IpAddr) -> Client {
    let headers = request.headers_mut();
    if headers.keys().any(is_forwarding) {
        let names: Vec<HeaderName> = headers.keys().filter(|name| is_forwarding(name)).cloned().collect();
        for name in names {
            headers.remove(name);
        }
    }
    Client { ip: peer, scheme: Scheme::Http }
}

/// Whether only a proxy may say this. A trace of somebody else's is not continued either (Trace Context §4.3).
fn is_forwarding(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("x-forwarded-")
        || matches!(name, "forwarded" | "x-real-ip" | "traceparent" | "tracestate")
}

/// For whom the trusted proxy at `peer` sends a request. The host and the trace that it gives take their places in the
/// request.
pub(super) fn proxied<B>(request: &mut Request<B>, peer: IpAddr, trusted: &[Network]) -> Client {
    let headers = request.headers();
    let said = if headers.contains_key(X_FORWARDED_FOR) || !headers.contains_key(header::FORWARDED) {
        by_x_forwarded(headers, trusted)
    } else {
        by_forwarded(headers, trusted)
    };
    let headers = request.headers_mut();
    // Two hosts stay two, and are refused.
    if let Some(host) = said.host
        && headers.get_all(header::HOST).iter().nth(1).is_none()
    {
        headers.insert(header::HOST, host);
    }
    trace(request);
    Client { ip: said.ip.unwrap_or(peer), scheme: said.scheme.unwrap_or_default() }
}

/// What was said; `None` where nothing usable was.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    ip: Option<IpAddr>,
    scheme: Option<Scheme>,
    host: Option<HeaderValue>,
}

fn by_x_forwarded(headers: &HeaderMap, trusted: &[Network]) -> Said {
    let mut ip = None;
    for node in backwards(headers, X_FORWARDED_FOR) {
        let Some(address) = address(node) else { break };
        ip = Some(address);
        if !is_trusted(address, trusted) {
            break;
        }
    }
    let scheme = backwards(headers, X_FORWARDED_PROTO).next().and_then(scheme);
    // Never a part of a list: a client's `Host: a.test,b.test`, passed on here, would name `b.test`.
    let host = headers.get_all(X_FORWARDED_HOST).iter().next_back().cloned();
    Said { ip, scheme, host }
}

fn by_forwarded(headers: &HeaderMap, trusted: &[Network]) -> Said {
    let mut said = Said::default();
    let lines = headers.get_all(header::FORWARDED).iter().rev().filter_map(|line| line.to_str().ok());
    for element in lines.flat_map(|line| split(line, ',').into_iter().rev()) {
        let pairs = split(element, ';');
        let value = |wanted: &str| {
            let mut found = pairs.iter().filter_map(|pair| pair.trim().split_once('='));
            found
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.trim_matches('"'))
        };
        // Each element was written by the proxy on its right, which is trusted, about the request as it came there.
        said.scheme = value("proto").and_then(scheme);
        said.host = value("host").and_then(|host| HeaderValue::from_str(host).ok());
        let Some(address) = value("for").and_then(address) else { break };
        said.ip = Some(address);
        if !is_trusted(address, trusted) {
            break;
        }
    }
    said
}

/// The parts of a list header, the last one first.
fn backwards(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).iter().rev().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.rsplit(',')).map(str::trim)
}

/// Splits where `separator` stands outside of quotes. Escapes in quotes matter to nobody: no address has any.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .collect()
}

/// An address with or without port, brackets or quotes.
fn address(node: &str) -> Option<IpAddr> {
    let node = node.trim_matches('"');
    let bare = node.strip_prefix('[').and_then(|node| node.strip_suffix(']')).unwrap_or(node);
    let address = bare.parse().ok().or_else(|| node.parse().ok().map(|with_port: SocketAddr| with_port.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

fn scheme(text: &str) -> Option<Scheme> {
    match text {
        _ if text.eq_ignore_ascii_case("https") => Some(Scheme::Https),
        _ if text.eq_ignore_ascii_case("http") => Some(Scheme::Http),
        _ => None,
    }
}

/// Whether the address is one of our proxies.
pub(super) fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// Continues the proxy's trace with this request as the newest part of it.
///
/// The id stays ours, whatever `X-Request-Id` says: common proxies pass on their client's, and a run whose id somebody
/// else has chosen could hide behind another's in the log.
fn trace<B>(request: &mut Request<B>) {
    if !request.headers().contains_key(TRACEPARENT) {
        return;
    }
    let id = RequestId::new();
    match one(request.headers(), &TRACEPARENT).and_then(|parent| continued(parent, id)) {
        Some(trace) => {
            request.headers_mut().insert(TRACEPARENT, trace);
            request.extensions_mut().insert(id);
        }
        // The state belongs to a trace that is not there (Trace Context §3.2).
        None => {
            request.headers_mut().remove(TRACEPARENT);
            request.headers_mut().remove(TRACESTATE);
        }
    }
}

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    first.filter(|_| values.next().is_none())?.to_str().ok()
}

/// `version-trace-parent-flags` with our part in the parent's place (Trace Context §3.2.2).
fn continued(traceparent: &str, id: RequestId) -> Option<HeaderValue> {
    let mut fields = traceparent.split('-');
    let (version, trace) = (fields.next()?, fields.next()?);
    let (parent, flags) = (fields.next()?, fields.next()?);
    let hex = |text: &str, len| {
        text.len() == len && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let nonzero = |text: &str| text.bytes().any(|b| b != b'0');
    // Later versions may add fields.
    let known = hex(version, 2) && version != "ff" && (version != "00" || fields.next().is_none());
    let valid = hex(trace, 32) && nonzero(trace) && hex(parent, 16) && nonzero(parent) && hex(flags, 2);
    if !known || !valid {
        return None;
    }
    let part = id.low_bits().max(1);
    HeaderValue::from_str(&format!("00-{trace}-{part:016x}-{flags}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().header("host", "a.test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    /// Client and host of a request that came from the proxy 10.0.0.1.
    fn seen(headers: &[(&str, &str)]) -> (String, &'static str, String) {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        let mut request = request(headers);
        let Client { ip, scheme } = proxied(&mut request, [10, 0, 0, 1].into(), &trusted);
        let host = request.headers()["host"].to_str().unwrap().to_owned();
        (ip.to_string(), scheme.as_str(), host)
    }

    #[track_caller]
    fn check(headers: &[(&str, &str)], ip: &str, scheme: &str, host: &str) {
        let found = seen(headers);
        assert_eq!((found.0.as_str(), found.1, found.2.as_str()), (ip, scheme, host), "{headers:?}");
    }

    #[test]
    fn the_rightmost_address_that_is_not_a_proxys_is_the_clients() {
        let of = |value: &'static str, ip| check(&[("x-forwarded-for", value)], ip, "http", "a.test");
        of("192.0.2.7", "192.0.2.7");
        of("6.6.6.6, 192.0.2.7", "192.0.2.7");
        of("6.6.6.6,192.0.2.7, 10.1.1.1,10.2.2.2", "192.0.2.7");
        of("10.1.1.1", "10.1.1.1");
        of("192.0.2.7:4711", "192.0.2.7");
        of("2001:db8::1, [2001:dead::2]:80", "2001:dead::2");
        of("::ffff:192.0.2.7", "192.0.2.7");
        // What nobody can read hides all that stands left of it.
        of("6.6.6.6, unknown, 10.1.1.1", "10.1.1.1");
        of("unknown", "10.0.0.1");
        of("", "10.0.0.1");
        check(
            &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.7")],
            "192.0.2.7",
            "http",
            "a.test",
        );
        check(&[], "10.0.0.1", "http", "a.test");
    }

    #[test]
    fn scheme_and_host_are_the_nearest_proxys() {
        let with = |name, value, scheme, host| check(&[(name, value)], "10.0.0.1", scheme, host);
        with("x-forwarded-proto", "https", "https", "a.test");
        with("x-forwarded-proto", "http, HTTPS", "https", "a.test");
        with("x-forwarded-proto", "gopher", "http", "a.test");
        with("x-forwarded-host", "b.test", "http", "b.test");
        with("x-forwarded-host", "b.test:8443", "http", "b.test:8443");
        // No list: this is no host, and will be refused.
        with("x-forwarded-host", "a.test,b.test", "http", "a.test,b.test");
    }

    #[test]
    fn forwarded_is_read_where_the_other_is_not_there() {
        let of = |value: &'static str, ip, scheme, host| check(&[("forwarded", value)], ip, scheme, host);
        of("for=192.0.2.7;proto=https;host=b.test", "192.0.2.7", "https", "b.test");
        of("For=\"[2001:dead::2]:80\" ; Proto=HTTPS", "2001:dead::2", "https", "a.test");
        of(
            "for=6.6.6.6;host=evil.test, for=192.0.2.7;host=b.test, for=10.1.1.1;host=c.test",
            "192.0.2.7",
            "http",
            "b.test",
        );
        of("for=6.6.6.6, for=_hidden;proto=https", "10.0.0.1", "https", "a.test");
        of("for=\"192.0.2.7,6.6.6.6\"", "10.0.0.1", "http", "a.test");
        let both = [("forwarded", "for=6.6.6.6;host=evil.test"), ("x-forwarded-for", "192.0.2.7")];
        check(&both, "192.0.2.7", "http", "a.test");
    }

    #[test]
    fn who_is_no_proxy_says_nothing_of_others() {
        let mut request = request(&[
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-host", "evil.test"),
            ("x-forwarded-anything", "1"),
            ("x-real-ip", "6.6.6.6"),
            ("forwarded", "for=6.6.6.6"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ("x-request-id", "0123456789abcdef0123456789abcdef"),
        ]);
        let client = direct(&mut request, [192, 0, 2, 7].into());
        assert_eq!(client, Client { ip: [192, 0, 2, 7].into(), scheme: Scheme::Http });
        // The last one is data like any other; the id of the request it is not.
        let left: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["host", "x-request-id"]);
        assert!(request.extensions().get::<RequestId>().is_none());
    }

    #[test]
    fn two_hosts_stay_two() {
        let mut request = request(&[("host", "b.test"), ("x-forwarded-host", "c.test")]);
        proxied(&mut request, [10, 0, 0, 1].into(), &[]);
        assert_eq!(request.headers().get_all("host").iter().count(), 2);
    }

    #[test]
    fn the_id_of_a_request_is_nobody_elses_choice() {
        let id = ("x-request-id", "01234567-89ab-cdef-8123-456789abcdef");
        let trace = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let mut request = request(&[id, trace]);
        proxied(&mut request, [10, 0, 0, 1].into(), &[]);
        assert_ne!(request.extensions().get::<RequestId>().unwrap().to_string(), id.1);
        assert_eq!(request.headers()["x-request-id"], id.1, "data like any other");
    }

    #[test]
    fn a_good_trace_goes_on_and_a_bad_one_is_dropped() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let after = |parent: &str| {
            let mut request = request(&[("traceparent", parent), ("tracestate", "a=1")]);
            proxied(&mut request, [10, 0, 0, 1].into(), &[]);
            let kept = request.headers().contains_key("tracestate");
            let trace = request.headers().get("traceparent").map(|v| v.to_str().unwrap().to_owned());
            assert_eq!(kept, trace.is_some());
            // Its newest part is the end of the request's own id.
            let id = request.extensions().get::<RequestId>().map(|id| format!("{:016x}", id.low_bits()));
            trace.map(|trace| trace.replace(&id.unwrap(), "OURS"))
        };
        let expected = format!("00-{trace}-OURS-01");
        for good in [format!("00-{trace}-b7ad6b7169203331-01"), format!("cc-{trace}-b7ad6b7169203331-01-new")]
        {
            assert_eq!(after(&good).as_ref(), Some(&expected), "{good}");
        }
        for bad in [
            format!("00-{trace}-b7ad6b7169203331-01-new"),
            format!("ff-{trace}-b7ad6b7169203331-01"),
            format!("00-{trace}-0000000000000000-01"),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{}-b7ad6b7169203331-01", trace.to_uppercase()),
            "00".to_owned(),
            String::new(),
        ] {
            assert_eq!(after(&bad), None, "{bad}");
        }
    }
}
