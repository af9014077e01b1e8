//! Who is let in, and what shuts others out.

use axum::body::Body;
use http::{Request, request::Builder};
use picloud::Scheme;
use picloud_axum::Api;
use serde_json::json;

use crate::world::{ADMIN, PASSWORD, World, login, over, request};

const ID: &str = "0190a0a0-0000-7000-8000-000000000000";

fn empty(request: Builder) -> Request<Body> {
    request.body(Body::empty()).unwrap()
}

/// Every route that needs a session: those of the table, and execute.
fn closed() -> Vec<(String, String)> {
    let table = Api::closed().map(|(method, path)| (method.to_uppercase(), path.to_owned()));
    let paths = table.chain([("POST".to_owned(), "/api/v1/execute/{id}".to_owned())]);
    let paths = paths.map(|(method, path)| (method, path.replace("{app}", "shop").replace("{id}", ID)));
    let mut paths: Vec<_> = paths.collect();
    // A logout that succeeds ends what the others need.
    paths.sort_by_key(|(_, path)| path.ends_with("/logout"));
    paths
}

#[tokio::test]
async fn every_route_needs_a_session() {
    let world = World::new().await;
    let forged = format!("pcs_{}", "x".repeat(43));
    for (method, path) in closed() {
        for auth in
            [None, Some("Bearer"), Some("Bearer x"), Some("Basic dTpw"), Some(&*format!("Bearer {forged}"))]
        {
            let mut request = request(&method, &path);
            if let Some(auth) = auth {
                request = request.header("authorization", auth);
            }
            let answer = world.send(empty(request)).await.expect_problem(401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{method} {path}");
        }
        let cookie = request(&method, &path).header("cookie", format!("picloud_session={forged}"));
        let cookie = cookie.header("sec-fetch-site", "same-origin").header("x-picloud-request", "1");
        world.send(empty(cookie)).await.expect_problem(401, "unauthorized");
        let allowed = world.ask(&method, &path).await;
        assert!(allowed.status != 401 && allowed.status != 405, "{method} {path}: {}", allowed.text);
    }
}

#[tokio::test]
async fn a_token_is_taken_from_header_and_cookie_only_and_not_from_both() {
    let world = World::new().await;
    let token = &world.token;
    let in_url = request("GET", &format!("/auth/me?token={token}"));
    world.send(empty(in_url)).await.expect_problem(401, "unauthorized");
    let cookie = request("GET", "/auth/me").header("cookie", format!("a=1; picloud_session={token}; b=2"));
    let me = world.send(empty(cookie)).await.expect(200);
    assert_eq!(me.json["admin"]["username"], "ada");
    assert!(!me.text.contains("pcs_"));
    let both = world.admin("GET", "/auth/me").header("cookie", format!("picloud_session={token}"));
    world.send(empty(both)).await.expect_problem(400, "malformed");
    let two = request("GET", "/auth/me").header("cookie", format!("picloud_session={token}"));
    let two = two.header("cookie", "picloud_session=other");
    world.send(empty(two)).await.expect_problem(400, "malformed");
    let flipped = format!("{}{}", &token[..46], if token.ends_with('A') { 'B' } else { 'A' });
    for wrong in [flipped.as_str(), &token[..46], "' or 1=1", &"x".repeat(10_000)] {
        let request = request("GET", "/auth/me").header("authorization", format!("Bearer {wrong}"));
        world.send(empty(request)).await.expect_problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn the_cookie_fits_the_connection() {
    let world = World::new().await;
    let plain = world.send(over(Scheme::Http, login("ada", PASSWORD))).await.expect(200);
    let token = plain.json["token"].as_str().unwrap();
    assert_eq!(
        plain.header("set-cookie"),
        format!("picloud_session={token}; Path=/; HttpOnly; SameSite=Strict")
    );
    let secure = world.send(over(Scheme::Https, login("ada", PASSWORD))).await.expect(200);
    let token = secure.json["token"].as_str().unwrap();
    let expected = format!("__Host-picloud_session={token}; Path=/; HttpOnly; SameSite=Strict; Secure");
    assert_eq!(secure.header("set-cookie"), expected);
    // Over TLS the name that anyone on a sibling host could set counts for nothing.
    for (name, status) in [("__Host-picloud_session", 200), ("picloud_session", 401)] {
        let request = request("GET", "/auth/me").header("cookie", format!("{name}={token}"));
        world.send(over(Scheme::Https, empty(request))).await.expect(status);
    }
}

#[tokio::test]
async fn logins_say_who_it_is_and_nothing_about_why_not() {
    let world = World::new().await;
    let answer = world.send(login("ADA", PASSWORD)).await.expect(200);
    assert_eq!(answer.json["admin"]["username"], "ada");
    assert!(answer.json["expires_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(answer.header("cache-control"), "no-store");
    let mut texts = Vec::new();
    for (name, password) in [("ada", "wrong password"), ("bob", PASSWORD)] {
        let mut answer = world.send(login(name, password)).await.expect_problem(401, "unauthorized");
        answer.json["request_id"].take();
        texts.push(answer.json);
    }
    assert_eq!(texts[0], texts[1]);
    world.send(login("ada", &"x".repeat(1025))).await.expect_invalid("password", "too_long");
    world.send(login("ada", &"x".repeat(5000))).await.expect_problem(413, "limit_body");
}

#[tokio::test]
async fn too_many_attempts_are_told_when_to_come_back() {
    let world = World::new().await;
    let mut last = world.send(login("bob", "wrong password")).await;
    for _ in 0..5 {
        last = world.send(login("bob", "wrong password")).await;
    }
    let last = last.expect_problem(429, "too_many_attempts");
    assert!(last.header("retry-after").parse::<u64>().unwrap() >= 1);
}

#[tokio::test]
async fn a_logout_ends_the_session_at_once_and_a_new_login_the_one_it_replaces() {
    let world = World::new().await;
    let cookie = |token: &str| format!("picloud_session={token}");
    let mut second = login("ada", PASSWORD);
    second.headers_mut().insert("cookie", cookie(&world.token).parse().unwrap());
    let second = world.send(second).await.expect(200);
    world.ask("GET", "/auth/me").await.expect_problem(401, "unauthorized");

    let token = second.json["token"].as_str().unwrap();
    let logout = request("POST", "/auth/logout").header("cookie", cookie(token));
    let logout = logout.header("sec-fetch-site", "same-origin").header("x-picloud-request", "1");
    let out = world.send(empty(logout)).await.expect(204);
    assert_eq!(out.header("set-cookie"), "picloud_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    let after = request("GET", "/auth/me").header("cookie", cookie(token));
    world.send(empty(after)).await.expect_problem(401, "unauthorized");
}

/// What a browser may say of a request, and whether it is let through.
const SENDERS: &[(bool, &[(&str, &str)])] = &[
    (true, &[("sec-fetch-site", "same-origin"), ("content-type", "application/json")]),
    (true, &[("sec-fetch-site", "same-origin"), ("content-type", "text/plain"), ("x-picloud-request", "1")]),
    (true, &[("origin", "http://picloud.test"), ("content-type", "application/json; charset=utf-8")]),
    (false, &[("content-type", "application/json")]),
    (false, &[("origin", "null"), ("content-type", "application/json")]),
    (false, &[("origin", "http://evil.test"), ("content-type", "application/json")]),
    (false, &[("origin", "http://app.picloud.test"), ("content-type", "application/json")]),
    (false, &[("origin", "http://picloud.test:81"), ("content-type", "application/json")]),
    (false, &[("origin", "https://picloud.test"), ("content-type", "application/json")]),
    (false, &[("origin", "http://picloud.test.evil.test"), ("content-type", "application/json")]),
    (
        false,
        &[
            ("origin", "http://picloud.test"),
            ("origin", "http://picloud.test"),
            ("content-type", "application/json"),
        ],
    ),
    (false, &[("sec-fetch-site", "same-site"), ("content-type", "application/json")]),
    (false, &[("sec-fetch-site", "cross-site"), ("content-type", "application/json")]),
    (false, &[("sec-fetch-site", "none"), ("content-type", "application/json")]),
    (
        false,
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "http://picloud.test"),
            ("content-type", "application/json"),
        ],
    ),
    (false, &[("sec-fetch-site", "same-origin"), ("content-type", "text/plain")]),
    (false, &[("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")]),
    (false, &[("sec-fetch-site", "same-origin"), ("content-type", "text/plain; application/json")]),
    (false, &[("sec-fetch-site", "same-origin")]),
];

#[tokio::test]
async fn a_cookie_writes_only_from_the_same_origin() {
    let world = World::new().await;
    let cookie = format!("picloud_session={}", world.token);
    for (allowed, headers) in SENDERS {
        let mut sent = request("POST", "/scripts/check").header("cookie", &cookie);
        for (name, value) in *headers {
            sent = sent.header(*name, *value);
        }
        let sent = sent.body(Body::from(r#"{"source":"1"}"#)).unwrap();
        let answer = world.send(over(Scheme::Http, sent)).await;
        // Let through without a JSON type it ends as one that is not understood.
        assert_eq!(matches!(answer.status.as_u16(), 200 | 415), *allowed, "{headers:?}: {}", answer.text);
        if !allowed {
            answer.expect_problem(403, "forbidden");
        }
    }
    let read = request("GET", "/apps").header("cookie", &cookie).header("sec-fetch-site", "cross-site");
    world.send(empty(read)).await.expect(200);
}

#[tokio::test]
async fn a_bearer_token_needs_no_origin() {
    let world = World::new().await;
    let sent = world.admin("POST", "/scripts/check").header("origin", "https://elsewhere.test");
    let sent = sent.header("sec-fetch-site", "cross-site").header("content-type", "application/json");
    world.send(sent.body(Body::from(r#"{"source":"1"}"#)).unwrap()).await.expect(200);
}

#[tokio::test]
async fn what_belongs_to_another_app_is_not_found_below_this_one() {
    let world = World::new().await;
    let ours = world.app_with_script("ours", "1").await;
    let theirs = world.app_with_script("theirs", "1").await;
    for method in ["GET", "PUT", "PATCH", "DELETE", "POST"] {
        for path in ["/api/v1/apps/ours", "/api/v1/admin/apps/ours"] {
            let path = format!("{path}/scripts/{theirs}");
            world.ask(method, &path).await.expect_problem(404, "not_found");
        }
    }
    let listed = world.ask("GET", "/apps/ours/scripts").await.expect(200);
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed.json["items"][0]["id"], json!(ours));
    world.ask("DELETE", "/apps/theirs").await.expect(204);
    for path in [
        format!("/scripts/{theirs}"),
        format!("/scripts/{theirs}/routes"),
        format!("{ADMIN}/apps/theirs/routes"),
    ] {
        world.ask("GET", &path).await.expect_problem(404, "not_found");
    }
    world.ask("GET", &format!("/scripts/{ours}")).await.expect(200);
}
