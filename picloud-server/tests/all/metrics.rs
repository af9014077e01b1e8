//! `/metrics`: who sees it, that it counts exactly, and that callers cannot make it grow (T66).

use std::fs;

use tempfile::tempdir;

use crate::process::{Admin, Reply, Server, admin_address, get, send};

fn metrics(admin: &Admin) -> String {
    let reply = get(admin.address, "any.test", "/metrics");
    assert_eq!(reply.status, 200, "{reply}");
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    reply.text()
}

/// The value of a sample; 0 where there is none.
fn value(text: &str, sample: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

#[test]
fn runs_and_refusals_are_counted_by_what_the_operator_has_named() {
    let folder = tempdir().unwrap();
    let settings = "admin_listen = \"127.0.0.1:0\"\nmax_running_per_app = 1\n";
    fs::write(folder.path().join("picloud-server.toml"), settings).unwrap();
    let server = Server::with_admin(folder.path());
    let admin = Admin::log_in(admin_address(&server), None);
    admin.make_app("shop", "shop.test");
    admin.make_route("shop", "price", ("ANY", "/price/:item"), "ctx.params.item");
    admin.make_route("shop", "broken", ("GET", "/broken"), "1 / 0");
    let ask = |method: &str, path: &str| -> Reply {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n");
        send(server.address, head.as_bytes())
    };
    let before = metrics(&admin).lines().count();
    for n in 0..20 {
        assert_eq!(ask("GET", &format!("/price/{n}?q={n}")).status, 200);
        assert_eq!(ask(&format!("X{n}"), "/price/x").status, 200);
        assert_eq!(ask("GET", &format!("/nowhere/{n}")).status, 404);
        assert_eq!(get(server.address, &format!("h{n}.test"), "/hello/Ada").status, 200);
    }
    for _ in 0..3 {
        assert_eq!(ask("GET", "/broken").status, 500);
    }
    let text = metrics(&admin);
    let run = |app, route, method, class| {
        format!(
            "picloud_requests_total{{app=\"{app}\",route=\"{route}\",method=\"{method}\",status=\"{class}\"}}"
        )
    };
    assert_eq!(value(&text, &run("shop", "/price/:item", "GET", "2xx")), 20.0, "{text}");
    assert_eq!(value(&text, &run("shop", "/price/:item", "other", "2xx")), 20.0, "{text}");
    assert_eq!(value(&text, &run("shop", "/broken", "GET", "5xx")), 3.0, "{text}");
    assert_eq!(value(&text, &run("hello", "/hello/:name", "GET", "2xx")), 20.0, "{text}");
    assert_eq!(value(&text, "picloud_failures_total{app=\"shop\",code=\"script_error\"}"), 3.0, "{text}");
    assert_eq!(value(&text, "picloud_refused_total{app=\"\",code=\"no_route\"}"), 20.0, "{text}");
    assert_eq!(value(&text, "picloud_run_duration_seconds_count{app=\"shop\"}"), 43.0, "{text}");
    assert_eq!(value(&text, "picloud_run_duration_seconds_bucket{app=\"shop\",le=\"+Inf\"}"), 43.0);
    assert!(value(&text, "picloud_run_operations_total{app=\"shop\"}") > 43.0, "{text}");
    assert_eq!(value(&text, "picloud_running_scripts"), 0.0);
    assert_eq!(value(&text, "picloud_open_connections{listener=\"admin\"}"), 1.0, "{text}");
    // What callers choose is nowhere in it, and does not make it longer.
    for chosen in ["/nowhere", "/price/1", "X1", "h1.test", "q="] {
        assert!(!text.contains(chosen), "{chosen}: {text}");
    }
    assert!(text.lines().count() < before + 60, "{text}");
    if cfg!(target_os = "linux") {
        assert!(value(&text, "process_resident_memory_bytes") > 1e6, "{text}");
        assert!(value(&text, "process_cpu_seconds_total") >= 0.0 && text.contains("process_open_fds "));
    }
    assert_well_formed(&text);
}

/// Every line is a comment or a sample of the metric that was announced last.
fn assert_well_formed(text: &str) {
    let mut current = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            current = rest.split(' ').next().unwrap();
        } else if !line.starts_with("# HELP ") {
            assert!(line.starts_with(current), "{current}: {line}");
            assert!(line.rsplit_once(' ').unwrap().1.parse::<f64>().is_ok(), "{line}");
        }
    }
    assert!(text.ends_with('\n'));
}

#[test]
fn beside_scripts_only_a_session_sees_them() {
    let folder = tempdir().unwrap();
    let server = Server::with_admin(folder.path());
    let admin = server.log_in();
    let ask = |lines: &str| {
        let head = format!("GET /metrics HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n{lines}\r\n");
        send(server.address, head.as_bytes())
    };
    for lines in ["", "Authorization: Bearer x\r\n", "Authorization: Basic x\r\n"] {
        let reply = ask(lines);
        assert_eq!((reply.status, reply.code().as_str()), (401, "unauthorized"), "{lines}: {reply}");
        assert_eq!(reply.json()["request_id"].as_str(), reply.header("x-request-id"));
    }
    // A cookie is what a page in a browser could make use of.
    assert_eq!(ask(&format!("Cookie: picloud_session={}\r\n", admin.token)).status, 401);
    let reply = ask(&format!("Authorization: Bearer {}\r\n", admin.token));
    assert!(reply.status == 200 && reply.text().contains("picloud_requests_total"), "{reply}");
}
