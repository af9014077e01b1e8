//! Lists in pages.

use serde_json::{Value, json};

use crate::world::World;

/// The field of all items of a list, page by page.
async fn walk(world: &World, path: &str, limit: usize, field: &str) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let cursor_text = cursor.as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = world.ask("GET", &format!("{path}?limit={limit}{cursor_text}")).await.expect(200);
        let items = page.json["items"].as_array().unwrap();
        pages.push(items.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect());
        cursor = page.json["next_cursor"].clone();
        if cursor.is_null() {
            return pages;
        }
    }
}

#[tokio::test]
async fn pages_hold_each_thing_once() {
    let world = World::new().await;
    let script = world.app_with_script("shop", "1").await;
    for index in 0..5 {
        let route = json!({"method": "GET", "path": format!("/r{index}")});
        world.post("POST", &format!("/scripts/{script}/routes"), route).await.expect(201);
    }
    for path in ["/apps/shop/routes".to_owned(), format!("/scripts/{script}/routes")] {
        for (limit, lengths) in [(2, vec![2, 2, 1]), (5, vec![5]), (200, vec![5])] {
            let pages = walk(&world, &path, limit, "path").await;
            assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), lengths);
            let mut all = pages.concat();
            all.sort();
            assert_eq!(all, ["/r0", "/r1", "/r2", "/r3", "/r4"]);
        }
    }
    let other = world.app_with_script("other", "1").await;
    assert_eq!(walk(&world, &format!("/scripts/{other}/routes"), 1, "path").await, [[""; 0]]);
    assert_eq!(walk(&world, "/apps", 1, "slug").await.len(), 2);
    assert_eq!(walk(&world, "/apps/shop/domains", 1, "pattern").await, [["shop.test"]]);
    let scripts = world.ask("GET", "/apps/shop/scripts").await.expect(200);
    assert_eq!(scripts.json["items"][0]["source"], Value::Null, "lists leave sources out");
    assert_eq!(scripts.json["items"][0]["sha256"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn the_default_page_has_fifty_items() {
    let world = World::new().await;
    for index in 0..51 {
        world.post("POST", "/apps", json!({"slug": format!("a{index}")})).await.expect(201);
    }
    let page = world.ask("GET", "/apps").await.expect(200);
    assert_eq!(page.json["items"].as_array().unwrap().len(), 50);
    assert!(page.json["next_cursor"].is_string());
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let world = World::new().await;
    for (query, field, code) in [
        ("limit=0", "limit", "out_of_range"),
        ("limit=201", "limit", "out_of_range"),
        ("limit=x", "limit", "out_of_range"),
        ("cursor=x", "cursor", "invalid_cursor"),
        ("cursor=", "cursor", "invalid_cursor"),
        ("page=2", "page", "unknown_field"),
    ] {
        world.ask("GET", &format!("/apps?{query}")).await.expect_invalid(field, code);
    }
}
