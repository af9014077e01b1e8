//! A whole app at once.

use serde_json::{Value, json};

use crate::world::World;

fn shop(source: &str) -> Value {
    json!({
        "scripts": [{ "name": "list", "source": source }],
        "routes": [{ "method": "GET", "path": "/", "script": "list" }],
        "domains": ["shop.test"],
    })
}

#[tokio::test]
async fn an_app_is_made_changed_and_left_alone_by_what_it_is_to_be() {
    let world = World::new().await;
    let check = world.post("POST", "/apps/shop/deploy/check", shop("1")).await.expect(200);
    assert_eq!((&check.json["ok"], check.json["steps"].as_array().unwrap().len()), (&json!(true), 4));
    world.ask("GET", "/apps/shop").await.expect_problem(404, "not_found");

    let made = world.post("POST", "/apps/shop/deploy", shop("1")).await.expect(200);
    assert_eq!(made.json["app"]["slug"], "shop");
    assert_eq!(made.json["steps"], check.json["steps"]);
    assert_eq!(made.json["steps"][0], json!({ "do": "create_app", "slug": "shop" }));
    let scripts = world.ask("GET", "/apps/shop/scripts").await.expect(200);
    assert_eq!(
        scripts.json["items"][0]["updated_by"],
        world.ask("GET", "/auth/me").await.json["admin"]["id"]
    );

    let same = world.post("POST", "/apps/shop/deploy", shop("1")).await.expect(200);
    assert_eq!((&same.json["steps"], &same.json["kept"]), (&json!([]), &json!([])));
    let next = world.post("POST", "/apps/shop/deploy", shop("2")).await.expect(200);
    assert_eq!(next.json["steps"], json!([{ "do": "update_script", "name": "list" }]));
    world.post("POST", "/apps/shop/deploy", json!({ "script": [] })).await.expect_problem(422, "invalid");
}

#[tokio::test]
async fn mistakes_are_told_by_place_and_leave_one_record() {
    let world = World::new().await;
    let mut wrong = shop("let x = 1;\nlet y = ;");
    wrong["routes"][0]["script"] = json!("lst");
    let refused = world.post("POST", "/apps/shop/deploy", wrong.clone()).await;
    let refused = refused.expect_problem(422, "invalid");
    let errors = &refused.json["errors"];
    assert_eq!((&errors[0]["field"], &errors[0]["line"]), (&json!("scripts[0].source"), &json!(2)));
    assert_eq!(errors[1]["field"], "routes[0].script");
    let check = world.post("POST", "/apps/shop/deploy/check", wrong).await.expect(200);
    assert_eq!((&check.json["ok"], &check.json["errors"]), (&json!(false), errors));

    let audit = world.ask("GET", "/audit").await.expect(200);
    let records = audit.json["items"].as_array().unwrap();
    let deploys: Vec<_> = records.iter().filter(|record| record["action"] == "app.deploy").collect();
    assert_eq!(deploys.len(), 1, "{records:?}");
    assert_eq!(deploys[0]["refused"], "invalid");
}
