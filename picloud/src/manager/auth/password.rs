//! Password hashing: Argon2id, a few at a time, in the same time whether there is such a user or not.
//!
//! Each hash needs 19 MiB. They come from a pool with one piece for each hash that may run at once, and go back to the
//! system when nobody hashes any more: allocators keep what threads give back, and there are many threads.

use std::{
    fmt::Display,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::{FieldError, ManagerError};

/// More is refused, not cut: hashing a long text costs time.
const MAX_BYTES: usize = 1024;
const MIN_CHARS: usize = 12;
/// Of the first admin's, which is chosen before anyone is logged in.
const MIN_CHARS_FIRST: usize = 15;
const MIN_DISTINCT: usize = 5;

/// How many hash at once, on a machine with one processor more: each takes 19 MiB.
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

/// Hashes passwords, up to [`AT_ONCE`] at once, and so that a processor is left for scripts where there are two.
#[derive(Clone)]
pub(super) struct Hasher {
    params: Params,
    /// Those that hash. The hashing task itself holds the permit: when a client goes away, its hash still runs.
    running: Arc<Semaphore>,
    /// Those that hash or wait.
    present: Arc<Semaphore>,
    /// How many that may be.
    capacity: usize,
    memory: Memory,
}

/// Pieces of memory that hashes have used and others may use, while somebody does.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Vec<Block>>>>);

impl Memory {
    /// Lends a piece of `blocks` KiB to `work`.
    fn lend<T>(&self, blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut piece = free.unwrap_or_default();
        // All of it is written before it is read, so what another password left in it is of no use to anyone.
        piece.resize(blocks.max(piece.len()), Block::new());
        let result = work(&mut piece[..blocks]);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(piece);
        result
    }

    /// Gives everything back to the system.
    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
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
        let others = std::thread::available_parallelism().map_or(1, usize::from).saturating_sub(1);
        let at_once = others.clamp(1, AT_ONCE);
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are in range");
        Self {
            params,
            running: Arc::new(Semaphore::new(at_once)),
            present: Arc::new(Semaphore::new(at_once + QUEUE)),
            capacity: at_once + QUEUE,
            memory: Memory::default(),
        }
    }

    /// The PHC string of a new password.
    pub(super) async fn hash(&self, password: String) -> Result<String, ManagerError> {
        let params = self.params.clone();
        self.run(move |memory| hash(memory, &params, &password)).await?
    }

    /// Compares a password with a stored hash; `None` takes as long and is always wrong.
    pub(super) async fn verify(
        &self,
        password: String,
        stored: Option<String>,
    ) -> Result<Verdict, ManagerError> {
        let params = self.params.clone();
        self.run(move |memory| verify(memory, &params, &password, stored.as_deref())).await?
    }

    /// Runs `work` on a thread that may block, when its turn has come.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Memory) -> T + Send + 'static,
    ) -> Result<T, ManagerError> {
        let busy = || ManagerError::Overloaded("Too many logins at once. Try again in a moment.");
        let present = self.present.clone().try_acquire_owned().map_err(|_| busy())?;
        let turn = tokio::time::timeout(WAIT, self.running.clone().acquire_owned()).await;
        let turn: OwnedSemaphorePermit = turn.ok().and_then(Result::ok).ok_or_else(busy)?;
        let (memory, everyone) = (self.memory.clone(), self.present.clone());
        let all = self.capacity;
        let task = tokio::task::spawn_blocking(move || {
            let result = work(&memory);
            drop((turn, present));
            if everyone.available_permits() == all {
                memory.clear();
            }
            result
        });
        task.await.map_err(|error| ManagerError::Internal(format!("hashing ended early: {error}")))
    }
}

fn hash(memory: &Memory, params: &Params, password: &str) -> Result<String, ManagerError> {
    let salt = Salt::generate();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let output = compute(memory, &argon2, password, &salt, Params::DEFAULT_OUTPUT_LEN)?;
    Ok(written(params, salt, Output::new(&output).map_err(failed)?).to_string())
}

