//! Rows 59 and 63: when sessions end, and that there is always somebody who can log in, against the real server and through
//! a real Caddy. Limits of time are held to the microsecond in the manager's own tests.

use std::{net::SocketAddr, process::Command};

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::{
    accounts::{ask, log_in, worlds},
    process::{Admin, PASSWORD, Reply, Server, USERNAME, command},
};

const BOB: &str = "bob";
const OTHER: &str = "another horse battery";

/// What a token is answered.
fn with(address: SocketAddr, token: &str) -> Reply {
    ask(address, "GET", "/auth/me", &format!("Authorization: Bearer {token}\r\n"), "")
}

/// The id of a new account, and the token of its session.
fn hire(address: SocketAddr, admin: &Admin) -> (String, String) {
    let made = admin.make("/admins", &json!({ "username": BOB, "password": OTHER }));
    let login = log_in(address, "", BOB, OTHER);
    assert_eq!(login.status, 200, "{login}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["id"]), text(&login.json()["token"]))
}

/// T11: each way in which a session ends before its time.
#[test]
fn row_59_logout_and_whatever_ends_an_account_end_its_sessions() {
    for world in worlds() {
        let (address, admin) = (world.address(), &world.admin);
        let ends: [(&str, &str, &str, Value); 4] = [
            ("logout", "POST", "/auth/logout", Value::Null),
            ("a new password", "PATCH", "/admins/BOB", json!({ "password": "yet another battery" })),
            ("a deactivation", "PATCH", "/admins/BOB", json!({ "active": false })),
            ("a removal", "DELETE", "/admins/BOB", Value::Null),
        ];
        for (what, method, path, body) in ends {
            let (id, token) = hire(address, admin);
            assert_eq!(with(address, &token).status, 200, "before {what}");
            let by = if what == "logout" {
                Admin { token: token.clone(), ..admin.clone() }
            } else {
                admin.clone()
            };
            let body = (!body.is_null()).then_some(body);
            let ended = by.call(method, &path.replace("BOB", &id), body.as_ref());
            assert!(matches!(ended.status, 200 | 204), "{what}: {ended}");
            let after = with(address, &token);
            assert_eq!((after.status, after.code().as_str()), (401, "unauthorized"), "after {what}: {after}");
            // Whoever is disabled is told no more than a stranger.
            if what == "a deactivation" {
                let told = |reply: Reply| (reply.status, reply.json()["detail"].clone());
                let disabled = told(log_in(address, "", BOB, OTHER));
                assert_eq!(disabled, told(log_in(address, "", "nobody", OTHER)));
            }
            assert_eq!(with(address, &admin.token).status, 200, "others notice nothing");
            let gone = admin.call("DELETE", &format!("/admins/{id}"), None);
            assert!(matches!(gone.status, 204 | 404), "{gone}");
        }
    }
}

/// When the session that asks ends if it is not used again: seconds since 1970.
#[cfg(target_os = "linux")]
fn expires_at(admin: &Admin) -> i64 {
    let me = admin.call("GET", "/auth/me", None).json();
    let output = Command::new("date")
        .args(["-u", "+%s", "-d", me["session"]["expires_at"].as_str().unwrap()])
        .output();
    String::from_utf8(output.unwrap().stdout).unwrap().trim().parse().unwrap()
}

/// T9: a server that starts at this time knows what the one before it has written.
#[cfg(target_os = "linux")]
#[test]
fn row_59_an_unused_session_is_good_until_its_last_second_and_not_after_it() {
    let Some(library) = crate::adversity::faketime() else { return };
    let folder = tempdir().unwrap();
    let start = |at: i64| {
        let time = Command::new("date").args(["-u", "+@%Y-%m-%d %H:%M:%S", "-d", &format!("@{at}")]).output();
        let mut serve = command(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
        serve
            .env("LD_PRELOAD", &library)
            .env("FAKETIME", String::from_utf8(time.unwrap().stdout).unwrap().trim());
        serve.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
        Server::spawn_with_admin(&mut serve)
    };
    let server = Server::with_admin(folder.path());
    let mut admin = server.log_in();
    let first = expires_at(&admin);
    drop(server);

    // The first start may take a while, and time goes on.
    let server = start(first - 20);
    admin.address = server.address;
    let renewed = expires_at(&admin);
    assert!((first + 86_000..first + 86_400).contains(&renewed), "{first} is renewed to {renewed}");
    drop(server);

    let server = start(renewed + 1);
    admin.address = server.address;
    let late = admin.call("GET", "/auth/me", None);
    assert_eq!((late.status, late.code().as_str()), (401, "unauthorized"), "{late}");
}

/// T12.
#[test]
fn row_63_the_last_admin_stays() {
    for world in worlds() {
        let admin = Admin { address: world.address(), ..world.admin.clone() };
        let me = admin.call("GET", "/auth/me", None).json()["admin"]["id"].as_str().unwrap().to_owned();
        let (bob, _) = hire(world.address(), &admin);
        assert_eq!(
            admin.call("PATCH", &format!("/admins/{bob}"), Some(&json!({ "active": false }))).status,
            200
        );
        for (method, body) in [("DELETE", None), ("PATCH", Some(json!({ "active": false })))] {
            let reply = admin.call(method, &format!("/admins/{me}"), body.as_ref());
            assert_eq!((reply.status, reply.code().as_str()), (409, "conflict"), "{method}: {reply}");
        }
        assert_eq!(admin.call("GET", "/auth/me", None).status, 200);
    }
}

/// T12: the environment makes an admin once, whatever it says later.
#[test]
fn row_63_a_restart_with_the_environment_set_makes_no_admin() {
    let folder = tempdir().unwrap();
    drop(Server::with_admin(folder.path()));
    let mut serve = command(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    serve.env("PICLOUD_ADMIN_USERNAME", "mallory").env("PICLOUD_ADMIN_PASSWORD", OTHER);
    let server = Server::spawn(&mut serve);
    server.process.await_line("that it is ignored", |line| line.contains("is ignored").then_some(()));
    assert_eq!(log_in(server.address, "", "mallory", OTHER).status, 401);
    let admin = server.log_in();
    let admins = admin.call("GET", "/admins", None).json();
    let names: Vec<_> = admins["items"].as_array().unwrap().iter().map(|one| &one["username"]).collect();
    assert_eq!(names, [USERNAME], "and {PASSWORD:?} is still hers");
    // Nor is there a set-up to be had.
    let setup = json!({ "token": "setup_x", "username": "mallory", "password": OTHER });
    assert_eq!(admin.call("POST", "/setup", Some(&setup)).status, 410);
}
