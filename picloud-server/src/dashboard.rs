//! The dashboard: files built from `dashboard/`, embedded in the binary, and served below `/admin`.

use axum::{Router, body::Body, response::IntoResponse, routing::any};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri,
    header::{
        ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
        REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
    },
};
use picloud::{Code, Problem, check_path};

/// A built file, plain and, where it shrinks, compressed.
struct Asset {
    path: &'static str,
    plain: &'static [u8],
    br: Option<&'static [u8]>,
    gz: Option<&'static [u8]>,
}

/// All built files, ordered by path. The table is made by `dashboard/scripts/finish.js`.
const ASSETS: &[Asset] = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/dashboard/build/table.rs"));

/// The one page: it shows whatever its path says.
const PAGE: &str = "index.html";

/// Nothing but what the dashboard brings itself; no frames of it anywhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'";

/// Sent with every answer.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (VARY, HeaderValue::from_static("accept-encoding")),
];

/// Answers `/admin` and all below it.
pub(crate) fn router() -> Router {
    let all = any(async |method: Method, uri: Uri, headers: HeaderMap| answer(&method, uri.path(), &headers));
    Router::new().route("/admin", all.clone()).route("/admin/", all.clone()).route("/admin/{*path}", all)
}

fn answer(method: &Method, path: &str, headers: &HeaderMap) -> Response<Body> {
    if let Err(error) = check_path(path) {
        return refused(Code::InvalidPath, &error.to_string());
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut response = refused(Code::MethodNotAllowed, "The dashboard is only read.");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let path = path.strip_prefix("/admin").map_or(path, |rest| rest.trim_start_matches('/'));
    match find(path) {
        Some(asset) => file(asset, headers),
        // Left over from another release: pages that were open during an upgrade ask for it.
        None => refused(Code::NotFound, "The dashboard has no such file."),
    }
}

/// The file at a path; the page for every path that is not a file's.
fn find(path: &str) -> Option<&'static Asset> {
    let exact = |path: &str| ASSETS.binary_search_by(|asset| asset.path.cmp(path)).ok();
    let index = if path.starts_with("_app/") { exact(path) } else { exact(path).or_else(|| exact(PAGE)) };
    index.map(|index| &ASSETS[index])
}

fn refused(code: Code, detail: &str) -> Response<Body> {
    let mut response = Problem::new(code, detail).to_response().map(Body::from);
    response.headers_mut().extend(HEADERS.map(|(name, value)| (Some(name), value)));
    response
}

fn file(asset: &Asset, headers: &HeaderMap) -> Response<Body> {
    let (encoding, bytes) = encoded(asset, headers);
    let caching = if asset.path.starts_with("_app/immutable/") {
        HeaderValue::from_static("public, max-age=31536000, immutable")
    } else {
        HeaderValue::from_static("no-cache")
    };
    let mut response = (StatusCode::OK, HEADERS, Bytes::from_static(bytes)).into_response();
    let out = response.headers_mut();
    out.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(asset.path)));
    out.insert(CACHE_CONTROL, caching);
    out.extend(encoding.map(|name| (CONTENT_ENCODING, HeaderValue::from_static(name))));
    response
}

/// The smallest form that the client takes.
fn encoded(asset: &Asset, headers: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
    let forms = [("br", asset.br), ("gzip", asset.gz)];
    let wanted =
        forms.into_iter().find_map(|(name, bytes)| Some((name, bytes.filter(|_| accepts(headers, name))?)));
    wanted.map_or((None, asset.plain), |(name, bytes)| (Some(name), bytes))
}

