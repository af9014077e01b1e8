//! Paths in every spelling, against a script that would take them all. The rows are those of the table of hostile
//! inputs.

use serde_json::json;
use tempfile::{TempDir, tempdir};

use crate::process::{Admin, Reply, Server, send};

struct World {
    server: Server,
    admin: Admin,
    _folder: TempDir,
}

/// An app that takes every path of `a.test` and of any other host.
fn world() -> World {
    let folder = tempdir().unwrap();
    let server = Server::with_admin(folder.path());
    let admin = server.log_in();
    admin.make_app("greedy", "a.test");
    let source = "response(200, ctx.path).header(\"x-script\", \"1\")";
    let id = admin.make_route("greedy", "all", ("ANY", "/*path"), source);
    admin.make(&format!("/scripts/{id}/routes"), &json!({ "method": "ANY", "path": "/" }));
    World { server, admin, _folder: folder }
}

impl World {
    fn ask(&self, method: &str, path: &str) -> Reply {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
        send(self.server.address, head.as_bytes())
    }

    /// The server goes on as ever.
    #[track_caller]
    fn assert_well(&mut self) {
        assert_eq!(self.server.get("a.test", "/healthz").text(), "ok");
        assert_eq!(self.server.get("other.test", "/hello/Ada").text(), "Hello, Ada!");
        assert!(self.server.process.is_alive());
    }
}

#[track_caller]
fn assert_problem(path: &str, reply: &Reply, statuses: &[u16]) {
    assert!(reply.header("x-script").is_none(), "a script took {path}: {reply}");
    assert!(statuses.contains(&reply.status), "{path}: {reply}");
    assert!(!reply.code().is_empty(), "{path} has a problem with a code: {reply}");
}

#[test]
fn rows_41_to_46_no_spelling_of_a_reserved_path_reaches_a_script() {
    let mut world = world();
    let mut paths: Vec<String> = Vec::new();
    for name in ["api", "admin", "_picloud", "healthz", "readyz", "version", "metrics"] {
        let upper = name.to_ascii_uppercase();
        let title = format!("{}{}", &upper[..1], &name[1..]);
        let first = format!("%{:02x}{}", name.as_bytes()[0], &name[1..]);
        let whole: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for name in [&upper, &title, &first, &whole] {
            paths.extend([format!("/{name}"), format!("/{name}/v1/admin/apps")]);
        }
        paths.extend(
            [
                "//NAME",
                "///NAME//v1",
                "/NAME/",
                "/NAME%20",
                "/NAME.",
                "/NAME..",
                "/NAME%09",
                "/NAME/x/y",
                "/NAME%2Fx",
                "/NAME%2f",
                "/%2FNAME",
                "/%2f%2fNAME/x",
                "//NAME?x=1",
            ]
            .map(|spelling| spelling.replace("NAME", name)),
        );
    }
    // What the API or the health checks answer themselves is theirs to say.
    for path in paths {
        for method in ["GET", "POST", "OPTIONS"] {
            let reply = world.ask(method, &path);
            // The dashboard's one page shows whatever its path says.
            if path.starts_with("/admin/") && method == "GET" {
                assert!(reply.status == 200 && reply.header("x-script").is_none(), "{path}: {reply}");
            } else {
                assert_problem(&path, &reply, &[401, 404, 405]);
            }
        }
    }
    for (path, status) in [
        ("/api/v1/admin/apps", 401),
        ("/api/v1/admin/apps?x=1", 401),
        ("/api", 404),
        ("/api/", 404),
        ("/api/v2/x", 404),
        ("/metrics", 401),
        ("/_picloud", 404),
    ] {
        assert_problem(path, &world.ask("GET", path), &[status]);
    }
    world.assert_well();
}

#[test]
fn rows_44_and_46_and_47_and_49_what_is_not_a_path_is_refused() {
    let mut world = world();
    for path in [
        "/x/../api/v1",
        "/x/%2e%2e/api",
        "/.%2e/api",
        "/%2E./api",
        "/..",
        "/x/..",
        "/./admin",
        "/.",
        "/x/./y",
        "/x/%2e/y",
        "/admin%00",
        "/%00",
        "/a%00b",
        "/%zz",
        "/%",
        "/%4",
        "/x%",
        "/%c0%af",
        "/%c0%ae%c0%ae/api",
        "/%ff",
        "/%ed%a0%80",
        "/%f4%90%80%80",
        "/x%5cy",
        "/..%5capi",
        "/x\\y",
    ] {
        let reply = world.ask("GET", path);
        assert_problem(path, &reply, &[400]);
    }
    for path in ["/a\0b", "/a b", "/a\tb", "/\u{7f}", "/ü", "*", "x", "a.test/x"] {
        let reply = world.ask("GET", path);
        assert!(reply.header("x-script").is_none(), "{path:?}: {reply}");
        assert_eq!(reply.status, 400, "{path:?}: {reply}");
    }
    world.assert_well();
}

