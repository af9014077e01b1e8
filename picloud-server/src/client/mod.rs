//! What talks to a server from outside: commands that use the HTTP API.

mod accounts;
mod api;
mod apply;
mod credentials;
mod diff;
mod folder;
mod invoke;
mod logs;
mod remote;
mod report;
mod versions;

pub(crate) use accounts::{login, password};
pub(crate) use apply::push;
pub(crate) use diff::diff;
pub(crate) use folder::pull;
pub(crate) use invoke::invoke;
pub(crate) use logs::logs;
pub(crate) use versions::{rollback, versions};
