//! Rows 54 to 64: guesses, stolen and forged credentials, other sites, and first starts, against the real server and
//! through a real Caddy.

use std::{net::SocketAddr, thread};

use serde_json::json;
use tempfile::tempdir;

use crate::{
    blackbox::World,
    process::{PASSWORD, Reply, Server, USERNAME, command, send},
    proxies::Kind,
};

/// A request for the control plane with these header lines and this body.
pub(crate) fn ask(address: SocketAddr, method: &str, path: &str, lines: &str, body: &str) -> Reply {
    let head = format!(
        "{method} /api/v1/admin{path} HTTP/1.1\r\nHost: admin.test\r\nConnection: close\r\n{lines}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    send(address, head.as_bytes())
}

pub(crate) const JSON: &str = "Content-Type: application/json\r\n";

pub(crate) fn log_in(address: SocketAddr, lines: &str, username: &str, password: &str) -> Reply {
    let body = json!({ "username": username, "password": password }).to_string();
    ask(address, "POST", "/auth/login", &format!("{JSON}{lines}"), &body)
}

/// The server itself, and behind Caddy where that is installed.
pub(crate) fn worlds() -> impl Iterator<Item = World> {
    [None, Some(Kind::Caddy)].into_iter().filter_map(World::start)
}

/// T1, T2, T21.
#[test]
fn row_54_guesses_are_few_whatever_addresses_they_claim() {
    for world in worlds() {
        let mut evaluated = 0;
        for n in 0..1000 {
            let lines = format!("X-Forwarded-For: 198.51.{}.{}\r\n", n / 250, n % 250);
            let reply = log_in(world.address(), &lines, USERNAME, "not the password");
            match reply.status {
                401 => evaluated += 1,
                429 => assert!(n >= 5 && reply.header("retry-after").is_some(), "{n}: {reply}"),
                _ => panic!("{reply}"),
            }
        }
        assert!((5..=30).contains(&evaluated), "{evaluated} guesses were tried");
        // Not even the right one now, but who is in stays in.
        assert_eq!(log_in(world.address(), "", USERNAME, PASSWORD).status, 429);
        assert_eq!(world.admin.call("GET", "/apps", None).status, 200);
    }
}

/// T3, T4: by what is answered.
#[test]
fn rows_55_and_56_wrong_logins_are_told_apart_by_nothing() {
    for world in worlds() {
        let mut unknown = log_in(world.address(), "", "nobody", "not the password").json();
        let mut known = log_in(world.address(), "", USERNAME, "not the password").json();
        for reply in [&mut unknown, &mut known] {
            assert_eq!(reply["status"], 401);
            reply["request_id"] = json!("");
        }
        assert_eq!(unknown, known);
        let huge = "x".repeat(1 << 20);
        assert_eq!(log_in(world.address(), "", USERNAME, &huge).code(), "limit_body");
        for password in ["x".repeat(1025), format!("{PASSWORD}\0"), PASSWORD.to_uppercase(), String::new()] {
            let reply = log_in(world.address(), "", USERNAME, &password);
            assert!(matches!(reply.status, 401 | 422 | 429), "{reply}");
        }
    }
}

/// T7, T8.
#[test]
fn row_58_no_other_token_is_the_token() {
    for world in worlds() {
        let token = &world.admin.token;
        let with = |token: &str| {
            ask(world.address(), "GET", "/apps", &format!("Authorization: Bearer {token}\r\n"), "")
        };
        assert_eq!(with(token).status, 200);
        let mut flipped = token.clone().into_bytes();
        let last = flipped.len() - 1;
        flipped[last] = if flipped[last] == b'A' { b'B' } else { b'A' };
        let flipped = String::from_utf8(flipped).unwrap();
        let wrong = [&flipped, &token[..token.len() - 1], &token[4..], "pcs_", "' or 1=1", "", "null"];
        for token in wrong {
            let reply = with(token);
            assert_eq!((reply.status, reply.code().as_str()), (401, "unauthorized"), "{token}: {reply}");
        }
        let upper = with(&token.to_uppercase());
        assert_eq!(upper.status, 401, "{upper}");
        // Never in the target, where logs and histories keep it.
        for name in ["token", "access_token"] {
            assert_eq!(ask(world.address(), "GET", &format!("/apps?{name}={token}"), "", "").status, 401);
        }
        let cookie = format!("Cookie: picloud_session={token}\r\n");
        let both = format!("{cookie}Authorization: Bearer {token}\r\n");
        assert_eq!(ask(world.address(), "GET", "/apps", &both, "").status, 400);
        assert_eq!(ask(world.address(), "GET", "/apps", &format!("{cookie}{cookie}"), "").status, 400);
        assert_eq!(world.admin.call("POST", "/auth/logout", None).status, 204);
        assert_eq!(with(token).status, 401, "after the logout");
    }
}

/// T16.
#[test]
fn row_60_other_sites_cannot_write_with_a_cookie() {
    for world in worlds() {
        let cookie = format!("Cookie: picloud_session={}\r\n", world.admin.token);
        let post = |lines: &str, body: &str| {
            ask(world.address(), "POST", "/apps", &format!("{cookie}{lines}"), body)
        };
        let body = json!({ "slug": "forged" }).to_string();
        let own = "Origin: http://admin.test\r\n";
        for lines in [
            JSON.to_owned(),
            format!("{JSON}Origin: null\r\n"),
            format!("{JSON}Origin: http://a.admin.test\r\n"),
            format!("{JSON}Origin: http://a.test\r\n"),
            format!("{JSON}Origin: https://admin.test\r\n"),
            format!("{JSON}{own}Sec-Fetch-Site: same-site\r\n"),
            format!("{JSON}{own}Sec-Fetch-Site: cross-site\r\n"),
            format!("{JSON}Sec-Fetch-Site: none\r\n"),
            format!("Content-Type: text/plain\r\n{own}"),
            format!("Content-Type: text/plain\r\n{own}Sec-Fetch-Site: same-origin\r\n"),
            format!("Content-Type: application/x-www-form-urlencoded\r\n{own}"),
            format!("Content-Type: multipart/form-data; boundary=x\r\n{own}"),
            own.to_owned(),
        ] {
            for (method, path) in [("POST", "/apps"), ("PATCH", "/apps/a"), ("DELETE", "/apps/a")] {
                let reply = ask(world.address(), method, path, &format!("{cookie}{lines}"), &body);
                let refused = (reply.status, reply.code());
                assert_eq!(refused, (403, "forbidden".to_owned()), "{method} {lines}: {reply}");
            }
        }
        let apps = world.admin.call("GET", "/apps", None).text();
        assert!(!apps.contains("forged") && apps.contains(r#""slug":"a""#), "{apps}");
        assert_eq!(post(&format!("{JSON}{own}"), &body).status, 201);
        let fetched = format!("{JSON}Sec-Fetch-Site: same-origin\r\n");
        assert_eq!(post(&fetched, &body.replace("forged", "fetched")).status, 201);
    }
}

/// T12.
#[test]
fn row_64_first_starts_at_once_make_one_admin() {
    let folder = tempdir().unwrap();
    let servers: Vec<(String, Server)> = thread::scope(|scope| {
        let starting: Vec<_> = (0..8)
            .map(|n| {
                let folder = folder.path();
                scope.spawn(move || {
                    let username = format!("admin{n}");
                    let mut serve = command(folder, &["serve", "--listen", "127.0.0.1:0"]);
                    serve.env("PICLOUD_ADMIN_USERNAME", &username).env("PICLOUD_ADMIN_PASSWORD", PASSWORD);
                    (username, Server::spawn(&mut serve))
                })
            })
            .collect();
        starting.into_iter().map(|server| server.join().unwrap()).collect()
    });
    let address = servers[0].1.address;
    let admins = servers.iter().filter(|(name, _)| log_in(address, "", name, PASSWORD).status == 200);
    assert_eq!(admins.count(), 1);
}
