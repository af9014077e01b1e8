//! `ctx`: the event as a script sees it. Parts are computed when they are touched, and then kept.

use std::{cell::OnceCell, sync::Arc};

use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use rhai::{Blob, Dynamic, EvalAltResult, ImmutableString, Map};

use super::{answer::ErrorValue, budget, json, library::Catalog};
use crate::{DefinitionKind, Event, HttpEvent, Invocation, Params};

type Native<T> = Result<T, Box<EvalAltResult>>;

/// The value of `ctx`. Cheap to clone.
#[derive(Clone)]
pub(super) struct Ctx(Arc<Invocation>);

/// Parts of `ctx` that have been computed. Kept with the run, so that their memory is the run's.
#[derive(Default)]
pub(super) struct Parts {
    headers: OnceCell<Map>,
    cookies: OnceCell<Map>,
    query: OnceCell<Map>,
    body: OnceCell<Dynamic>,
}

impl Ctx {
    pub(super) fn new(invocation: Arc<Invocation>) -> Self {
        Self(invocation)
    }

    /// The request, if the event is one.
    pub(super) fn http(&self) -> Option<&HttpEvent> {
        match &self.0.event {
            Event::Http(request) => Some(request),
            Event::Other { .. } => None,
        }
    }

    /// A text of the request; `()` for other events.
    fn text_of(&self, f: impl FnOnce(&HttpEvent) -> ImmutableString) -> Dynamic {
        self.http().map_or(Dynamic::UNIT, |request| f(request).into())
    }

    fn captures(&self, f: impl FnOnce(&HttpEvent) -> &Params) -> Dynamic {
        // One by one: collecting would sort them in a vector first.
        let mut map = Map::new();
        for (name, value) in self.http().map(f).into_iter().flatten() {
            map.insert(name.as_ref().into(), value.as_str().into());
        }
        Dynamic::from_map(map)
    }

    fn headers(&self) -> Native<Dynamic> {
        let compute = || self.http().map(|r| header_map(&r.headers)).unwrap_or_default();
        budget::try_run(|run, _| hand_out(run.parts.headers.get_or_init(compute)))
    }

    fn cookies(&self) -> Native<Dynamic> {
        let compute = || self.http().map(|r| cookie_map(&r.headers)).unwrap_or_default();
        budget::try_run(|run, _| hand_out(run.parts.cookies.get_or_init(compute)))
    }

    fn query(&self) -> Native<Dynamic> {
        budget::try_run(|run, _| hand_out(run.parts.query.get_or_init(|| last_values(self.query_text()))))
    }

    fn query_all(&self) -> Native<Map> {
        budget::charge(self.query_text().len() / 16)?;
        let mut all = Map::new();
        for (name, value) in form_urlencoded::parse(self.query_text().as_bytes()) {
            let values = all.entry(name.as_ref().into()).or_insert_with(|| Dynamic::from_array(Vec::new()));
            if let Ok(mut values) = values.as_array_mut() {
                values.push(value.as_ref().into());
            }
        }
        Ok(all)
    }

    fn query_text(&self) -> &str {
        self.http().and_then(|request| request.query.as_deref()).unwrap_or_default()
    }

    fn raw_body(&self) -> &[u8] {
        self.http().map_or(&[], |request| &request.body)
    }

    /// The body by its content type.
    fn body(&self) -> Native<Dynamic> {
        budget::try_run(|run, _| {
            budget::charge(self.raw_body().len() / 64)?;
            if let Some(body) = run.parts.body.get() {
                return Ok(body.clone());
            }
            let body = self.read_body()?;
            Ok(run.parts.body.get_or_init(|| body).clone())
        })
    }

    fn read_body(&self) -> Native<Dynamic> {
        if self.raw_body().is_empty() {
            return Ok(Dynamic::UNIT);
        }
        match BodyKind::of(self.http()) {
            BodyKind::Json => self.json(),
            BodyKind::Form => Ok(self.form()?.into()),
            BodyKind::Text => Ok(self.text()?.into()),
            BodyKind::Bytes => Ok(Dynamic::from_blob(self.bytes()?)),
        }
    }

    fn text(&self) -> Native<ImmutableString> {
        let body = self.raw_body();
        budget::reserve(body.len())?;
        budget::charge(body.len() / 64)?;
        let text = std::str::from_utf8(body);
        text.map(Into::into).map_err(|e| bad_request(format!("the body is not UTF-8 text: {e}")))
    }

