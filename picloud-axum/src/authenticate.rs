//! Authentication of an embedder's own, in place of PiCloud's accounts and sessions.

use http::request::Parts;
use picloud::BoxFuture;

/// Says who sends a request to the admin API, in place of PiCloud's own accounts and sessions. With one
/// ([`Options::authenticate`](crate::Options::authenticate)) set-up, login, sessions and accounts are not served, and
/// whoever it lets in may do everything else.
///
/// A write that comes with a cookie and without an `Authorization` header must come from the same origin, as with
/// PiCloud's own cookie, before this is asked.
///
/// ```
/// use std::sync::Arc;
///
/// use http::request::Parts;
/// use picloud::BoxFuture;
/// use picloud_axum::{Authenticate, Identity, Options};
///
/// /// Whom the proxy in front has let in.
/// struct BehindProxy;
///
/// impl Authenticate for BehindProxy {
///     fn authenticate<'a>(&'a self, request: &'a Parts) -> BoxFuture<'a, Option<Identity>> {
///         Box::pin(async {
///             let user = request.headers.get("x-authenticated-user")?;
///             Some(Identity { name: user.to_str().ok()?.to_owned() })
///         })
///     }
/// }
///
/// let options = Options { authenticate: Some(Arc::new(BehindProxy)), ..Options::default() };
/// # let _ = options;
/// ```
pub trait Authenticate: Send + Sync {
    /// Who sends this request; `None` if nobody who may: then it is answered with 401.
    fn authenticate<'a>(&'a self, request: &'a Parts) -> BoxFuture<'a, Option<Identity>>;
}

/// Somebody whom an embedder knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// For the audit trail.
    pub name: String,
}
