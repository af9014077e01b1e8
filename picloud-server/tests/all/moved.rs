//! Row 50 (T31): what answers below a former slug leads to the new slug of the same app and nowhere else, whatever the rest
//! of the path says.

use crate::{
    blackbox::{Raw, World, exchange},
    proxies::Kind,
};

use serde_json::json;

const OLD: &str = "/api/v1/admin/apps/old-slug";
const NEW: &str = "/api/v1/admin/apps/new-slug";

/// What stands behind the old slug.
const RESTS: [&str; 21] = [
    "",
    "/",
    "//evil.test",
    "//evil.test/%2f..",
    "/domains//evil.test",
    "/domains?next=//evil.test",
    "/domains?x=%0d%0aX:1",
    "/logs/%0d%0aX:1",
    "/logs/%0d%0aX:%201%0d%0a%0d%0a<script>",
    "/logs/%2f%2fevil.test",
    "/logs/..%2f..%2fevil.test",
    "/logs/@evil.test",
    "/logs/\\evil.test",
    "/logs/%5cevil.test",
    "/../../evil.test",
    "/%0d%0aX:1",
    "%0d%0aX:1",
    "%2f%2fevil.test",
    "@evil.test/",
    ".evil.test/",
    "?//evil.test",
];

/// Rests that an operation answers: for these the test would otherwise prove nothing.
fn leads_on(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('?') || rest.starts_with("/domains?")
}

fn check(target: &str, rest: &str, replies: &[Raw], direct: bool) {
    let [reply] = replies else { panic!("{target}: {replies:?}") };
    assert_eq!(reply.header("x"), None, "{target}: {reply:?}");
    let Some(location) = reply.header("location") else {
        assert!(matches!(reply.status, 400 | 404), "{target}: {reply:?}");
        assert!(!direct || !leads_on(rest), "{target}: {reply:?}");
        return;
    };
    assert_eq!(reply.status, 308, "{target}: {reply:?}");
    let behind = location.strip_prefix(NEW).unwrap_or_else(|| panic!("{target} leads to {location}"));
    assert!(behind.is_empty() || behind.starts_with(['/', '?']), "{target} leads to {location}");
    assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{target} leads to {location:?}");
    // A later claim of the slug has to win at once.
    assert_eq!(reply.header("cache-control"), Some("no-store"), "{target}: {reply:?}");
}

fn run(kind: Option<Kind>) {
    let Some(mut world) = World::start(kind) else { return };
    world.admin.make("/apps", &json!({ "slug": "old-slug" }));
    let renamed = world.admin.call("PATCH", "/apps/old-slug", Some(&json!({ "slug": "new-slug" })));
    assert_eq!(renamed.status, 200, "{renamed}");
    let token = format!("Authorization: Bearer {}\r\n", world.admin.token);
    for rest in RESTS {
        for target in [format!("{OLD}{rest}"), format!("http://admin.test{OLD}{rest}")] {
            let head =
                format!("GET {target} HTTP/1.1\r\nHost: admin.test\r\nConnection: close\r\n{token}\r\n");
            let replies = exchange(world.address(), head.as_bytes(), true);
            check(&target, rest, &replies, kind.is_none());
        }
    }
    world.assert_well("former slugs");
}

#[test]
fn row_50_former_slugs_lead_to_the_new_one_only_directly() {
    run(None);
}

#[test]
fn row_50_former_slugs_lead_to_the_new_one_only_behind_caddy() {
    run(Some(Kind::Caddy));
}

#[test]
fn row_50_former_slugs_lead_to_the_new_one_only_behind_nginx() {
    run(Some(Kind::Nginx));
}

#[test]
fn row_50_former_slugs_lead_to_the_new_one_only_behind_haproxy() {
    run(Some(Kind::Haproxy));
}