    fn json(&self) -> Native<Dynamic> {
        let body = self.raw_body();
        budget::charge(body.len() / 16)?;
        let depth = budget::try_run(|run, _| Ok(run.limits().data_depth))?;
        json::parse(body, usize::try_from(depth).unwrap_or(usize::MAX)).map_err(|error| match error {
            json::JsonError::Refused(refusal) => refusal,
            other => bad_request(format!("the body is not valid JSON: {other}")),
        })
    }

    fn form(&self) -> Native<Map> {
        let text = self.text()?;
        budget::reserve(text.len().saturating_mul(8))?;
        Ok(last_values(&text))
    }

    fn bytes(&self) -> Native<Blob> {
        budget::reserve(self.raw_body().len())?;
        budget::charge(self.raw_body().len() / 64)?;
        Ok(self.raw_body().to_vec())
    }

    fn event(&self) -> Native<Dynamic> {
        match &self.0.event {
            Event::Http(_) => Ok(Dynamic::UNIT),
            Event::Other { payload, .. } => Ok(json::from_value(payload)),
        }
    }

    fn trigger(&self) -> ImmutableString {
        match &self.0.event {
            Event::Http(request) if request.test => "test".into(),
            Event::Http(_) => "http".into(),
            Event::Other { trigger, .. } => trigger.as_ref().into(),
        }
    }
}

/// A copy of a kept map, charged by its size.
fn hand_out(map: &Map) -> Native<Dynamic> {
    budget::charge(map.len())?;
    Ok(Dynamic::from_map(map.clone()))
}

/// The caller sent what cannot be read: that is 400, unless the script catches it.
fn bad_request(message: String) -> Box<EvalAltResult> {
    ErrorValue::new(400, message).into()
}

/// How `ctx.body` reads a body.
enum BodyKind {
    Json,
    Form,
    Text,
    Bytes,
}

impl BodyKind {
    fn of(request: Option<&HttpEvent>) -> Self {
        let value = request.and_then(|r| r.headers.get(header::CONTENT_TYPE)).and_then(|v| v.to_str().ok());
        let essence =
            value.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::Form,
            other if other.ends_with("+json") => Self::Json,
            other if other.starts_with("text/") => Self::Text,
            _ => Self::Bytes,
        }
    }
}

/// Names lower-case (they are in `http`), repeated values joined with `, `; cookies with `; ` (RFC 9113 §8.2.3).
fn header_map(headers: &HeaderMap) -> Map {
    let mut map = Map::new();
    for name in headers.keys() {
        let joint = if name == header::COOKIE { "; " } else { ", " };
        let values: Vec<_> =
            headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
        map.insert(name.as_str().into(), values.join(joint).into());
    }
    map
}

/// Names and values as sent (RFC 6265 §4.2), percent-decoded values where that gives text; the first of a name wins.
fn cookie_map(headers: &HeaderMap) -> Map {
    let mut map = Map::new();
    for line in headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()) {
        for (name, value) in line.split(';').filter_map(|pair| pair.trim().split_once('=')) {
            let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
            let decoded =
                percent_decode_str(value).decode_utf8().map_or_else(|_| value.to_owned(), Into::into);
            map.entry(name.into()).or_insert_with(|| decoded.into());
        }
    }
    map
}

fn last_values(encoded: &str) -> Map {
    form_urlencoded::parse(encoded.as_bytes())
        .map(|(name, value)| (name.as_ref().into(), value.as_ref().into()))
        .collect()
}

/// What `ctx` is called in descriptions.
const CTX: &str = "ctx";

/// Registers `ctx`'s type.
pub(super) fn register(catalog: &mut Catalog<'_>) {
    catalog.engine.register_type_with_name::<Ctx>("Ctx");
    catalog.tell(
        DefinitionKind::Constant,
        CTX,
        "ctx",
        "What the script runs for. Functions see only what is passed to them, `ctx` included.",
    );
    register_run(catalog);
    register_request(catalog);
    register_captures(catalog);
    register_body(catalog);
}

