//! The examples do what they say.
#![allow(clippy::unwrap_used, reason = "a test that unwraps fails, which is its job")]

mod auth;
mod curl;
mod folders;
mod home;
mod mounted;
mod newcomer;
mod own;
mod scripting;
mod telling;
mod tenants;
#[path = "../testing.rs"]
mod testing;

use picloud::MeteredAlloc;

/// Memory of scripts is counted, as where they are served.
#[global_allocator]
static ALLOC: MeteredAlloc<std::alloc::System> = MeteredAlloc(std::alloc::System);
