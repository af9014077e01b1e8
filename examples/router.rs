//! cargo run -p picloud-examples --example router
//!
//! A router of your own: the first segment of a path names the script, as in a folder of CGI programs, and a release in
//! testing goes to those who ask for it by host. Then: curl localhost:3000/hello/more

use std::{collections::BTreeMap, sync::Arc};

use http::Method;
use picloud::{
    AppId, Gate, Hosts, Limits, Match, Miss, Orchestrator, RhaiExecutor, Router, Script, ScriptId, Snapshot,
    is_reserved,
};

/// Scripts by name, and their next versions.
pub struct ByName {
    app: AppId,
    scripts: BTreeMap<String, Arc<Script>>,
    next: BTreeMap<String, Arc<Script>>,
}

impl ByName {
    /// A router for names and sources; those in `next` answer on hosts that begin with `next.`.
    pub fn new(scripts: &[(&str, &str)], next: &[(&str, &str)]) -> Result<Self, picloud::InvalidName> {
        let (app, slug, gate) = (AppId::new(), "by-name".parse::<picloud::Slug>()?, Gate::default());
        let script = |version, (name, source): &(&str, &str)| {
            let script = Script {
                app,
                app_slug: slug.clone(),
                gate: gate.clone(),
                id: ScriptId::new(),
                name: (*name).into(),
                version,
                source: (*source).into(),
                limits: Limits::default(),
                compiled: Default::default(),
            };
            ((*name).to_owned(), Arc::new(script))
        };
        let collect = |version, list: &[_]| list.iter().map(|entry| script(version, entry)).collect();
        Ok(Self { app, scripts: collect(1, scripts), next: collect(2, next) })
    }
}

impl Router for ByName {
    fn lookup(&self, host: Option<&str>, method: &Method, path: &str) -> Result<Match, Miss> {
        let (name, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((&path[1..], ""));
        let wants_next = host.is_some_and(|host| host.starts_with("next."));
        let next = self.next.get(name).filter(|_| wants_next);
        let script = next.or_else(|| self.scripts.get(name)).filter(|_| !is_reserved(path));
        let script = script.ok_or(Miss::NoRoute { app: self.app })?.clone();
        if method != Method::GET {
            return Err(Miss::MethodNotAllowed { app: self.app, allow: vec![Method::GET] });
        }
        let (route, params) = (format!("/{name}/*rest").into(), vec![("rest".into(), rest.to_owned())]);
        let method = "GET".parse().expect("`GET` is a method of a route");
        Ok(Match { script, route, method, params, host_params: Vec::new() })
    }
}

/// The service. To change what is published, keep the sender and send another snapshot.
pub fn service(router: ByName) -> Orchestrator {
    let (_, snapshots) = tokio::sync::watch::channel(Snapshot::of_router(Arc::new(router)));
    Orchestrator::builder(snapshots, Arc::new(RhaiExecutor::default())).hosts(Hosts::Required).build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let router = ByName::new(
        &[("hello", "`hello ${ctx.params.rest}`")],
        &[("hello", "`hello from the next version, ${ctx.params.rest}`")],
    )?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/hello/more", listener.local_addr()?);
    Ok(axum::serve(listener, axum::Router::new().fallback_service(service(router))).await?)
}
