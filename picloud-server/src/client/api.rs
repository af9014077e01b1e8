//! The HTTP API as this program uses it: JSON in and out, problems as errors.

use std::{io::Read, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use ureq::{Agent, Body, http};

use super::credentials::Credentials;
use crate::cli::ServerArgs;

const DEFAULT_URL: &str = "http://127.0.0.1:8080";
/// Most bytes of an answer that are read.
const MAX_ANSWER: u64 = 256 * 1024 * 1024;

/// A server, and the token that lets us in.
pub(super) struct Api {
    pub(super) url: String,
    token: Option<String>,
    agent: Agent,
}

/// Why a call did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server answered with a problem.
    Problem(Box<Problem>),
    /// There was no answer, or none of this API.
    Other(String),
}

/// A problem of RFC 9457, as far as it matters here.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    pub(super) status: u16,
    #[serde(default)]
    pub(super) code: String,
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) detail: String,
    #[serde(default)]
    pub(super) errors: Vec<Mistake>,
}

/// What is wrong with one field.
#[derive(Debug, Deserialize)]
pub(super) struct Mistake {
    pub(super) field: String,
    pub(super) detail: String,
    /// In a script, as the column.
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
}

/// One page of a list.
#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

impl Api {
    /// The server that is meant: as given, else the one that was logged in to last, else the one on this machine.
    pub(super) fn new(given: &ServerArgs) -> Result<Self, String> {
        let kept = Credentials::load()?;
        let url = given.url.clone().or(kept.url).unwrap_or_else(|| DEFAULT_URL.to_owned());
        let url = url.trim_end_matches('/').to_owned();
        let token = given.token.clone().or_else(|| kept.tokens.get(&url).cloned());
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(10)))
            .user_agent(concat!("picloud/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { url, token, agent: agent.into() })
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call("GET", path, None)
    }

    /// A thing that may not be there.
    pub(super) fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Failure> {
        match self.get(path) {
            Ok(found) => Ok(Some(found)),
            Err(Failure::Problem(problem)) if problem.code == "not_found" => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// All pages of a list.
    pub(super) fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Failure> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page: Page<T> = self.get(&format!("{path}?limit=200{cursor}"))?;
            items.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
    }

    /// Sends JSON, and reads the answer as JSON; no content is `null`.
    pub(super) fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Failure> {
        let body = body
            .map(|body| (vec![("content-type".to_owned(), "application/json".to_owned())], body.to_string()));
        let (headers, body) = body.unwrap_or_default();
        let response = self.send(method, &format!("/api/v1/admin{path}"), &headers, body.into_bytes())?;
        let status = response.status();
        let text = read(response)?;
        if !status.is_success() {
            return Err(self.problem(status, &text));
        }
        let text = if text.is_empty() { b"null" } else { text.as_slice() };
        serde_json::from_slice(text).map_err(|error| {
            Failure::Other(format!("{}{path} gave no answer of this API: {error}", self.url))
        })
    }

    /// Sends anything, and gives whatever is answered. An app that has another slug now is found there.
    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Result<http::Response<Body>, Failure> {
        let answer = self.send_to(method, path, headers, body.clone())?;
        let location = answer.headers().get("location").and_then(|location| location.to_str().ok());
        // Never to another server: the token goes with it.
        match location.filter(|location| location.starts_with('/') && !location.starts_with("//")) {
            Some(moved) if answer.status() == http::StatusCode::PERMANENT_REDIRECT => {
                self.send_to(method, moved, headers, body)
            }
            _ => Ok(answer),
        }
    }

    fn send_to(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Result<http::Response<Body>, Failure> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let wrong =
            |error: http::Error| Failure::Other(format!("this cannot be sent to {}: {error}", self.url));
        let answer = if body.is_empty() && matches!(method, "GET" | "HEAD" | "DELETE" | "OPTIONS") {
            self.agent.run(request.body(()).map_err(wrong)?)
        } else {
            self.agent.run(request.body(body).map_err(wrong)?)
        };
        answer.map_err(|error| {
            Failure::Other(format!(
                "{} does not answer: {error}\nIs the server running there? Give another URL with --url or PICLOUD_URL.",
                self.url
            ))
        })
    }

    pub(super) fn problem(&self, status: http::StatusCode, text: &[u8]) -> Failure {
        match serde_json::from_slice::<Problem>(text) {
            Ok(problem) if !problem.code.is_empty() => Failure::Problem(Box::new(problem)),
            _ => Failure::Other(format!("{} answered {status}, and not as a PiCloud server does", self.url)),
        }
    }
}

/// The whole body of an answer.
pub(super) fn read(response: http::Response<Body>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let body = response.into_body().into_reader().take(MAX_ANSWER).read_to_end(&mut bytes);
    body.map_err(|error| Failure::Other(format!("the answer ended early: {error}")))?;
    Ok(bytes)
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Other(text)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let problem = match self {
            Self::Other(text) => return f.write_str(text),
            Self::Problem(problem) => problem,
        };
        let Problem { status, code, title, detail, errors } = &**problem;
        let told = if detail.is_empty() { title } else { detail };
        write!(f, "{told}")?;
        if code == "unauthorized" {
            write!(f, "\nLog in with `picloud login`, or give a token in PICLOUD_TOKEN.")?;
        }
        for Mistake { field, detail, .. } in errors.iter().filter(|mistake| mistake.detail != *told) {
            write!(f, "\n  {field}: {detail}")?;
        }
        write!(f, " ({status} {code})")
    }
}

/// Text for a path segment: all but what needs no escape.
pub(super) fn segment(text: &str) -> String {
    text.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
        path
    })
}
