//! Logins and sessions with a clock that tests set.

use std::sync::atomic::{AtomicI64, Ordering};

use super::{
    sessions::{MINUTE, TOUCH},
    *,
};
use crate::{
    Code,
    store::{IdentityStore, MemoryStore},
    testing::row,
};

const PASSWORD: &str = "correct horse battery";
const SECOND: i64 = 1_000_000;
const START: i64 = 1_700_000_000 * SECOND;

struct World {
    store: MemoryStore,
    auth: Auth,
    time: Arc<AtomicI64>,
    /// How far the clock on the wall has been set ahead.
    jump: Arc<AtomicI64>,
}

impl World {
    fn set_ahead(&self, by: i64) {
        self.jump.store(by, Ordering::Relaxed);
    }

    fn at(&self, time: i64) {
        self.time.store(time, Ordering::Relaxed);
    }

    async fn log_in(&self) -> Login {
        self.auth.login("ada", PASSWORD, None).await.unwrap()
    }

    async fn is_valid(&self, token: &Token) -> bool {
        match self.auth.authenticate(token.reveal()).await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.code(), Code::Unauthorized);
                false
            }
        }
    }
}

fn empty() -> World {
    let (store, time, jump) =
        (MemoryStore::new(), Arc::new(AtomicI64::new(START)), Arc::new(AtomicI64::new(0)));
    let steady: crate::manager::Clock = {
        let time = time.clone();
        Arc::new(move || time.load(Ordering::Relaxed))
    };
    let clock: crate::manager::Clock = {
        let (time, jump) = (time.clone(), jump.clone());
        Arc::new(move || time.load(Ordering::Relaxed) + jump.load(Ordering::Relaxed))
    };
    let publish: crate::manager::Publish = Arc::new(|_| Box::pin(std::future::ready(())));
    let writer = Writer::new(Arc::new(store.clone()), publish, clock, steady);
    World { auth: Auth::new(writer), store, time, jump }
}

async fn with_ada() -> World {
    let world = empty();
    assert!(world.auth.bootstrap("Ada", PASSWORD).await.unwrap());
    world
}

#[tokio::test]
async fn there_is_one_first_admin() {
    let world = empty();
    let servers = (0..8).map(|n| {
        let auth = world.auth.clone();
        tokio::spawn(async move { auth.bootstrap(&format!("admin-{n}"), PASSWORD).await.unwrap() })
    });
    let mut created = 0;
    for server in servers.collect::<Vec<_>>() {
        created += usize::from(server.await.unwrap());
    }
    assert_eq!(created, 1);
    assert!(!world.auth.bootstrap("late", "short").await.unwrap(), "afterwards nothing is looked at");
}

#[tokio::test]
async fn a_weak_start_is_refused() {
    let world = empty();
    for (username, password, field) in
        [("", PASSWORD, "username"), ("a b", PASSWORD, "username"), ("ada", "short", "password")]
    {
        let error = world.auth.bootstrap(username, password).await.unwrap_err();
        assert_eq!(error.errors()[0].field, field);
    }
    assert!(!world.auth.has_had_admin().await.unwrap());
}

#[tokio::test]
async fn a_login_gives_a_session_that_lasts_until_logout() {
    let world = with_ada().await;
    let ip = "192.0.2.7".parse().ok();
    let Login { token, session } = world.auth.login(" ADA ", PASSWORD, ip).await.unwrap();
    assert_eq!((session.username.as_str(), session.expires_at), ("ada", START + IDLE));
    assert_eq!(world.auth.authenticate(token.reveal()).await.unwrap(), session);
    let other = world.log_in().await;
    assert_ne!(other.token, token);
    world.auth.logout(&session).await.unwrap();
    world.auth.logout(&session).await.unwrap();
    assert!(!world.is_valid(&token).await);
    assert!(world.is_valid(&other.token).await);
    assert!(!world.is_valid(&Token::random()).await);
    assert_eq!(world.auth.authenticate("").await.unwrap_err().code(), Code::Unauthorized);
}