/// Whether `Accept-Encoding` names a coding, and does not refuse it (RFC 9110 §12.5.3).
fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case(wanted) && !refused
    })
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use sha2::{Digest, Sha256};

    use super::*;

    fn asking(encodings: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(encodings))])
    }

    /// The answer to a path below `/admin`.
    fn get(path: &str, headers: &HeaderMap) -> Response<Body> {
        answer(&Method::GET, &format!("/admin{path}"), headers)
    }

    /// The path of a hashed script, below `/admin`.
    fn script() -> String {
        let is_it = |asset: &&Asset| asset.path.starts_with("_app/immutable/") && asset.path.ends_with(".js");
        ASSETS
            .iter()
            .filter(|asset| asset.br.is_some())
            .find(is_it)
            .map(|asset| format!("/{}", asset.path))
            .unwrap()
    }

    #[test]
    fn the_table_is_ordered_and_has_the_page() {
        assert!(ASSETS.is_sorted_by(|a, b| a.path < b.path));
        assert!(ASSETS.iter().any(|asset| asset.path == PAGE));
    }

    #[test]
    fn every_path_but_those_of_files_shows_the_page() {
        for path in ["", "/", "/apps/shop/logs", "/login", "/index.html", "/apps/a.b", "//x"] {
            let response = get(path, &HeaderMap::new());
            assert_eq!(response.status(), 200, "{path}");
            assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8", "{path}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-cache", "{path}");
        }
        for (path, status) in [("/_app/immutable/gone.js", 404), ("/../api", 400), ("/%2e%2e/x", 400)] {
            let response = get(path, &HeaderMap::new());
            assert_eq!(response.status(), status, "{path}");
            assert_eq!(response.headers()[CONTENT_SECURITY_POLICY], POLICY);
        }
        let posted = answer(&Method::POST, "/admin", &HeaderMap::new());
        assert_eq!(
            (posted.status().as_u16(), &posted.headers()[ALLOW]),
            (405, &HeaderValue::from_static("GET, HEAD"))
        );
    }

    #[test]
    fn hashed_files_are_kept_for_ever_and_every_answer_has_the_policy() {
        let response = get(&script(), &HeaderMap::new());
        assert_eq!(response.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(response.headers()[CONTENT_TYPE], "text/javascript; charset=utf-8");
        for path in ["", &script(), "/icon.svg"] {
            let response = get(path, &HeaderMap::new());
            assert_eq!(response.headers()[CONTENT_SECURITY_POLICY], POLICY);
            assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        }
    }

    #[test]
    fn the_smallest_form_that_the_client_takes_is_sent() {
        for (encodings, sent) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("gzip", Some("gzip")),
            ("GZIP;q=0.5", Some("gzip")),
            ("br;q=0, gzip", Some("gzip")),
            ("identity", None),
            ("", None),
        ] {
            let response = get(&script(), &asking(encodings));
            let encoding = response.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap());
            assert_eq!(encoding, sent, "{encodings}");
        }
    }

    /// The page refuses inline scripts and styles, so it must have none.
    #[test]
    fn the_page_has_nothing_inline() {
        let page = ASSETS.iter().find(|asset| asset.path == PAGE).unwrap();
        let text = std::str::from_utf8(page.plain).unwrap();
        assert!(
            !text.contains("<script>") && !text.contains("<style") && !text.contains(" style="),
            "{text}"
        );
    }

    /// Paths below the dashboard's folder, as `scripts/sources.js` lists them.
    fn sources(root: &std::path::Path) -> Vec<String> {
        let files =
            ["package-lock.json", "package.json", "svelte.config.js", "tsconfig.json", "vite.config.ts"];
        let mut paths: Vec<String> = files.map(str::to_owned).into();
        let mut folders: Vec<PathBuf> = ["scripts", "src", "static"].map(|name| root.join(name)).into();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let relative = path.strip_prefix(root).unwrap().to_str().unwrap();
                    paths.push(relative.replace('\\', "/"));
                }
            }
        }
        paths.retain(|path| !path.contains(".test."));
        paths.sort_unstable();
        paths
    }

    #[test]
    fn the_built_files_are_as_new_as_their_sources() {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/dashboard"));
        let mut hash = Sha256::new();
        for path in sources(&root) {
            let bytes = fs::read(root.join(&path)).unwrap();
            hash.update(format!("{path}\n{}\n", bytes.len()));
            hash.update(bytes);
        }
        let now: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let built = fs::read_to_string(root.join("build/sources.sha256")).unwrap();
        assert_eq!(built.trim(), now, "run `npm run build` in picloud-server/dashboard and commit build/");
    }
}
