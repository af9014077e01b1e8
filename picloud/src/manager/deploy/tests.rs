//! Deployments from outside: what they do, and that they do it at once.

use serde_json::{Value, json};

use super::*;
use crate::{
    AppId, Slug,
    manager::tests::{World, findings, me, world},
    store::{AppStore, AppWorld, AuditStore},
};

fn deployment(json: Value) -> Deployment {
    serde_json::from_value(json).unwrap()
}

fn shop() -> Value {
    json!({
        "scripts": [{ "name": "list", "source": "1" }, { "name": "change", "source": "2" }],
        "routes": [
            { "method": "GET", "path": "/", "script": "list" },
            { "method": "POST", "path": "/:item", "script": "change" },
        ],
        "domains": ["shop.test", "{customer}.shop.test"],
    })
}

fn key(slug: &str) -> AppKey {
    AppKey::Slug(slug.parse::<Slug>().unwrap())
}

impl World {
    async fn deploy(&self, slug: &str, json: Value) -> Result<Deployed, ManagerError> {
        self.manager.deploy(&me(), &key(slug), &deployment(json)).await
    }

    /// What a deployment did, in words; what it left alone in brackets.
    async fn told(&self, slug: &str, json: Value) -> Vec<String> {
        let check = self.manager.check_deployment(&key(slug), &deployment(json.clone())).await.unwrap();
        let done = self.deploy(slug, json).await.unwrap();
        assert_eq!((&check.steps, &check.kept), (&done.steps, &done.kept), "as it was foretold");
        let kept = done.kept.iter().map(|step| format!("({step})"));
        done.steps.iter().map(ToString::to_string).chain(kept).collect()
    }

    async fn all(&self) -> Vec<AppWorld> {
        self.store.world(0).await.unwrap().apps
    }

    async fn trail(&self, app: AppId) -> Vec<String> {
        let records = self.store.audit(Some(app), Page::all()).await.unwrap();
        records.into_iter().map(|record| format!("{} {}", record.action, record.name)).collect()
    }
}

#[tokio::test]
async fn a_new_app_is_live_with_one_commit_and_the_same_again_is_none() {
    let world = world();
    let app = world.deploy("shop", shop()).await.unwrap().app;
    assert_eq!(*world.published.lock().unwrap(), [1], "one commit, published once");
    let mut trail = world.trail(app.id).await;
    trail.sort();
    let expected = [
        "app.create shop",
        "app.deploy shop",
        "domain.claim shop.test",
        "domain.claim {customer}.shop.test",
        "route.create GET /",
        "route.create POST /:item",
        "script.create change",
        "script.create list",
    ];
    assert_eq!(trail, expected);
    let before = world.all().await;
    assert_eq!(world.told("shop", shop()).await, [""; 0]);
    assert_eq!(world.all().await, before);
}

#[tokio::test]
async fn all_that_is_wrong_is_told_and_nothing_is_done() {
    let world = world();
    world.deploy("shop", shop()).await.unwrap();
    let before = world.all().await;
    let wrong = json!({
        "limits": { "operations": 0 },
        "scripts": [
            { "name": "list", "source": "good now\nbad?" },
            { "name": "more", "source": "1" },
            { "name": "more", "source": "2" },
            { "name": "no/name", "source": "" },
        ],
        "routes": [
            { "method": "GET", "path": "/", "script": "list" },
            { "method": "GET", "path": "/api/x", "script": "list" },
            { "method": "GET", "path": "/y", "script": "nobody" },
            { "method": "GET", "path": "/z/:a", "script": "more" },
            { "method": "GET", "path": "/z/:b", "script": "more" },
        ],
        "domains": ["shop.test", "not a host"],
    });
    let found = findings(world.deploy("shop", wrong.clone()).await);
    let fields: Vec<_> = found.iter().map(|(field, code)| format!("{field} {code}")).collect();
    let expected = [
        "limits.operations out_of_range",
        "scripts[0].source syntax",
        "scripts[2].name duplicate",
        "scripts[3].name invalid_name",
        "routes[1].path invalid_path",
        "routes[2].script unknown_script",
        "routes[4].path duplicate",
        "domains[1] invalid_pattern",
    ];
    assert_eq!(fields, expected);
    assert_eq!(world.all().await, before);
    let check = world.manager.check_deployment(&key("shop"), &deployment(wrong)).await.unwrap();
    assert_eq!(check.errors.len(), expected.len());
    assert_eq!((check.errors[1].line, check.errors[1].column), (Some(2), Some(4)));
}

