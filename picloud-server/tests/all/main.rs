//! Black-box tests: what the server does, seen from a socket.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(unix)]
mod dev;
mod framing;
#[cfg(unix)]
mod hostile;
mod lifetime;
#[cfg(unix)]
mod paths;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod readme;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod settings;
mod support;
