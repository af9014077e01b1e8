//! Changes to admins and settings, one by one.

use super::{Tables, insert_new, missing, taken};
use crate::{
    AdminId,
    store::{AdminRecord, Change, Role, SettingRecord, StoreError},
};

impl Tables {
    pub(super) fn create_admin(&mut self, admin: AdminRecord) -> Result<(), StoreError> {
        self.check_username(admin.id, &admin.username)?;
        insert_new(&mut self.admins, admin.id, admin)?;
        self.had_admin = true;
        Ok(())
    }

    pub(super) fn update_admin(&mut self, change: Change) -> Result<(), StoreError> {
        let Change::UpdateAdmin { id, expected, username, password_hash, role, active, keep } = change else {
            return Ok(());
        };
        let old = self.known_admin(id, expected)?.clone();
        let new_role = role.is_some_and(|role| role != old.role);
        let ends_sessions = password_hash.is_some() || new_role || active == Some(false);
        let next = AdminRecord {
            username: username.unwrap_or_else(|| old.username.clone()),
            password_hash: password_hash.unwrap_or_else(|| old.password_hash.clone()),
            role: role.unwrap_or(old.role),
            active: active.unwrap_or(old.active),
            version: old.version + 1,
            ..old
        };
        self.check_last(id, &next)?;
        self.check_username(id, &next.username)?;
        self.admins.insert(id, next);
        if ends_sessions {
            self.sessions.retain(|_, session| session.admin != id || Some(session.id) == keep);
        }
        Ok(())
    }

    pub(super) fn delete_admin(&mut self, id: AdminId, expected: Option<u64>) -> Result<(), StoreError> {
        let old = self.known_admin(id, expected)?;
        let removed = AdminRecord { active: false, ..old.clone() };
        self.check_last(id, &removed)?;
        self.admins.remove(&id);
        self.sessions.retain(|_, session| session.admin != id);
        Ok(())
    }

    pub(super) fn set_setting(&mut self, key: String, value: Option<String>, at: i64) {
        match value {
            Some(value) => {
                self.settings.insert(key.clone(), SettingRecord { key, value, updated_at: at });
            }
            None => drop(self.settings.remove(&key)),
        }
    }

    fn known_admin(&self, id: AdminId, expected: Option<u64>) -> Result<&AdminRecord, StoreError> {
        let admin = self.admins.get(&id).ok_or(missing("admin"))?;
        StoreError::check_version("admin", expected, admin.version)?;
        Ok(admin)
    }

    /// Refuses `next` in place of the last one who can log in and do everything.
    fn check_last(&self, id: AdminId, next: &AdminRecord) -> Result<(), StoreError> {
        let is_last = self.admins.get(&id).is_some_and(counts)
            && !self.admins.values().any(|other| other.id != id && counts(other));
        if is_last && !counts(next) { Err(StoreError::LastAdmin) } else { Ok(()) }
    }

    fn check_username(&self, id: AdminId, username: &str) -> Result<(), StoreError> {
        if self.admins.values().any(|held| held.username == username && held.id != id) {
            return Err(taken("username", username));
        }
        Ok(())
    }
}

fn counts(admin: &AdminRecord) -> bool {
    admin.active && admin.role == Role::Owner
}
