//! Apps under the slugs that they once had.

use axum::{Router, body::Body};
use http::Request;
use picloud_axum::Api;
use serde_json::json;

use crate::world::{ADMIN, World, send};

/// A second thing, of which only the app is looked for.
const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Every route below an app, with its method.
fn below_app() -> Vec<(String, String)> {
    let routes = Api::closed().filter_map(|(method, path)| {
        let rest = path.strip_prefix("/api/v1/admin/apps/{app}")?;
        Some((method.to_uppercase(), rest.replace("{request_id}", ID)))
    });
    routes.collect()
}

#[tokio::test]
async fn every_path_below_a_former_slug_leads_to_the_new_one() {
    let world = World::new().await;
    world.post("POST", "/apps", json!({"slug": "old"})).await.expect(201);
    world.post("PATCH", "/apps/old", json!({"slug": "new"})).await.expect(200);
    assert!(below_app().len() > 7);
    for (method, rest) in below_app() {
        let moved = world.post(&method, &format!("/apps/old{rest}?limit=1&x=%20"), json!({})).await;
        let moved = moved.expect(308);
        let to = format!("{ADMIN}/apps/new{rest}?limit=1&x=%20");
        assert_eq!(moved.header("location"), to, "{method} {rest}");
    }
    world.ask("GET", "/apps/new").await.expect(200);
    let unauthorized = Request::get(format!("{ADMIN}/apps/old")).header("host", "a.test");
    world.send(unauthorized.body(Body::empty()).unwrap()).await.expect_problem(401, "unauthorized");
}

#[tokio::test]
async fn a_former_slug_goes_to_whoever_takes_it_and_ends_with_its_app() {
    let world = World::new().await;
    world.post("POST", "/apps", json!({"slug": "a"})).await.expect(201);
    world.post("PATCH", "/apps/a", json!({"slug": "b"})).await.expect(200);
    world.post("PATCH", "/apps/b", json!({"slug": "c"})).await.expect(200);
    assert_eq!(world.ask("GET", "/apps/a").await.expect(308).header("location"), format!("{ADMIN}/apps/c"));
    world.post("POST", "/apps", json!({"slug": "a"})).await.expect(201);
    assert_eq!(world.ask("GET", "/apps/a").await.expect(200).json["slug"], "a");
    world.ask("GET", "/apps/b").await.expect(308);
    world.ask("DELETE", "/apps/c").await.expect(204);
    world.ask("GET", "/apps/b").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_way_leads_through_what_the_api_is_nested_in() {
    let world = World::new().await;
    world.post("POST", "/apps", json!({"slug": "apps"})).await.expect(201);
    world.post("PATCH", "/apps/apps", json!({"slug": "new"})).await.expect(200);
    let nested = Router::new().nest("/tools", world.api.clone());
    let mut asked = world.admin("GET", "/apps/apps/routes").body(Body::empty()).unwrap();
    *asked.uri_mut() = format!("/tools{}", asked.uri()).parse().unwrap();
    let moved = send(&nested, asked).await.expect(308);
    assert_eq!(moved.header("location"), format!("/tools{ADMIN}/apps/new/routes"));
}
