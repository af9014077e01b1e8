//! Executions as they come: Server-Sent Events (WHATWG HTML, 9.2).
//!
//! A task follows the recorder and writes into a channel of one piece, which is the body. So a client that does not
//! read holds up nobody: the recorder goes on, and the client is told how many it lost.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts, State},
    response::{IntoResponse, Response},
};
use http::{HeaderName, StatusCode, header::CONTENT_TYPE, request::Parts};
use http_body::Frame;
use picloud::{
    AppId, Code, RequestId,
    recorder::{Tail, Tailed},
    store::{AppKey, ExecutionRecord, Page},
};
use schemars::json_schema;
use serde::Serialize;
use tokio::sync::{mpsc, watch};

use crate::{
    api::Ctx,
    credential::Admin,
    error::ApiError,
    executions::{Execution, Filter, Resolved},
    input::AppPath,
    openapi::{Describe, Operation},
};

/// Most executions that a client who comes back is told of.
const REPLAY: usize = 1000;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(crate) async fn stream(
    State(api): State<Ctx>,
    admin: Admin,
    AppPath(key): AppPath,
    filter: Filter,
    last: LastSeen,
) -> Result<Stream, ApiError> {
    let filter = filter.resolve(&api, &key).await?;
    let app = api.manager.app(&key).await?.id;
    let Some(recorder) = &api.options.recorder else {
        return Err(ApiError::new(Code::NotReady, "This server keeps no execution log."));
    };
    // First watch, then read what there is: so none is missed between.
    let Some(tail) = recorder.tail(app) else {
        return Err(ApiError::new(
            Code::Overloaded,
            "Too many clients watch logs. Close some, then try again.",
        ));
    };
    let missed = match last.0 {
        Some(id) => since(&api, app, id, &filter).await?,
        None => Vec::new(),
    };
    let (send, body) = mpsc::channel(1);
    let follower = Follower { stopping: api.options.stopping.clone(), api, admin, filter, send };
    tokio::spawn(follower.run(missed, tail));
    Ok(Stream(body))
}

/// The executions after `last`, oldest first.
async fn since(
    api: &Ctx,
    app: AppId,
    last: RequestId,
    filter: &Resolved,
) -> Result<Vec<ExecutionRecord>, ApiError> {
    let rows = api.manager.executions(&AppKey::Id(app), filter.store.clone(), Page::first(REPLAY)).await?;
    let mut rows: Vec<_> =
        rows.into_iter().take_while(|row| row.id > last).filter(|row| filter.lets_through(row)).collect();
    rows.reverse();
    Ok(rows)
}

/// Writes what comes for one client.
struct Follower {
    api: Ctx,
    admin: Admin,
    filter: Resolved,
    send: mpsc::Sender<Bytes>,
    stopping: Option<watch::Receiver<bool>>,
}

/// The client has gone.
struct Gone;

/// How many executions the client was not told of.
#[derive(Serialize)]
struct Lost {
    count: u64,
}

impl Follower {
    async fn run(mut self, missed: Vec<ExecutionRecord>, tail: Tail) {
        // Its end is the end of the body, whatever ended it.
        let _: Result<(), Gone> = self.follow(missed, tail).await;
    }

    async fn follow(&mut self, missed: Vec<ExecutionRecord>, mut tail: Tail) -> Result<(), Gone> {
        // Proxies and clients see headers with the first bytes.
        self.write(": listening\n\n".to_owned()).await?;
        let told: Vec<_> = missed.iter().map(|row| row.id).collect();
        for row in missed {
            self.tell(row).await?;
        }
        let mut stopping = self.stopping.take();
        let mut beat = tokio::time::interval(self.api.options.heartbeat);
        beat.reset();
        loop {
            tokio::select! {
                next = tail.next() => match next {
                    Some(Tailed::Execution(row)) if told.contains(&row.id) => {}
                    Some(Tailed::Execution(row)) if self.filter.lets_through(&row) => {
                        self.tell(Arc::unwrap_or_clone(row)).await?;
                    }
                    Some(Tailed::Execution(_)) => {}
                    Some(Tailed::Lost(count)) => self.write(event("lost", None, &Lost { count })).await?,
                    None => return Ok(()),
                },
                _ = beat.tick() => {
                    // A store that does not answer says nothing of the session.
                    if let Some(session) = &self.admin.session
                        && let Ok(false) = self.api.manager.auth().is_live(session).await
                    {
                        return Ok(());
                    }
                    self.write(": alive\n\n".to_owned()).await?;
                }
                () = stopped(&mut stopping) => return Ok(()),
                () = self.send.closed() => return Err(Gone),
            }
        }
    }

    async fn tell(&self, row: ExecutionRecord) -> Result<(), Gone> {
        let id = row.id;
        self.write(event("execution", Some(id), &Execution::from(row))).await
    }

    async fn write(&self, text: String) -> Result<(), Gone> {
        self.send.send(text.into()).await.map_err(|_| Gone)
    }
}

/// Waits until the server stops.
async fn stopped(stopping: &mut Option<watch::Receiver<bool>>) {
    if let Some(signal) = stopping
        && signal.wait_for(|stopping| *stopping).await.is_ok()
    {
        return;
    }
    // Nobody can tell any more.
    std::future::pending().await
}

/// An event whose data is one line: JSON has no line breaks of its own.
fn event(name: &str, id: Option<RequestId>, data: &impl Serialize) -> String {
    let data = serde_json::to_string(data).expect("records have text keys and finite numbers");
    match id {
        Some(id) => format!("event: {name}\nid: {id}\ndata: {data}\n\n"),
        None => format!("event: {name}\ndata: {data}\n\n"),
    }
}

/// The last event that a client has seen before it lost its connection. What is no id of ours is ignored.
pub(crate) struct LastSeen(Option<RequestId>);

impl<S: Sync> FromRequestParts<S> for LastSeen {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let text = parts.headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
        Ok(Self(text.and_then(RequestId::parse)))
    }
}

impl Describe for LastSeen {
    fn describe(operation: &mut Operation<'_>) {
        let about = "The `id` of the last event that was seen: those after it that were kept come first.";
        operation.parameter::<String>("header", "last-event-id", about);
    }
}

/// An answer that goes on.
pub(crate) struct Stream(mpsc::Receiver<Bytes>);

impl IntoResponse for Stream {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "text/event-stream")], Body::new(self)).into_response()
    }
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

impl Describe for Stream {
    fn describe(operation: &mut Operation<'_>) {
        let about = "Events `execution`, whose data is an execution and whose id is its `request_id`, and `lost` with \
                     `{\"count\": …}` where the client was too slow for some.";
        let schema = json_schema!({"type": "string", "description": about});
        operation.answer_as(StatusCode::OK, "text/event-stream", &schema);
        operation.problems(&[Code::NotReady, Code::Overloaded]);
    }
}
