//! The HTTP front: socket → guard → hyper → checks → service.
//!
//! It takes any [`Serve`], which is any `tower::Service` over HTTP that never fails, and promises it that
//! each request has a strict head, unambiguous framing, exactly one valid host and a sane path. Peers
//! that are slow, silent or too many are the front's business, not the service's.
//!
//! In reading order: [`listener`](serve) accepts, `connection` runs one socket, `guard` sits between the
//! socket and hyper, `framing`, `head` and `chunked` follow the bytes, `refusal` says no. `forwarded` finds the
//! client behind a trusted proxy.

mod checks;
mod chunked;
mod connection;
mod connections;
mod exchange;
mod flight;
mod forwarded;
mod framing;
mod guard;
mod head;
mod listener;
mod network;
mod pace;
mod refusal;
mod settings;

pub use connections::{Connections, Phase};
pub use exchange::{Payload, Serve};
pub use listener::{bind, serve};
pub use network::{Network, NetworkError};
pub use refusal::{Refusal, refusal_in};
pub use settings::{ConnectionLimits, FrontSettings, HeadLimits, Timeouts};
