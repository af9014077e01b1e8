//! cargo run -p picloud-examples --example executor
//!
//! Executors of your own. `greeter` is a closure: no script language at all. `Remote` hands each run to another process,
//! here one that has the same scripts. Then: curl localhost:3000/hello/Ada

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use picloud::{
    App, BoxFuture, Code, Definition, Diagnostic, Event, Executor, Failure, FailureLog, HttpEvent,
    Invocation, Outcome, ServiceExecutor, Stats,
};
use tower::{BoxError, service_fn};

/// Answers with the script's source and who asked, whatever the source is.
pub fn greeter() -> impl Executor {
    let run = service_fn(|invocation: Invocation| async move {
        let name = match &invocation.event {
            Event::Http(request) => request.params.first().map_or("you", |(_, value)| value),
            Event::Other { .. } => "you",
        };
        let response = Response::new(format!("{}, {name}!", invocation.script.source).into());
        Ok::<_, Infallible>(answered(response))
    });
    ServiceExecutor::new(run, |_source: &str| Vec::new())
}

fn answered(response: Response<bytes::Bytes>) -> Outcome {
    Outcome { result: Ok(response), logs: Vec::new(), logs_dropped: 0, stats: Stats::default() }
}

/// Sends each request on to a worker that serves the same app.
#[derive(Clone, Copy)]
pub struct Remote {
    /// Where the worker listens.
    pub worker: SocketAddr,
}

impl Executor for Remote {
    /// Only the worker knows its language. One that should refuse a bad script at once asks it here.
    fn check(&self, _: &str) -> Vec<Diagnostic> {
        Vec::new()
    }

    fn definitions(&self) -> Vec<Definition> {
        Vec::new()
    }

    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Outcome> {
        let worker = self.worker;
        Box::pin(async move {
            let Event::Http(event) = invocation.event else {
                return Outcome::failed(Failure::new(Code::Internal, "Only requests are sent on."));
            };
            // Two texts from the start: the caller's, and the log's.
            let failed = |error: BoxError| {
                let log = FailureLog { message: error.to_string(), ..FailureLog::default() };
                Outcome::failed(Failure::new(Code::Overloaded, "The worker does not answer.").with_log(log))
            };
            send(worker, *event).await.map_or_else(failed, answered)
        })
    }
}

/// One connection a request; a real one would keep them. Dropping the future closes it, which cancels the run there.
async fn send(worker: SocketAddr, event: HttpEvent) -> Result<Response<bytes::Bytes>, BoxError> {
    let stream = TokioIo::new(tokio::net::TcpStream::connect(worker).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    tokio::spawn(connection);
    let query = event.query.map(|query| format!("?{query}")).unwrap_or_default();
    let uri = event.path + query.as_str();
    let mut request = Request::builder().method(event.method).uri(uri).body(Full::new(event.body))?;
    *request.headers_mut() = event.headers;
    let (parts, body) = sender.send_request(request).await?.into_parts();
    Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let scripts =
        App::builder().script("hello", "`Hello, ${ctx.params.name}!`").route("GET /hello/:name", "hello");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let remote = Remote { worker: listener.local_addr()? };
    tokio::spawn(
        axum::serve(listener, axum::Router::new().fallback_service(scripts.clone().build()?.service()))
            .into_future(),
    );

    let front = scripts.build_with(Arc::new(remote))?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/hello/Ada", listener.local_addr()?);
    Ok(axum::serve(listener, axum::Router::new().fallback_service(front.service())).await?)
}
