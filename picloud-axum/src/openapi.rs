//! The OpenAPI document: what the signatures of the handlers say, in words for clients.
//!
//! Every extractor and every kind of answer describes itself ([`Describe`]), so an operation is described by the
//! function that serves it, and cannot say anything else.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Request, State};
use http::{StatusCode, request::Parts};
use picloud::{Code, Problem};
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::health::API_VERSION;

/// What all operations share.
const ABOUT: &str = "The control plane of PiCloud: apps, their domains, scripts and routes, accounts, and what scripts did.\n\n\
    Every answer has the header `x-request-id`. Every answer with a status of 400 or more is a problem \
    (`application/problem+json`, RFC 9457) whose `code` is stable.";

/// Where the document keeps schemas.
const SCHEMAS: &str = "/components/schemas";

/// A part of a handler's signature that means something to clients.
pub(crate) trait Describe {
    fn describe(operation: &mut Operation<'_>);
}

/// A handler whose arguments and answer all describe themselves.
pub(crate) trait Documented<Args> {
    fn describe(&self, operation: &mut Operation<'_>);
}

/// One line of a table of routes.
pub(crate) struct Entry {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// The handler, such as `apps::list`.
    pub(crate) handler: &'static str,
    /// What it does: a sentence, and maybe more.
    pub(crate) doc: &'static [&'static str],
    /// Problems that the handler's signature does not tell of.
    pub(crate) codes: &'static [Code],
}

/// The document while it is written.
pub(crate) struct Document {
    paths: BTreeMap<&'static str, Map<String, Value>>,
    schemas: Schemas,
    problems: Problems,
}

/// Schemas of what comes in, where defaults may be left out, and of what goes out, where they are not.
struct Schemas {
    input: SchemaGenerator,
    output: SchemaGenerator,
}

/// The codes that are answered with each status.
#[derive(Default)]
struct Problems(BTreeMap<u16, BTreeSet<&'static str>>);

/// One operation while it is written.
pub(crate) struct Operation<'a> {
    document: &'a mut Document,
    method: &'static str,
    path: &'static str,
    parameters: Vec<Value>,
    members: Map<String, Value>,
    answers: Map<String, Value>,
}

impl Document {
    pub(crate) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = SCHEMAS.into();
            settings.meta_schema = None;
        });
        let output = settings.clone().for_serialize().into_generator();
        let schemas = Schemas { input: settings.into_generator(), output };
        Self { paths: BTreeMap::new(), schemas, problems: Problems::default() }
    }

    /// Adds the operation that `handler` serves.
    pub(crate) fn operation<Args>(&mut self, entry: &Entry, handler: &impl Documented<Args>) {
        let mut operation = Operation {
            document: self,
            method: entry.method,
            path: entry.path,
            parameters: Vec::new(),
            members: Map::new(),
            answers: Map::new(),
        };
        operation.name(entry);
        handler.describe(&mut operation);
        operation.problems(entry.codes);
        let Operation { parameters, mut members, answers, .. } = operation;
        if !parameters.is_empty() {
            members.insert("parameters".to_owned(), parameters.into());
        }
        members.insert("responses".to_owned(), answers.into());
        self.paths.entry(entry.path).or_default().insert(entry.method.to_owned(), members.into());
    }

    /// The whole document.
    pub(crate) fn finish(mut self) -> Value {
        let responses = self.problems.responses(&mut self.schemas);
        json!({
            "openapi": "3.1.0",
            "info": {"title": "PiCloud", "description": ABOUT, "version": API_VERSION.to_string()},
            "servers": [{"url": "/"}],
            "paths": self.paths,
            "components": {
                "schemas": self.schemas.finish(),
                "responses": responses,
                "securitySchemes": {
                    "token": {"type": "http", "scheme": "bearer", "description": "What a login gives."},
                    "cookie": {
                        "type": "apiKey", "in": "cookie", "name": "picloud_session",
                        "description": "What a login sets; `__Host-picloud_session` over https. Changes must come from the same origin.",
                    },
                },
            },
        })
    }
}

