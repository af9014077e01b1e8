//! Password hashing: Argon2id, a few at a time, in the same time whether there is such a user or not.

use std::{sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::{FieldError, ManagerError};

/// More is refused, not cut: hashing a long text costs time.
const MAX_BYTES: usize = 1024;
const MIN_CHARS: usize = 12;
const MIN_DISTINCT: usize = 5;

/// How many hash at once, on a machine with as many processors: each takes 19 MiB.
const AT_ONCE: usize = 3;
/// How many may wait for their turn, and for how long.
const QUEUE: usize = 32;
const WAIT: Duration = Duration::from_secs(2);

/// OWASP Password Storage Cheat Sheet: Argon2id with 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The most that a stored hash may ask for, whoever wrote it there.
const MAX_MEMORY_KIB: u32 = 128 * 1024;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 8;

/// Hashes passwords, as many at once as there are processors, up to [`AT_ONCE`].
#[derive(Clone)]
pub(super) struct Hasher {
    params: Params,
    /// Those that hash. The hashing task itself holds the permit: when a client goes away, its hash still runs.
    running: Arc<Semaphore>,
    /// Those that hash or wait.
    present: Arc<Semaphore>,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Wrong,
    Right,
    /// Right, and here is a hash with the parameters of today.
    Outdated(String),
}

impl Hasher {
    pub(super) fn new() -> Self {
        let at_once = std::thread::available_parallelism().map_or(1, usize::from).min(AT_ONCE);
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are in range");
        Self {
            params,
            running: Arc::new(Semaphore::new(at_once)),
            present: Arc::new(Semaphore::new(at_once + QUEUE)),
        }
    }

    /// The PHC string of a new password.
    pub(super) async fn hash(&self, password: String) -> Result<String, ManagerError> {
        let argon2 = self.argon2();
        self.run(move || hash(&argon2, &password)).await?
    }

    /// Compares a password with a stored hash; `None` takes as long and is always wrong.
    pub(super) async fn verify(
        &self,
        password: String,
        stored: Option<String>,
    ) -> Result<Verdict, ManagerError> {
        let (argon2, params) = (self.argon2(), self.params.clone());
        self.run(move || verify(&argon2, &params, &password, stored.as_deref())).await?
    }

    fn argon2(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }

    /// Runs `work` on a thread that may block, when its turn has come.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ManagerError> {
        let busy = || ManagerError::Overloaded("Too many logins at once. Try again in a moment.");
        let present = self.present.clone().try_acquire_owned().map_err(|_| busy())?;
        let turn = tokio::time::timeout(WAIT, self.running.clone().acquire_owned()).await;
        let turn: OwnedSemaphorePermit = turn.ok().and_then(Result::ok).ok_or_else(busy)?;
        let task = tokio::task::spawn_blocking(move || {
            let result = work();
            drop((turn, present));
            result
        });
        task.await.map_err(|error| ManagerError::Internal(format!("hashing ended early: {error}")))
    }
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Result<String, ManagerError> {
    match argon2.hash_password(password.as_bytes()) {
        Ok(hash) => Ok(hash.to_string()),
        Err(error) => Err(ManagerError::Internal(format!("hashing failed: {error}"))),
    }
}

fn verify(
    argon2: &Argon2<'_>,
    current: &Params,
    password: &str,
    stored: Option<&str>,
) -> Result<Verdict, ManagerError> {
    let known = stored.and_then(readable);
    let is_known = known.is_some();
    let (hash, params) = known.unwrap_or_else(|| (nobody(current), current.clone()));
    let matches = argon2.verify_password(password.as_bytes(), &hash).is_ok();
    match matches && is_known {
        false => Ok(Verdict::Wrong),
        true if is_weaker(&params, current) => self::hash(argon2, password).map(Verdict::Outdated),
        true => Ok(Verdict::Right),
    }
}

/// A stored hash and its parameters, if they are ones that this server is ready to pay for.
fn readable(stored: &str) -> Option<(PasswordHash, Params)> {
    let hash = PasswordHash::new(stored).ok();
    let params = hash.as_ref().and_then(|hash| Params::try_from(hash).ok());
    let fair = params
        .filter(|p| p.m_cost() <= MAX_MEMORY_KIB && p.t_cost() <= MAX_PASSES && p.p_cost() <= MAX_LANES);
    if fair.is_none() {
        tracing::error!("a stored password hash is damaged or asks for too much: its owner cannot log in");
    }
    hash.zip(fair)
}

/// A hash that no password has, at the price of a real one.
fn nobody(params: &Params) -> PasswordHash {
    PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).expect("three numbers fit a parameter string"),
        salt: Some(Salt::new(&[0; 16]).expect("16 bytes are a salt")),
        hash: Some(Output::new(&[0; 32]).expect("32 bytes are an output")),
    }
}