/// Whether a hash is of this password.
fn matches(
    memory: &Memory,
    params: &Params,
    password: &str,
    hash: &PasswordHash,
) -> Result<bool, ManagerError> {
    let (Some(salt), Some(wanted)) = (&hash.salt, &hash.hash) else { return Ok(false) };
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(failed)?;
    let version = hash.version.map(Version::try_from).transpose().map_err(failed)?.unwrap_or_default();
    let argon2 = Argon2::new(algorithm, version, params.clone());
    let found = compute(memory, &argon2, password, salt, wanted.len())?;
    Ok(found.ct_eq(wanted.as_bytes()).into())
}

/// What Argon2 makes of a password.
fn compute(
    memory: &Memory,
    argon2: &Argon2<'_>,
    password: &str,
    salt: &Salt,
    length: usize,
) -> Result<Vec<u8>, ManagerError> {
    let mut output = vec![0; length];
    let fill = |blocks: &mut [Block]| {
        argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut output, blocks)
    };
    memory.lend(argon2.params().block_count(), fill).map_err(failed)?;
    Ok(output)
}

fn failed(error: impl Display) -> ManagerError {
    ManagerError::Internal(format!("hashing failed: {error}"))
}

fn verify(
    memory: &Memory,
    current: &Params,
    password: &str,
    stored: Option<&str>,
) -> Result<Verdict, ManagerError> {
    let known = stored.and_then(readable);
    let is_known = known.is_some();
    let (hash, params) = known.unwrap_or_else(|| (nobody(current), current.clone()));
    let matches = matches(memory, &params, password, &hash)?;
    match matches && is_known {
        false => Ok(Verdict::Wrong),
        true if is_weaker(&params, current) => self::hash(memory, current, password).map(Verdict::Outdated),
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
    let salt = Salt::new(&[0; 16]).expect("16 bytes are a salt");
    written(params, salt, Output::new(&[0; 32]).expect("32 bytes are an output"))
}

/// A hash of today in the form in which it is stored.
fn written(params: &Params, salt: Salt, output: Output) -> PasswordHash {
    PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).expect("three numbers fit a parameter string"),
        salt: Some(salt),
        hash: Some(output),
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
    check_at_least(MIN_CHARS, username, password)
}

/// The same for the first admin's: at least 15 characters.
pub(super) fn check_first(username: &str, password: &str) -> Result<(), FieldError> {
    check_at_least(MIN_CHARS_FIRST, username, password)
}

fn check_at_least(chars: usize, username: &str, password: &str) -> Result<(), FieldError> {
    check_length(password)?;
    let weak = |detail: &str| Err(FieldError::new("password", "too_weak", detail));
    if password.chars().count() < chars {
        return weak(&format!("this password has at least {chars} characters"));
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

    #[tokio::test]
    async fn memory_is_lent_and_goes_back_when_nobody_hashes() {
        let hasher = weaker();
        let hash = hasher.hash("correct horse".to_owned()).await.unwrap();
        let checks = (0..20).map(|_| {
            let (hasher, hash) = (hasher.clone(), hash.clone());
            tokio::spawn(async move { hasher.verify("correct horse".to_owned(), Some(hash)).await })
        });
        for check in checks.collect::<Vec<_>>() {
            assert_eq!(check.await.unwrap().unwrap(), Verdict::Right);
        }
        assert_eq!(hasher.memory.0.lock().unwrap().len(), 0);
        // What a larger hash left behind does not change what a smaller one gives.
        hasher.memory.lend(64, |blocks| blocks.fill(Block::new()));
        assert_eq!(hasher.verify("correct horse".to_owned(), Some(hash)).await.unwrap(), Verdict::Right);
    }

    #[test]
    fn hashes_are_what_others_make_of_the_same() {
        let memory = Memory::default();
        let params = Params::new(16, 2, 1, None).unwrap();
        let salt = Salt::new(b"saltsaltsaltsalt").unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let ours = compute(&memory, &argon2, "password", &salt, 32).unwrap();
        let mut theirs = [0; 32];
        argon2.hash_password_into(b"password", &salt, &mut theirs).unwrap();
        assert_eq!(ours, theirs);
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
