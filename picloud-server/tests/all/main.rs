//! Black-box tests: what the server does, seen from a socket.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(unix)]
mod accounts;
#[cfg(target_os = "linux")]
mod adversity;
#[cfg(unix)]
mod blackbox;
#[cfg(unix)]
mod client;
#[cfg(unix)]
#[path = "../../../picloud-sqlx/tests/all/cluster.rs"]
mod cluster;
#[cfg(unix)]
mod dev;
#[cfg(unix)]
mod durability;
#[cfg(unix)]
mod h2;
#[cfg(unix)]
mod hostile;
#[cfg(unix)]
mod inert;
mod lifetime;
#[cfg(unix)]
mod logs;
#[cfg(unix)]
mod metrics;
#[cfg(unix)]
mod moved;
#[cfg(unix)]
mod paths;
#[cfg(unix)]
mod poison;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod proxies;
#[cfg(unix)]
mod readme;
#[cfg(unix)]
mod rows;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod sessions;
#[cfg(unix)]
mod settings;
#[cfg(unix)]
mod shared;
#[cfg(unix)]
mod slow;
mod support;
#[cfg(unix)]
mod tenants;
#[cfg(unix)]
mod testing;
#[cfg(unix)]
mod timing;
