//! cargo run -p picloud-examples --example auth
//!
//! The admin API with authentication of your own in place of PiCloud's accounts: here, tokens that the program around
//! gives out. Then: curl -H 'authorization: Bearer tea' localhost:3000/api/v1/admin/apps

use std::{collections::HashMap, sync::Arc};

use axum::Router;
use http::{header::AUTHORIZATION, request::Parts};
use picloud::{
    BoxFuture, Executor, Limits, Orchestrator, Publisher, RhaiExecutor,
    manager::Manager,
    store::{MemoryStore, Store},
};
use picloud_axum::{Api, Authenticate, Identity, Options};

/// Names of people by their tokens.
pub struct Tokens(pub HashMap<&'static str, &'static str>);

impl Authenticate for Tokens {
    fn authenticate<'a>(&'a self, request: &'a Parts) -> BoxFuture<'a, Option<Identity>> {
        Box::pin(async {
            let token = request.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
            self.0.get(token).map(|name| Identity { name: (*name).to_owned() })
        })
    }
}

/// Scripts, and the API that changes them.
pub async fn platform(tokens: Tokens) -> Result<Router, Box<dyn std::error::Error>> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let executor: Arc<dyn Executor> = Arc::new(RhaiExecutor::default());
    let publisher = Arc::new(Publisher::new(store.clone(), Limits::default()));
    let published = publisher.clone();
    let manager = Manager::new(store, executor.clone()).with_publish(Arc::new(move |_revision| {
        let publisher = published.clone();
        // With a store in memory this cannot fail; others try again at the next poll.
        Box::pin(async move { drop(publisher.refresh().await) })
    }));
    manager.seed_hello().await?;
    let scripts = Orchestrator::builder(publisher.subscribe(), executor).control_host(true).build();
    let options = Options { authenticate: Some(Arc::new(tokens)), ..Options::default() };
    Ok(Api::new(manager, publisher, scripts.clone(), options).router().fallback_service(scripts))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tokens = Tokens(HashMap::from([("tea", "ada"), ("coffee", "bob")]));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, platform(tokens).await?).await?)
}
