//! Questions about routing: what would collide, and what would answer.

use serde_json::{Value, json};

use crate::world::World;

/// An app that claims `{tenant}.shop.test` and has these routes.
async fn world(routes: &[(&str, &str)]) -> (World, String) {
    let world = World::new().await;
    let script = world.app_with_script("shop", "1").await;
    let claim = json!({"pattern": "{tenant}.shop.test"});
    world.post("POST", "/apps/shop/domains", claim).await.expect(201);
    for (method, path) in routes {
        let route = json!({"method": method, "path": path});
        world.post("POST", &format!("/scripts/{script}/routes"), route).await.expect(201);
    }
    (world, script)
}

async fn ask(world: &World, method: &str, url: &str) -> Value {
    world.post("POST", "/match", json!({"method": method, "url": url})).await.expect(200).json
}

#[tokio::test]
async fn a_planned_route_is_told_what_it_meets() {
    let (world, _) = world(&[("GET", "/users/:id"), ("GET", "/users/me"), ("POST", "/users/:id")]).await;
    let check = async |method: &str, path: &str| {
        let planned = json!({"method": method, "path": path});
        let answer = world.post("POST", "/apps/shop/routes/check", planned).await.expect(200).json;
        let paths = |name: &str| {
            let routes = answer[name].as_array().unwrap().iter();
            let mut paths: Vec<_> = routes.map(|route| route["path"].as_str().unwrap().to_owned()).collect();
            paths.sort();
            paths.join(" ")
        };
        (answer["ok"].as_bool().unwrap(), paths("conflicts"), paths("shadowed_by"))
    };
    let told = |ok: bool, conflicts: &str, shadowed: &str| (ok, conflicts.to_owned(), shadowed.to_owned());
    assert_eq!(check("GET", "/users/:name").await, told(false, "/users/:id", "/users/me"));
    assert_eq!(check("DELETE", "/users/:name").await, told(true, "", ""));
    assert_eq!(check("GET", "/*rest").await, told(true, "", "/users/:id /users/me"));
    assert_eq!(check("GET", "/other").await, told(true, "", ""));
    let bad = json!({"method": "GET", "path": "/api/x"});
    world.post("POST", "/apps/shop/routes/check", bad).await.expect_invalid("path", "invalid_path");
    let routes = world.ask("GET", "/apps/shop/routes").await;
    assert_eq!(routes.json["items"].as_array().unwrap().len(), 3, "a check saves nothing");
}

#[tokio::test]
async fn a_match_says_all_that_led_to_it() {
    let (world, script) = world(&[("GET", "/users/:id")]).await;
    let found = ask(&world, "head", "https://Acme.Shop.test:8443/users/a%2Fb?x=1").await;
    assert_eq!(found["matched"], true);
    assert_eq!(found["claim"], "{tenant}.shop.test");
    assert_eq!(found["app"]["slug"], "shop");
    assert_eq!((&found["route"]["method"], &found["route"]["path"]), (&json!("GET"), &json!("/users/:id")));
    world.ask("GET", &format!("/routes/{}", found["route"]["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(found["script"], json!({"id": script, "name": "main", "version": 1}));
    assert_eq!(
        (&found["params"], &found["host_params"]),
        (&json!({"id": "a/b"}), &json!({"tenant": "acme"}))
    );
    assert_eq!(found["why"], Value::Null);
}

#[tokio::test]
async fn a_miss_says_how_far_it_came_and_why_no_further() {
    let (world, _) = world(&[("GET", "/users/:id"), ("ANY", "/*rest")]).await;
    for (method, url, claim, code) in [
        ("GET", "http://elsewhere.test/", json!(null), "no_app"),
        ("GET", "/users/1", json!(null), "no_app"),
        ("GET", "http://shop.test/api/v1", json!("shop.test"), "no_route"),
        ("GET", "http://shop.test/%2e%2e/x", json!(null), "invalid_path"),
        ("TRACE", "http://shop.test/x", json!("shop.test"), "method_not_allowed"),
    ] {
        let found = ask(&world, method, url).await;
        assert_eq!((&found["matched"], &found["claim"]), (&json!(false), &claim), "{url}");
        assert_eq!(found["why"]["code"], code, "{url}");
    }
    let only = world.post("POST", "/apps", json!({"slug": "any"})).await.expect(201);
    assert!(only.json["id"].is_string());
    world.post("POST", "/apps/any/domains", json!({"pattern": "*"})).await.expect(201);
    let script = json!({"name": "s", "source": "1"});
    let script = world.post("POST", "/apps/any/scripts", script).await.expect(201);
    let path = format!("/scripts/{}/routes", script.json["id"].as_str().unwrap());
    world.post("POST", &path, json!({"method": "PUT", "path": "/x"})).await.expect(201);
    let wrong = ask(&world, "GET", "/x").await;
    assert_eq!((&wrong["app"]["slug"], &wrong["why"]["allow"]), (&json!("any"), &json!(["PUT"])));
    assert_eq!(ask(&world, "PUT", "/x").await["matched"], true);
    assert_eq!(ask(&world, "PUT", "/y").await["why"]["code"], "no_route");
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let (world, _) = world(&[]).await;
    for (method, url, field, code) in [
        ("G T", "/", "method", "invalid_method"),
        ("GET", "", "url", "invalid_url"),
        ("GET", "shop.test", "url", "invalid_url"),
        ("GET", "http://a b/", "url", "invalid_url"),
        ("GET", "http://under..dots/", "url", "invalid_url"),
    ] {
        let answer = world.post("POST", "/match", json!({"method": method, "url": url})).await;
        answer.expect_invalid(field, code);
    }
}
