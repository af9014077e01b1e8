//! Why the manager did not do what it was asked, for the client and for the log.

use std::time::Duration;

use crate::{Code, FieldError, Slug, store::StoreError};

/// Why the manager did not do what it was asked. Its text is for logs; [`detail`](Self::detail) is for clients.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ManagerError {
    /// There is no such thing.
    #[error("no such {what}")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
    },
    /// Something else holds what was asked for.
    #[error("{what} `{value}` is already taken")]
    Conflict {
        /// What must be unique.
        what: &'static str,
        /// The value in question.
        value: String,
        /// The app that holds it, where another app does.
        holder: Option<Slug>,
    },
    /// The thing has changed since the caller read it.
    #[error("{what} is at version {actual}, not {expected}")]
    Precondition {
        /// The kind of thing.
        what: &'static str,
        /// The version the caller expected.
        expected: u64,
        /// The version there is.
        actual: u64,
    },
    /// Nobody could log in afterwards.
    #[error("the last active admin has to stay")]
    LastAdmin,
    /// There has been an admin: the set-up is over for good.
    #[error("the set-up is over")]
    SetUp,
    /// What was sent breaks rules.
    #[error("invalid input: {0:?}")]
    Invalid(Vec<FieldError>),
    /// Neither password nor session is good. Says the same for every reason.
    #[error("unauthorized: {0}")]
    Unauthorized(&'static str),
    /// Too many attempts.
    #[error("too many attempts")]
    TooManyAttempts {
        /// How long to wait.
        retry_after: Duration,
    },
    /// Too much to do at once.
    #[error("overloaded: {0}")]
    Overloaded(&'static str),
    /// The store does not answer.
    #[error("storage is unavailable: {0}")]
    StorageUnavailable(String),
    /// The store has no room.
    #[error("storage is full: {0}")]
    StorageFull(String),
    /// A defect of the platform, or damage.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<FieldError> for ManagerError {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}

impl ManagerError {
    /// The store's error, with the name of the app that holds what was wanted.
    pub(super) fn from_store(error: StoreError, holder: Option<Slug>) -> Self {
        match error {
            StoreError::NotFound { what } => Self::NotFound { what },
            StoreError::Conflict { what, value, holder: _ } => Self::Conflict { what, value, holder },
            StoreError::Precondition { what, expected, actual } => {
                Self::Precondition { what, expected, actual }
            }
            StoreError::LastAdmin => Self::LastAdmin,
            StoreError::Unavailable(text) => Self::StorageUnavailable(text),
            StoreError::Full(text) => Self::StorageFull(text),
            StoreError::NewerSchema { .. } | StoreError::Corrupt(_) => Self::Internal(error.to_string()),
        }
    }

    /// The stable code, which also says the HTTP status.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NotFound { .. } => Code::NotFound,
            Self::Conflict { .. } | Self::LastAdmin => Code::Conflict,
            Self::SetUp => Code::Gone,
            Self::Precondition { .. } => Code::PreconditionFailed,
            Self::Invalid(_) => Code::Invalid,
            Self::Unauthorized(_) => Code::Unauthorized,
            Self::TooManyAttempts { .. } => Code::TooManyAttempts,
            Self::Overloaded(_) => Code::Overloaded,
            Self::StorageUnavailable(_) => Code::StorageUnavailable,
            Self::StorageFull(_) => Code::StorageFull,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// Whether this answers what was asked for, and is no failure of the platform: what the audit trail calls refused.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::StorageUnavailable(_) | Self::StorageFull(_) | Self::Internal(_))
    }

    /// What a client may read: no internals.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::NotFound { what } => format!("There is no such {what}."),
            Self::Conflict { what, value, holder: Some(holder) } => {
                format!("The {what} `{value}` is already taken by the app `{holder}`.")
            }
            Self::Conflict { what, value, holder: None } => format!("The {what} `{value}` is already taken."),
            Self::Precondition { what, actual, .. } => {
                format!("The {what} has changed: it is at version {actual}. Read it again, then decide.")
            }
            Self::SetUp => "The set-up is over: there has been an admin. Log in.".to_owned(),
            Self::LastAdmin => {
                "This is the last active admin, who cannot be removed, disabled or given a lesser role."
                    .to_owned()
            }
            Self::Invalid(errors) => match errors.as_slice() {
                [only] => only.detail.clone(),
                _ => "Several fields are invalid.".to_owned(),
            },
            Self::Unauthorized(detail) | Self::Overloaded(detail) => (*detail).to_owned(),
            Self::TooManyAttempts { retry_after } => {
                format!("Too many attempts. Try again in {} s.", whole_seconds(*retry_after))
            }
            Self::StorageUnavailable(_) => "The database does not answer. Nothing was changed.".to_owned(),
            Self::StorageFull(_) => "The database has no room left. Nothing was changed.".to_owned(),
            Self::Internal(_) => "Something went wrong here. The log of the server says more.".to_owned(),
        }
    }

    /// The rules that were broken, field by field.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        match self {
            Self::Invalid(errors) => errors,
            _ => &[],
        }
    }

    /// The value of a `Retry-After` header: whole seconds, rounded up.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyAttempts { retry_after } => Some(whole_seconds(*retry_after)),
            Self::Overloaded(_) => Some(1),
            _ => None,
        }
    }
}

fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// Gathers the field errors of one input, so that a client sees all of them at once.
#[derive(Default)]
pub(super) struct Findings(Vec<FieldError>);

impl Findings {
    /// The value, if it is good; otherwise its error is kept.
    pub(super) fn take<T>(&mut self, result: Result<T, FieldError>) -> Option<T> {
        result.map_err(|error| self.0.push(error)).ok()
    }

    pub(super) fn extend(&mut self, errors: impl IntoIterator<Item = FieldError>) {
        self.0.extend(errors);
    }

    /// # Errors
    /// What was gathered, if anything was.
    pub(super) fn end(self) -> Result<(), ManagerError> {
        if self.0.is_empty() { Ok(()) } else { Err(ManagerError::Invalid(self.0)) }
    }
}
