//! Row 55 (T3), the half of it that a clock sees: a wrong login takes as long for a name that nobody has, and for one that
//! is disabled, as for one that somebody has.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    accounts::log_in,
    blackbox::World,
    process::{Admin, PASSWORD},
};

/// Wrong logins of each kind in one go.
const LOGINS: usize = 40;
/// Wrong logins to one account that cost no waiting.
const FREE: usize = 5;
/// How far apart medians may be. Without a hash for unknown names they are ten times as far.
const TOLERANCE: f64 = 0.25;
/// Goes, of which one has to be calm: others use this machine, too.
const GOES: usize = 3;

#[derive(Debug, Clone, Copy)]
enum Kind {
    Known,
    Unknown,
    Disabled,
}

const KINDS: [Kind; 3] = [Kind::Known, Kind::Unknown, Kind::Disabled];

/// The `n`th name of a kind; those of one go are those of no other.
fn name(kind: Kind, go: usize, n: usize) -> String {
    format!("{kind:?}-{go}-{}", n / FREE).to_lowercase()
}

fn make_accounts(admin: &Admin, go: usize) {
    for n in (0..LOGINS).step_by(FREE) {
        for kind in [Kind::Known, Kind::Disabled] {
            let made = admin.make("/admins", &json!({ "username": name(kind, go, n), "password": PASSWORD }));
            if matches!(kind, Kind::Disabled) {
                let path = format!("/admins/{}", made["id"].as_str().unwrap());
                let disabled = admin.call("PATCH", &path, Some(&json!({ "active": false })));
                assert_eq!(disabled.status, 200, "{disabled}");
            }
        }
    }
}

fn median(took: &mut [Duration]) -> f64 {
    took.sort_unstable();
    took[took.len() / 2].as_secs_f64()
}

/// The median of each kind, tried one after the other, so that all have the same weather.
fn medians(address: SocketAddr, go: usize) -> [f64; 3] {
    let mut took = KINDS.map(|_| Vec::new());
    for n in 0..LOGINS {
        for (kind, took) in KINDS.into_iter().zip(&mut took) {
            // From ever other addresses: one alone would soon have to wait.
            let lines = format!("X-Forwarded-For: 198.{}.{n}.{}\r\n", 18 + go, kind as u8);
            let since = Instant::now();
            let reply = log_in(address, &lines, &name(kind, go, n), "not the password");
            took.push(since.elapsed());
            assert_eq!(reply.status, 401, "{kind:?}: {reply}");
        }
    }
    took.map(|mut took| median(&mut took))
}

#[test]
fn row_55_wrong_logins_are_told_apart_by_no_clock() {
    let world = World::with_settings(None, "trusted_proxies = [\"127.0.0.1\"]\n").unwrap();
    let mut seen = Vec::new();
    for go in 0..GOES {
        make_accounts(&world.admin, go);
        let [known, others @ ..] = medians(world.address(), go);
        let apart = others.map(|other| (other - known).abs() / known);
        println!("known {known:.4} s, unknown and disabled {others:?}: {apart:.3?} apart");
        if apart.iter().all(|apart| *apart < TOLERANCE) {
            return;
        }
        seen.push((known, others));
    }
    panic!("known names and others differ each time: {seen:?}");
}