fn is_weaker(params: &Params, current: &Params) -> bool {
    params.m_cost() < current.m_cost()
        || params.t_cost() < current.t_cost()
        || params.p_cost() < current.p_cost()
}

/// Whether a text is short enough to be compared at all.
pub(super) fn check_length(password: &str) -> Result<(), FieldError> {
    if password.len() > MAX_BYTES {
        let detail = format!("a password has at most {MAX_BYTES} bytes");
        return Err(FieldError::new("password", "too_long", detail));
    }
    Ok(())
}

/// Whether a new password is worth the name: at least 12 characters, 5 of them different, and not the user's name.
/// There are no other rules of composition (NIST SP 800-63B); 15 characters and more are advised.
pub(super) fn check_new(username: &str, password: &str) -> Result<(), FieldError> {
    check_length(password)?;
    let weak = |detail: &str| Err(FieldError::new("password", "too_weak", detail));
    if password.chars().count() < MIN_CHARS {
        return weak("a password has at least 12 characters");
    }
    let folded = password.to_lowercase();
    let mut distinct: Vec<char> = folded.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < MIN_DISTINCT {
        return weak("a password has at least 5 different characters");
    }
    // Of the user's name and little else. Names of a letter or two are in many words.
    let is_name = username.len() > 2 && folded.replace(username, "").chars().count() < MIN_CHARS / 2;
    if is_name || COMMON.contains(&folded.as_str()) {
        return weak("this password is among the first to be guessed");
    }
    Ok(())
}

/// The passwords of 12 and more characters that lists of leaked ones put first.
const COMMON: &[&str] = &[
    "123456789012",
    "1234567890123",
    "1234567890123456",
    "0123456789012",
    "123456789123",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiopasdfghjkl",
    "qwertyqwerty",
    "abcdefghijkl",
    "abcdefghijklmnop",
    "passwordpassword",
    "password1234",
    "password12345",
    "password123456",
    "administrator",
    "adminadminadmin",
    "admin1234567",
    "changemechangeme",
    "correcthorsebatterystaple",
    "iloveyou1234",
    "letmeinletmein",
    "welcome12345",
    "picloudpicloud",
    "raspberrypi1",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn weaker() -> Hasher {
        Hasher { params: Params::new(8, 1, 1, None).unwrap(), ..Hasher::new() }
    }

    #[tokio::test]
    async fn a_password_is_right_or_wrong() {
        let hasher = Hasher::new();
        let hash = hasher.hash("correct horse".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verify = |password: &str| hasher.verify(password.to_owned(), Some(hash.clone()));
        assert_eq!(verify("correct horse").await.unwrap(), Verdict::Right);
        assert_eq!(verify("correct horsf").await.unwrap(), Verdict::Wrong);
        assert_eq!(hasher.verify("correct horse".to_owned(), None).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_with_lesser_parameters_is_made_anew() {
        let old = weaker().hash("correct horse".to_owned()).await.unwrap();
        let found = Hasher::new().verify("correct horse".to_owned(), Some(old.clone())).await.unwrap();
        let Verdict::Outdated(new) = found else { panic!("{found:?}") };
        assert!(new.contains("m=19456,t=2,p=1"), "{new}");
        let wrong = Hasher::new().verify("wrong".to_owned(), Some(old)).await.unwrap();
        assert_eq!(wrong, Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_that_asks_for_too_much_is_not_computed() {
        for stored in ["$argon2id$v=19$m=4000000,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA", "", "nonsense"] {
            let found = weaker().verify("x".to_owned(), Some(stored.to_owned())).await.unwrap();
            assert_eq!(found, Verdict::Wrong, "{stored}");
        }
    }

    #[tokio::test]
    async fn a_crowd_is_turned_away() {
        let hasher = Hasher { present: Arc::new(Semaphore::new(1)), ..weaker() };
        let held = hasher.present.clone().try_acquire_owned().unwrap();
        assert!(matches!(hasher.hash(String::new()).await, Err(ManagerError::Overloaded(_))));
        drop(held);
        assert!(hasher.hash(String::new()).await.is_ok());
    }

    #[test]
    fn new_passwords_follow_the_rules() {
        for good in ["correct horse battery", "Ünïcödé-wörds", "ada-likes-engines", &"xyzzw ".repeat(170)]
        {
            assert!(check_new("ada", good).is_ok(), "{good}");
        }
        let (long, named) = ("x1y2z".repeat(205), "administrator-administrator");
        for bad in ["", "short", "elevenchars", "aaaaaaaaaaaa", "121212121212", "Password1234", &long, named]
        {
            assert!(check_new("administrator", bad).is_err(), "{bad}");
        }
    }
}
