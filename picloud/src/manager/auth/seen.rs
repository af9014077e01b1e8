//! When this process has seen sessions used, by a clock that never jumps.
//!
//! What is written down goes by the clock on the wall, which servers share and which may be set. A day ahead, it would say
//! that nobody has been here for a day. So a session that this process knows to be in use does not end by that clock alone.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{
    sessions::{AGE, IDLE},
    throttle::insert_bounded,
};
use crate::{SessionId, store::SessionRecord};

/// What two clocks say, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// Since 1970 UTC, as it is set.
    pub(super) wall: i64,
    /// Since some moment, and never set.
    pub(super) steady: i64,
}

/// The sessions that were used here, as many as there is room for.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<HashMap<SessionId, Sight>>);

/// By the steady clock.
#[derive(Debug, Clone, Copy)]
struct Sight {
    used: i64,
    /// When it is too old, as the two clocks said when it was first seen.
    ends: i64,
}

impl Seen {
    /// Notes that a session is used now.
    pub(super) fn note(&self, session: &SessionRecord, now: Times) {
        let mut sights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = session.created_at.saturating_add(AGE).saturating_sub(now.wall);
        let ends = sights.get(&session.id).map_or(now.steady.saturating_add(left), |sight| sight.ends);
        insert_bounded(&mut sights, session.id, Sight { used: now.steady, ends }, |sight| sight.used);
    }

    /// Whether a session has neither been idle for too long nor is too old. A wall clock that was set back gives it no
    /// more time, and one that was set ahead does not end it while it is in use here.
    pub(super) fn is_live(&self, session: &SessionRecord, now: Times) -> bool {
        let wall = now.wall.max(session.last_used_at);
        let sights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sight = sights.get(&session.id);
        let too_old = wall >= session.created_at.saturating_add(AGE)
            || sight.is_some_and(|sight| now.steady >= sight.ends);
        let in_use = wall < session.last_used_at.saturating_add(IDLE)
            || sight.is_some_and(|sight| now.steady.saturating_sub(sight.used) < IDLE);
        in_use && !too_old
    }
}