fn register_run(catalog: &mut Catalog<'_>) {
    catalog
        .property(
            CTX,
            "trigger: string",
            "Why the script runs: `http`, `event`, `cron`, `queue`, `email`, `invoke` or `test`.",
            |ctx: &mut Ctx| ctx.trigger(),
        )
        .property(CTX, "app: string", "Slug of the app.", |ctx: &mut Ctx| {
            ImmutableString::from(ctx.0.script.app_slug.as_str())
        })
        .property(CTX, "script: string", "Name of the script.", |ctx: &mut Ctx| {
            ImmutableString::from(ctx.0.script.name.as_ref())
        })
        .property(
            CTX,
            "version: integer",
            "Version of the script; grows with every save.",
            |ctx: &mut Ctx| i64::try_from(ctx.0.script.version).unwrap_or(i64::MAX),
        )
        .property(
            CTX,
            "request_id: string",
            "Names this run: in logs, in `x-request-id` and in error answers.",
            |ctx: &mut Ctx| ctx.0.request_id.to_string(),
        )
        .property(
            CTX,
            "event: any",
            "Payload of an event that is not a request; `()` for requests.",
            |ctx: &mut Ctx| ctx.event(),
        );
}

fn register_request(catalog: &mut Catalog<'_>) {
    catalog
        .property(CTX, "method: string", "`GET`, `POST` and so on.", |ctx: &mut Ctx| {
            ctx.text_of(|r| r.method.as_str().into())
        })
        .property(
            CTX,
            "scheme: string",
            "`http` or `https`, as the client reached the server.",
            |ctx: &mut Ctx| ctx.text_of(|r| r.scheme.as_str().into()),
        )
        .property(CTX, "host: string", "Lower-case host name without port.", |ctx: &mut Ctx| {
            ctx.text_of(|r| r.host.as_ref().into())
        })
        .property(CTX, "path: string", "The raw path, percent-encoding untouched.", |ctx: &mut Ctx| {
            ctx.text_of(|r| r.path.as_str().into())
        })
        .property(
            CTX,
            "route: string",
            "The pattern that matched, such as `/hello/:name`.",
            |ctx: &mut Ctx| ctx.text_of(|r| r.route.as_ref().into()),
        )
        .property(CTX, "ip: string", "The client's address; `()` if not known.", |ctx: &mut Ctx| {
            let ip = ctx.http().and_then(|request| request.ip);
            ip.map_or(Dynamic::UNIT, |ip| ip.to_string().into())
        });
}

fn register_captures(catalog: &mut Catalog<'_>) {
    catalog
        .property(
            CTX,
            "params: map",
            "Captures of the route: `/users/:id` gives `ctx.params.id`.",
            |ctx: &mut Ctx| ctx.captures(|r| &r.params),
        )
        .property(
            CTX,
            "host_params: map",
            "Captures of the domain: `{tenant}.example.com` gives `ctx.host_params.tenant`.",
            |ctx: &mut Ctx| ctx.captures(|r| &r.host_params),
        )
        .property(CTX, "query: map", "Strings of the query; of a repeated name the last.", |ctx: &mut Ctx| {
            ctx.query()
        })
        .property(CTX, "query_all: map", "Arrays of strings of the query, in order.", |ctx: &mut Ctx| {
            ctx.query_all()
        })
        .property(
            CTX,
            "headers: map",
            "Names in lower case, repeated values joined with `, `.",
            |ctx: &mut Ctx| ctx.headers(),
        )
        .property(
            CTX,
            "cookies: map",
            "Values percent-decoded; of a repeated name the first.",
            |ctx: &mut Ctx| ctx.cookies(),
        );
}

fn register_body(catalog: &mut Catalog<'_>) {
    catalog
        .property(
            CTX,
            "body: any",
            "The body by its content type: JSON a value, a form a map, `text/*` a string, anything else a blob, none `()`.",
            |ctx: &mut Ctx| ctx.body(),
        )
        .method(CTX, "text() -> string", "The body as text, whatever its type.", |ctx: &mut Ctx| ctx.text())
        .method(CTX, "json() -> any", "The body as JSON, whatever its type.", |ctx: &mut Ctx| ctx.json())
        .method(CTX, "form() -> map", "The body as a form, whatever its type.", |ctx: &mut Ctx| ctx.form())
        .method(
            CTX,
            "bytes() -> blob",
            "The body exactly as it was sent: what signatures are made of.",
            |ctx: &mut Ctx| ctx.bytes(),
        );
}