#[test]
fn what_only_looks_reserved_is_the_scripts() {
    let mut world = world();
    for path in [
        "/%2561pi/v1/apps",
        "/%252e%252e/api",
        "/x/api/v1",
        "/apis",
        "/version.txt",
        "/administer",
        "/healthz2",
        "/x%2F..%2Fy%2fz",
        "/x//y",
        "/...",
        "/%C3%BC",
        "/",
    ] {
        let reply = world.ask("GET", path);
        assert_eq!((reply.status, reply.text().as_str()), (200, path), "{reply}");
        assert_eq!(reply.header("x-script"), Some("1"));
    }
    for path in ["/x%2F..%2Fapi", "/x%2f%2e%2e%2fapi"] {
        // A careless reader would take these for `/api`; neither answer may be the API's.
        let reply = world.ask("GET", path);
        assert!(reply.status == 404 || reply.header("x-script").is_some(), "{path}: {reply}");
    }
    world.assert_well();
}

#[test]
fn another_host_in_the_target_is_not_believed() {
    let mut world = world();
    for target in [
        "http://b.test/x",
        "http://a.test:99999/x",
        "http://a.test@b.test/x",
        "http://other.test/api/v1/admin/apps",
    ] {
        let reply = world.ask("GET", target);
        assert!(reply.header("x-script").is_none(), "{target}: {reply}");
        assert_eq!(reply.status, 400, "{target}: {reply}");
    }
    assert_eq!(world.ask("GET", "http://a.test/x").text(), "/x");
    assert_problem("http://a.test/API", &world.ask("GET", "http://a.test/API/v1"), &[404]);
    world.assert_well();
}

#[test]
fn row_52_reserved_routes_cannot_be_made() {
    let world = world();
    let scripts = world.admin.call("GET", "/apps/greedy/scripts", None).json();
    let id = scripts["items"][0]["id"].as_str().unwrap().to_owned();
    for path in [
        "/admin",
        "/admin/x",
        "/API",
        "/%61pi",
        "/_picloud",
        "/_picloud/x",
        "//api",
        "/api/*rest",
        "/Healthz",
        "/version",
        "/readyz/",
        "/metrics",
        "/api.",
        "/admin%20",
        "/x/../api",
        "/%2561%zz",
        "x",
        "",
        "/a b",
        "/:",
        "/*a/b",
        "/:a/:a",
    ] {
        let body = json!({ "method": "GET", "path": path });
        let reply = world.admin.call("POST", &format!("/scripts/{id}/routes"), Some(&body));
        assert_eq!((reply.status, reply.code().as_str()), (422, "invalid"), "{path:?}: {reply}");
        assert_eq!(reply.json()["errors"][0]["field"], "path", "{path:?}: {reply}");
    }
    for method in ["CONNECT", "TRACE", "", "G ET", "*"] {
        let body = json!({ "method": method, "path": "/fine" });
        let reply = world.admin.call("POST", &format!("/scripts/{id}/routes"), Some(&body));
        assert_eq!(reply.status, 422, "{method:?}: {reply}");
    }
}

#[test]
fn row_53_claims_of_one_shape_collide() {
    let world = world();
    world.admin.make("/apps", &json!({ "slug": "second" }));
    let claim = |app: &str, pattern: &str| {
        world.admin.call("POST", &format!("/apps/{app}/domains"), Some(&json!({ "pattern": pattern })))
    };
    assert_eq!(claim("greedy", "*.wild.test").status, 201);
    assert_eq!(claim("greedy", "bücher.test").status, 201);
    for pattern in
        ["a.test", "A.TEST.", "*", "{x}.wild.test", "*.WILD.test.", "xn--bcher-kva.test", "BÜCHER.test"]
    {
        let reply = claim("second", pattern);
        assert_eq!((reply.status, reply.code().as_str()), (409, "conflict"), "{pattern}: {reply}");
    }
    // More and less specific than what is held is free.
    for pattern in ["b.wild.test", "{any}.test"] {
        assert_eq!(claim("second", pattern).status, 201, "{pattern}");
    }
    for pattern in ["http://a.test", "a.test/x", "a..test", "a b.test", "", "a.test:80", "*a.test"] {
        let reply = claim("second", pattern);
        assert_eq!(reply.status, 422, "{pattern:?}: {reply}");
    }
}

#[test]
fn methods_are_matched_as_they_are() {
    let world = world();
    world.admin.make_app("strict", "s.test");
    world.admin.make_route("strict", "one", ("GET", "/only"), "\"got\"");
    let ask = |method: &str, path: &str| {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: s.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        send(world.server.address, head.as_bytes())
    };
    let wrong = ask("POST", "/only");
    assert_eq!((wrong.status, wrong.code().as_str()), (405, "method_not_allowed"), "{wrong}");
    assert_eq!(wrong.header("allow"), Some("GET, HEAD"), "{wrong}");
    let head = ask("HEAD", "/only");
    assert_eq!((head.status, head.body.len()), (200, 0), "{head}");
    assert_eq!(head.header("content-length"), Some("3"), "{head}");
    assert_eq!(ask("GET", "/Only").code(), "no_route");
    assert_eq!(ask("GET", "/only/").code(), "no_route");
    assert_eq!(ask("TRACE", "/only").status, 405);
    assert_eq!(ask("CONNECT", "s.test:80").status, 405);
}
