//! Admins, sessions and settings: reading them, and what is changed by no commit.

use super::{MemoryStore, insert_new, missing, oldest_first, taken};
use crate::{
    AdminId, SessionId,
    store::{AdminRecord, AuditRecord, IdentityStore, Page, SessionRecord, SettingRecord, StoreFuture},
};

impl IdentityStore for MemoryStore {
    fn has_had_admin(&self) -> StoreFuture<'_, bool> {
        Box::pin(async { Ok(self.lock().tables.had_admin) })
    }

    fn create_first_admin(&self, admin: AdminRecord, audit: AuditRecord) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let mut state = self.lock();
            if state.tables.had_admin {
                return Ok(false);
            }
            state.append_audit(vec![audit])?;
            state.tables.create_admin(admin)?;
            Ok(true)
        })
    }

    fn admins(&self, page: Page<AdminId>) -> StoreFuture<'_, Vec<AdminRecord>> {
        Box::pin(async move {
            let state = self.lock();
            Ok(oldest_first(&state.tables.admins, page.after).take(page.limit).cloned().collect())
        })
    }

    fn admin(&self, id: AdminId) -> StoreFuture<'_, AdminRecord> {
        Box::pin(async move { self.lock().tables.admins.get(&id).cloned().ok_or(missing("admin")) })
    }

    fn admin_by_name<'a>(&'a self, username: &'a str) -> StoreFuture<'a, AdminRecord> {
        Box::pin(async move {
            let state = self.lock();
            let found = state.tables.admins.values().find(|admin| admin.username == username);
            found.cloned().ok_or(missing("admin"))
        })
    }

    fn rehash_password(&self, admin: AdminId, old: String, new: String) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut state = self.lock();
            let admin = state.tables.admins.get_mut(&admin).ok_or(missing("admin"))?;
            if admin.password_hash == old {
                admin.password_hash = new;
            }
            Ok(())
        })
    }

    fn create_session(&self, session: SessionRecord) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let tables = &mut self.lock().tables;
            if !tables.admins.contains_key(&session.admin) {
                return Err(missing("admin"));
            }
            if tables.sessions.values().any(|held| held.token_hash == session.token_hash) {
                return Err(taken("id", session.id.to_string()));
            }
            insert_new(&mut tables.sessions, session.id, session)
        })
    }

    fn session(&self, token_hash: [u8; 32]) -> StoreFuture<'_, (SessionRecord, AdminRecord)> {
        Box::pin(async move {
            let state = self.lock();
            let found = state.tables.sessions.values().find(|session| session.token_hash == token_hash);
            let session = found.ok_or(missing("session"))?;
            let admin = state.tables.admins.get(&session.admin).ok_or(missing("session"))?;
            Ok((session.clone(), admin.clone()))
        })
    }

    fn sessions(&self, admin: AdminId) -> StoreFuture<'_, Vec<SessionRecord>> {
        Box::pin(async move {
            let state = self.lock();
            Ok(state.tables.sessions.values().filter(|session| session.admin == admin).cloned().collect())
        })
    }

    fn touch_session(&self, id: SessionId, at: i64) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            if let Some(session) = self.lock().tables.sessions.get_mut(&id) {
                session.last_used_at = session.last_used_at.max(at);
            }
            Ok(())
        })
    }

    fn delete_session(&self, admin: AdminId, id: SessionId) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let sessions = &mut self.lock().tables.sessions;
            sessions.get(&id).filter(|session| session.admin == admin).ok_or(missing("session"))?;
            sessions.remove(&id);
            Ok(())
        })
    }

    fn delete_sessions(&self, admin: AdminId, keep: Option<SessionId>) -> StoreFuture<'_, u64> {
        self.end_sessions(move |session| session.admin == admin && Some(session.id) != keep)
    }

    fn prune_sessions(&self, idle_before: i64, created_before: i64) -> StoreFuture<'_, u64> {
        self.end_sessions(move |s| s.last_used_at < idle_before || s.created_at < created_before)
    }

    fn settings(&self) -> StoreFuture<'_, Vec<SettingRecord>> {
        Box::pin(async { Ok(self.lock().tables.settings.values().cloned().collect()) })
    }
}

impl MemoryStore {
    fn end_sessions(&self, ends: impl Fn(&SessionRecord) -> bool + Send + 'static) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let sessions = &mut self.lock().tables.sessions;
            let before = sessions.len();
            sessions.retain(|_, session| !ends(session));
            Ok((before - sessions.len()) as u64)
        })
    }
}