impl Operation<'_> {
    fn name(&mut self, entry: &Entry) {
        let text: Vec<_> = entry.doc.iter().map(|line| line.trim()).collect();
        let (summary, rest) = text.split_first().unwrap_or((&"", &[]));
        self.set("operationId", entry.handler.replace("::", "_"));
        self.set("tags", [tag(entry.path)].as_slice());
        self.set("summary", summary.trim_end_matches('.'));
        if !rest.is_empty() {
            self.set("description", rest.join(" "));
        }
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.members.insert(name.to_owned(), value.into());
    }

    /// The request needs a session.
    pub(crate) fn needs_session(&mut self) {
        self.set("security", json!([{"token": []}, {"cookie": []}]));
        self.problems(&[Code::Unauthorized, Code::Malformed]);
        if self.changes_things() {
            self.problems(&[Code::Forbidden]);
        }
    }

    /// Whether it is one that may change something.
    pub(crate) fn changes_things(&self) -> bool {
        self.method != "get"
    }

    /// The last parameter of the path, by whatever name.
    pub(crate) fn path_parameter<T: JsonSchema>(&mut self, about: &str) {
        let name = self.path.rsplit_once('{').and_then(|(_, rest)| rest.split_once('}'));
        self.parameter::<T>("path", name.map_or("", |(name, _)| name), about);
    }

    /// A parameter in `place`: `path`, `query` or `header`.
    pub(crate) fn parameter<T: JsonSchema>(&mut self, place: &str, name: &str, about: &str) {
        let schema = self.document.schemas.input.subschema_for::<T>();
        self.parameters.push(json!({
            "name": name, "in": place, "required": place == "path", "description": about, "schema": schema,
        }));
    }

    /// Query parameters: the fields of `T`.
    pub(crate) fn query<T: JsonSchema>(&mut self) {
        let schema = self.document.schemas.input.root_schema_for::<T>();
        let fields = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        for (name, mut schema) in fields {
            let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            self.parameters.push(json!({
                "name": name, "in": "query", "required": false, "description": about, "schema": not_null(schema),
            }));
        }
        self.problems(&[Code::Invalid]);
    }

    /// A JSON body.
    pub(crate) fn body<T: JsonSchema>(&mut self) {
        let schema = self.document.schemas.input.subschema_for::<T>();
        self.set(
            "requestBody",
            json!({"required": true, "content": {"application/json": {"schema": schema}}}),
        );
        self.problems(&[Code::Malformed, Code::LimitBody, Code::UnsupportedMediaType, Code::Invalid]);
    }

    /// The answer of a success: JSON.
    pub(crate) fn answer<T: JsonSchema>(&mut self, status: StatusCode, headers: &[(&str, &str)]) {
        let schema = self.document.schemas.output.subschema_for::<T>();
        self.answer_as(status, "application/json", &schema);
        self.headers(status, headers);
    }

    /// The answer of a success, of a type of its own.
    pub(crate) fn answer_as(&mut self, status: StatusCode, media_type: &str, schema: &Schema) {
        let mut content = Map::new();
        content.insert(media_type.to_owned(), json!({"schema": schema}));
        self.empty_answer(status);
        self.answers[status.as_str()]["content"] = content.into();
    }

    /// The answer of a success without a body.
    pub(crate) fn empty_answer(&mut self, status: StatusCode) {
        let reason = status.canonical_reason().unwrap_or_default();
        self.answers.insert(status.as_str().to_owned(), json!({"description": reason}));
    }

    /// Headers of an answer, each with what it says.
    pub(crate) fn headers(&mut self, status: StatusCode, headers: &[(&str, &str)]) {
        for (name, about) in headers {
            let header = json!({"description": about, "schema": {"type": "string"}});
            self.answers[status.as_str()]["headers"][name] = header;
        }
    }

    /// Any answer at all: a script's.
    pub(crate) fn answer_of_script(&mut self) {
        self.answers.insert("default".to_owned(), json!({"description": "Whatever the script answers."}));
    }

    /// Problems that may be the answer.
    pub(crate) fn problems(&mut self, codes: &[Code]) {
        for code in codes {
            let name = self.document.problems.add(*code);
            let status = code.status();
            let response = json!({"$ref": format!("#/components/responses/{name}")});
            self.answers.insert(status.as_str().to_owned(), response);
        }
    }
}