#[tokio::test]
async fn a_claim_that_another_app_holds_leaves_no_new_app_behind() {
    let world = world();
    world.deploy("shop", shop()).await.unwrap();
    let before = world.all().await;
    let error = world.deploy("twin", shop()).await.unwrap_err();
    assert!(
        matches!(&error, ManagerError::Conflict { holder: Some(holder), .. } if holder.as_str() == "shop")
    );
    assert_eq!(world.all().await, before);
}

#[tokio::test]
async fn what_differs_is_changed_and_the_rest_goes_only_when_that_is_said() {
    let world = world();
    let app = world.deploy("shop", shop()).await.unwrap().app;
    let route =
        |world: Vec<AppWorld>| world[0].routes.iter().find(|route| route.path == "/").unwrap().clone();
    let old = route(world.all().await);
    let next = json!({
        "limits": { "operations": 1000 },
        "scripts": [{ "name": "list", "source": "3" }, { "name": "front", "source": "4" }],
        "routes": [
            { "method": "GET", "path": "/", "script": "front" },
            { "method": "POST", "path": "/:thing", "script": "change" },
            { "method": "GET", "path": "/all", "script": "list" },
        ],
        "domains": ["{shop}.shop.test"],
    });
    let expected = [
        "~ limits {\"operations\":1000}",
        "~ script list",
        "+ script front",
        "~ route GET / → front (was list)",
        "~ route POST /:thing (was POST /:item)",
        "+ route GET /all → list",
        "- domain {customer}.shop.test",
        "+ domain {shop}.shop.test",
        "(- script change)",
        "(- domain shop.test)",
    ];
    assert_eq!(world.told("shop", next).await, expected);
    assert_eq!(world.published.lock().unwrap().len(), 2);
    let new = route(world.all().await);
    assert_eq!((new.id, new.version), (old.id, 2), "the route was never away");

    let last = json!({
        "scripts": [{ "name": "front", "source": "4" }, { "name": "list", "source": "3" }],
        "routes": [{ "method": "GET", "path": "/", "script": "front" }],
        "domains": [],
        "prune": true,
    });
    let expected = ["- route GET /all", "- script change", "- domain shop.test", "- domain {shop}.shop.test"];
    let mut told = world.told("shop", last).await;
    told.sort();
    let mut sorted = expected;
    sorted.sort_unstable();
    assert_eq!(told, sorted);
    let left = &world.all().await[0];
    assert_eq!((left.scripts.len(), left.routes.len(), left.domains.len()), (2, 1, 0));
    assert_eq!(left.app.limits.operations, Some(1000), "what is not said stays");
    assert_eq!(world.manager.app(&app.id.into()).await.unwrap().version, 2);
}

#[tokio::test]
async fn too_much_at_once_is_refused_with_the_limit() {
    let world = world();
    let routes = |count| {
        let route = |n| json!({ "method": "GET", "path": format!("/{n}"), "script": "list" });
        let scripts = [json!({ "name": "list", "source": "1" })];
        json!({ "scripts": scripts, "routes": (0..count).map(route).collect::<Vec<_>>() })
    };
    let refused = world.deploy("shop", routes(MOST + 1)).await;
    assert_eq!(findings(refused), [("routes".to_owned(), "too_many")]);
    assert!(world.all().await.is_empty());
    assert_eq!(world.deploy("shop", routes(MOST)).await.unwrap().steps.len(), MOST + 2);
}

#[tokio::test]
async fn an_id_of_no_app_makes_none() {
    let world = world();
    let nowhere = AppKey::Id(AppId::new());
    let error = world.manager.deploy(&me(), &nowhere, &deployment(shop())).await.unwrap_err();
    assert_eq!(error.code(), crate::Code::NotFound);
    assert!(world.all().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn deployments_at_once_are_one_after_the_other() {
    let world = std::sync::Arc::new(world());
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let world = world.clone();
            tokio::spawn(async move {
                let mut shop = shop();
                shop["scripts"][0]["source"] = json!(format!("{n}"));
                shop["scripts"][1]["source"] = json!(format!("{n}"));
                shop["prune"] = json!(true);
                world.deploy("shop", shop).await.map(drop)
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let all = world.all().await;
    assert_eq!(all.len(), 1);
    let sources: Vec<_> = all[0].scripts.iter().map(|script| script.source.clone()).collect();
    assert!(sources.len() == 2 && sources[0] == sources[1], "of one deployment: {sources:?}");
}
