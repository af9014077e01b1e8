//! Durable truth, behind object-safe traits.
//!
//! [`AppStore`] keeps apps and what they own, [`IdentityStore`] admins, sessions and settings, [`AuditStore`] who changed
//! what, [`LogStore`] what scripts did. [`Store`] is all of them. The contract of each method is here; the suite in
//! `picloud::testing` (feature `testing`) is its executable form.

mod apps;
mod audit;
mod change;
mod error;
mod identity;
#[cfg(test)]
mod late;
mod log;
mod memory;
mod page;
mod pointer;
mod record;

pub use apps::AppStore;
pub use audit::{AuditRecord, AuditStore};
pub use change::{Change, Commit};
pub use error::StoreError;
pub use identity::IdentityStore;
#[cfg(test)]
pub(crate) use late::LateStore;
pub use log::{ExecutionFilter, ExecutionRecord, LogStore, MinuteRecord, Quantiles, Retention};
pub use memory::MemoryStore;
pub use page::Page;
pub use record::{
    AdminRecord, AppKey, AppRecord, AppWorld, DomainRecord, Role, RouteRecord, ScriptRecord, SessionRecord,
    SettingRecord, VersionRecord, World,
};

use crate::BoxFuture;

/// What a store's method gives.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// All that a server keeps.
///
/// # Contract of all parts
/// * **Durability.** What a write acknowledged survives the end of the process and of the machine's power.
/// * **Atomicity.** Each write is one transaction: all of it, or nothing.
/// * **Order.** Lists are ordered by id and cut by [`Page`], oldest first where nothing else is said.
/// * **Time** is microseconds since 1970 UTC, given by the caller; a store has no clock of its own.
/// * **Text** may hold any character but NUL, which is refused before it gets here.
pub trait Store: AppStore + IdentityStore + AuditStore + LogStore {}

impl<S: AppStore + IdentityStore + AuditStore + LogStore + ?Sized> Store for S {}