impl Problems {
    /// Notes that `code` is answered, and gives the name of the response.
    fn add(&mut self, code: Code) -> String {
        self.0.entry(code.status().as_u16()).or_default().insert(code.as_str());
        response_name(code.status())
    }

    fn responses(&self, schemas: &mut Schemas) -> Map<String, Value> {
        let problem = schemas.output.subschema_for::<Problem>();
        let response = |(status, codes): (&u16, &BTreeSet<&str>)| {
            let status = StatusCode::from_u16(*status).unwrap_or_default();
            let codes: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
            let body = json!({
                "description": format!("{}: {}", status.canonical_reason().unwrap_or_default(), codes.join(", ")),
                "content": {"application/problem+json": {"schema": problem}},
            });
            (response_name(status), body)
        };
        self.0.iter().map(response).collect()
    }
}

impl Schemas {
    /// Both kinds together. What has one name is one schema, or two that say the same.
    fn finish(mut self) -> Map<String, Value> {
        let mut all = self.output.take_definitions(true);
        for (name, schema) in self.input.take_definitions(true) {
            let other = all.insert(name.clone(), schema.clone());
            assert!(
                other.is_none_or(|other| other == schema),
                "the schema {name} goes in unlike it comes out"
            );
        }
        all
    }
}

/// A name such as `NotFound`.
fn response_name(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or("Problem").replace(' ', "")
}

/// The part of the API that a path is in: its last fixed word that others are below, such as `scripts`.
fn tag(path: &str) -> &str {
    let below = path.strip_prefix("/api/v1/admin/").unwrap_or(path);
    let rest = below.strip_prefix("apps/{app}/").unwrap_or(below);
    let mut words = rest.trim_start_matches("/api/v1").trim_matches('/').split('/');
    match (words.next(), words.next_back()) {
        (Some("scripts"), Some("routes")) => "routes",
        (Some("healthz" | "readyz" | "version" | "openapi.json"), _) => "server",
        (first, _) => first.unwrap_or_default(),
    }
}

/// A schema without `null`: what is not there in a query is left out.
fn not_null(mut schema: Value) -> Value {
    if let Some(types) = schema["type"].as_array() {
        let kept = types.iter().find(|kind| *kind != "null").cloned();
        schema["type"] = kept.unwrap_or_default();
    }
    if let Some(kinds) = schema.get("anyOf").and_then(Value::as_array) {
        let kept: Vec<_> = kinds.iter().filter(|kind| kind["type"] != "null").cloned().collect();
        if let [only] = kept.as_slice() {
            return only.clone();
        }
    }
    schema
}

impl<S> Describe for State<S> {
    fn describe(_: &mut Operation<'_>) {}
}

impl Describe for Parts {
    fn describe(_: &mut Operation<'_>) {}
}

impl Describe for Request {
    fn describe(_: &mut Operation<'_>) {}
}

impl<T: JsonSchema> Describe for axum::Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answer::<T>(StatusCode::OK, &[]);
    }
}

macro_rules! documented {
    ($($argument:ident)*) => {
        impl<F, Answer, $($argument),*> Documented<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Answer,
            Answer: Future,
            Answer::Output: Describe,
            $($argument: Describe,)*
        {
            fn describe(&self, operation: &mut Operation<'_>) {
                $($argument::describe(operation);)*
                Answer::Output::describe(operation);
            }
        }
    };
}

documented!();
documented!(A);
documented!(A B);
documented!(A B C);
documented!(A B C D);
documented!(A B C D E);
documented!(A B C D E G);
documented!(A B C D E G H);