#[tokio::test]
async fn every_failed_login_looks_the_same() {
    let world = with_ada().await;
    let disabled = empty();
    let hash = world.store.admin_by_name("ada").await.unwrap().password_hash;
    let admin = AdminRecord { active: false, password_hash: hash, ..row::admin("ada") };
    disabled.store.create_first_admin(admin, row::audit("admin.create")).await.unwrap();
    let failures = [
        world.auth.login("ada", "wrong horse battery", None).await,
        world.auth.login("nobody", PASSWORD, None).await,
        world.auth.login(&"x".repeat(9999), PASSWORD, None).await,
        world.auth.login("ada", "", None).await,
        disabled.auth.login("ada", PASSWORD, None).await,
    ];
    for failure in failures {
        let error = failure.unwrap_err();
        assert_eq!((error.code(), error.detail()), (WRONG.code(), WRONG.detail()));
    }
    let long = world.auth.login("ada", &"x".repeat(1025), None).await.unwrap_err();
    assert_eq!(long.errors()[0].code, "too_long");
}

#[tokio::test]
async fn guessing_is_slowed_down_even_for_the_right_password() {
    let world = with_ada().await;
    let session = world.log_in().await;
    for _ in 0..5 {
        assert_eq!(world.auth.login("ada", "guess", None).await.unwrap_err().code(), Code::Unauthorized);
    }
    let throttled = world.auth.login("Ada", PASSWORD, None).await.unwrap_err();
    assert_eq!((throttled.code(), throttled.retry_after()), (Code::TooManyAttempts, Some(1)));
    assert!(world.is_valid(&session.token).await, "those who are logged in notice nothing");
    world.at(START + SECOND);
    world.log_in().await;
    world.log_in().await;
}

#[tokio::test]
async fn guesses_at_once_count_as_guesses_one_by_one() {
    let world = with_ada().await;
    let guesses = (0..40).map(|_| {
        let auth = world.auth.clone();
        tokio::spawn(async move { auth.login("ada", "guess", None).await.unwrap_err().code() })
    });
    let mut looked_at = 0;
    for guess in guesses.collect::<Vec<_>>() {
        looked_at += usize::from(guess.await.unwrap() == Code::Unauthorized);
    }
    assert_eq!(looked_at, 5);
}

#[tokio::test]
async fn an_unused_session_ends_after_a_day_to_the_second() {
    for (after, valid) in [(IDLE - SECOND, true), (IDLE - 1, true), (IDLE, false), (IDLE + SECOND, false)] {
        let world = with_ada().await;
        let token = world.log_in().await.token;
        world.at(START + after);
        assert_eq!(world.is_valid(&token).await, valid, "after {after}");
    }
}

#[tokio::test]
async fn a_used_session_ends_after_thirty_days_to_the_second() {
    let world = with_ada().await;
    let token = world.log_in().await.token;
    for hours in 1..30 * 24 {
        world.at(START + hours * 60 * MINUTE);
        assert!(world.is_valid(&token).await, "after {hours} h");
    }
    world.at(START + AGE - 1);
    assert_eq!(world.auth.authenticate(token.reveal()).await.unwrap().expires_at, START + AGE);
    world.at(START + AGE);
    assert!(!world.is_valid(&token).await);
}

#[tokio::test]
async fn the_use_of_a_session_is_written_down_every_five_minutes() {
    let world = with_ada().await;
    let token = world.log_in().await.token;
    let last_used = async || world.store.session(token.hash()).await.unwrap().0.last_used_at;
    world.at(START + TOUCH - 1);
    assert!(world.is_valid(&token).await);
    assert_eq!(last_used().await, START);
    world.at(START + TOUCH);
    assert!(world.is_valid(&token).await);
    assert_eq!(last_used().await, START + TOUCH);
    world.at(START - MINUTE);
    assert!(world.is_valid(&token).await, "a clock that was set back ends nothing");
    assert_eq!(last_used().await, START + TOUCH);
}

#[tokio::test]
async fn using_a_session_does_not_bring_it_back_after_logout() {
    let world = with_ada().await;
    let Login { token, session } = world.log_in().await;
    let (found, _) = world.store.session(token.hash()).await.unwrap();
    world.auth.logout(&session).await.unwrap();
    world.auth.used(found, START + TOUCH).await;
    assert!(!world.is_valid(&token).await);
}

#[tokio::test]
async fn ended_sessions_are_swept_at_the_next_login() {
    let world = with_ada().await;
    let old = world.log_in().await;
    world.at(START + IDLE + 1);
    world.log_in().await;
    assert!(world.store.session(old.token.hash()).await.is_err());
}

#[tokio::test]
async fn a_hash_of_old_parameters_is_replaced_at_login() {
    let world = empty();
    let outdated = argon2::Params::new(8, 1, 1, None).unwrap();
    let hash =
        argon2::PasswordHasher::hash_password(&argon2::Argon2::from(outdated), PASSWORD.as_bytes()).unwrap();
    let admin = AdminRecord { password_hash: hash.to_string(), ..row::admin("ada") };
    world.store.create_first_admin(admin, row::audit("admin.create")).await.unwrap();
    world.log_in().await;
    let newer = world.store.admin_by_name("ada").await.unwrap().password_hash;
    assert!(newer.contains("m=19456,t=2,p=1"), "{newer}");
    world.log_in().await;
    assert_eq!(world.store.admin_by_name("ada").await.unwrap().password_hash, newer);
}

#[tokio::test]
async fn no_secret_is_shown_or_stored() {
    let world = with_ada().await;
    let login = world.log_in().await;
    let shown = format!("{login:?} {:?} {:?}", world.auth, world.store);
    assert!(
        !shown.contains(&login.token.reveal()[4..])
            && !shown.contains(PASSWORD)
            && !shown.contains("argon2id")
    );
}

/// R21, T10.
#[tokio::test]
async fn a_clock_that_is_set_ahead_and_back_ends_no_session_that_is_in_use() {
    const DAY: i64 = 24 * 60 * MINUTE;
    let world = with_ada().await;
    let (used, idle) = (world.log_in().await, world.log_in().await);
    world.at(START + 60 * MINUTE);
    for jump in [DAY, -DAY, 2 * DAY, 0] {
        world.set_ahead(jump);
        assert!(world.is_valid(&used.token).await, "set ahead by {jump}");
        // What a login sweeps away is what is old by both clocks.
        let other = world.log_in().await;
        world.auth.logout(&other.session).await.unwrap();
        assert_eq!(world.auth.sessions(used.session.admin).await.unwrap().len(), 2, "set ahead by {jump}");
        assert!(world.auth.is_live(&idle.session).await.unwrap());
    }
    world.set_ahead(2 * DAY);
    assert!(world.is_valid(&idle.token).await);
}

#[tokio::test]
async fn a_clock_that_is_set_ahead_does_not_keep_an_unused_session() {
    let world = with_ada().await;
    let token = world.log_in().await.token;
    world.set_ahead(2 * IDLE);
    world.at(START + IDLE);
    assert!(!world.is_valid(&token).await);
}

#[tokio::test]
async fn a_process_that_has_not_seen_a_session_goes_by_the_clock() {
    let world = with_ada().await;
    let token = world.log_in().await.token;
    let other = Auth::new(world.auth.writer.clone());
    world.set_ahead(IDLE);
    assert!(other.authenticate(token.reveal()).await.is_err());
    assert!(world.is_valid(&token).await);
    assert!(other.authenticate(token.reveal()).await.is_ok(), "it was used elsewhere");
}

#[tokio::test]
async fn no_jump_of_the_clock_takes_a_session_past_thirty_days() {
    for jump in [-IDLE, 0, IDLE] {
        let world = with_ada().await;
        let token = world.log_in().await.token;
        let hours = AGE / (60 * MINUTE);
        for hour in 1..hours - 24 {
            world.at(START + hour * 60 * MINUTE);
            assert!(world.is_valid(&token).await, "after {hour} h");
        }
        world.set_ahead(jump);
        for hour in hours - 24..hours {
            world.at(START + hour * 60 * MINUTE);
            let valid = world.is_valid(&token).await;
            assert!(valid || jump > 0, "after {hour} h, set ahead by {jump}");
        }
        world.at(START + AGE);
        assert!(!world.is_valid(&token).await, "set ahead by {jump}");
    }
}
