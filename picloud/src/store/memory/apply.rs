//! Changes to apps and what they own, one by one.

use std::{collections::BTreeMap, sync::Arc};

use super::{Owned, Tables, insert_new, missing, taken};
use crate::{
    AppId, DomainId, LimitOverrides, RouteId, ScriptId, Slug,
    store::{AppKey, AppRecord, Change, DomainRecord, RouteRecord, ScriptRecord, StoreError},
};

type Applied = Result<(), StoreError>;

impl Tables {
    pub(super) fn apply(&mut self, change: Change) -> Applied {
        match change {
            Change::CreateApp(app) => self.create_app(app),
            Change::UpdateApp { id, expected, slug, limits } => self.update_app(id, expected, slug, limits),
            Change::DeleteApp { id, expected } => self.delete_app(id, expected),
            Change::ClaimDomain(domain) => self.claim_domain(domain),
            Change::ReleaseDomain { app, id } => self.release_domain(app, id),
            Change::CreateScript(script) => self.create_script(script),
            Change::UpdateScript { app, id, expected, name, source, hash, limits, at, by } => self
                .update_script(app, id, expected, |old| ScriptRecord {
                    name,
                    source,
                    hash,
                    limits,
                    version: old.version + 1,
                    updated_at: at,
                    updated_by: by,
                    ..*old
                }),
            Change::DeleteScript { app, id, expected } => self.delete_script(app, id, expected),
            Change::CreateRoute(route) => self.create_route(route),
            Change::UpdateRoute { app, id, expected, script, method, path, shape, enabled } => self
                .update_route(app, id, expected, |old| RouteRecord {
                    script,
                    method,
                    path,
                    shape,
                    enabled,
                    version: old.version + 1,
                    ..old
                }),
            Change::DeleteRoute { app, id, expected } => self.delete_route(app, id, expected),
            Change::CreateAdmin(admin) => self.create_admin(admin),
            Change::UpdateAdmin { .. } => self.update_admin(change),
            Change::DeleteAdmin { id, expected } => self.delete_admin(id, expected),
            Change::SetSetting { key, value, at } => {
                self.set_setting(key, value, at);
                Ok(())
            }
        }
    }

    /// What an app owns, to be changed.
    fn owned(&mut self, id: AppId) -> Result<&mut Owned, StoreError> {
        let owned = Arc::make_mut(self.apps.get_mut(&id).ok_or(missing("app"))?);
        owned.changed = self.revision;
        Ok(owned)
    }

    fn create_app(&mut self, app: AppRecord) -> Applied {
        self.check_slug(app.id, &app.slug)?;
        let id = app.id;
        let (domains, scripts, routes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        self.former.remove(&app.slug);
        insert_new(
            &mut self.apps,
            id,
            Arc::new(Owned { app, changed: self.revision, domains, scripts, routes }),
        )?;
        self.gone.remove(&id);
        Ok(())
    }

    fn update_app(
        &mut self,
        id: AppId,
        expected: Option<u64>,
        slug: Slug,
        limits: LimitOverrides,
    ) -> Applied {
        StoreError::check_version("app", expected, self.app(&AppKey::Id(id))?.app.version)?;
        self.check_slug(id, &slug)?;
        let app = &mut self.owned(id)?.app;
        let old = std::mem::replace(&mut app.slug, slug.clone());
        (app.limits, app.version) = (limits, app.version + 1);
        self.former.insert(old, id);
        self.former.remove(&slug);
        Ok(())
    }

    fn delete_app(&mut self, id: AppId, expected: Option<u64>) -> Applied {
        StoreError::check_version("app", expected, self.app(&AppKey::Id(id))?.app.version)?;
        self.apps.remove(&id);
        self.former.retain(|_, app| *app != id);
        self.gone.insert(id, self.revision);
        Ok(())
    }

    fn claim_domain(&mut self, domain: DomainRecord) -> Applied {
        self.app(&AppKey::Id(domain.app))?;
        let mut all = self.apps.values().flat_map(|owned| owned.domains.values());
        if let Some(held) = all.clone().find(|held| held.shape == domain.shape) {
            let holder = (held.app != domain.app).then_some(held.app);
            return Err(StoreError::Conflict { what: "domain", value: domain.pattern, holder });
        }
        if all.any(|held| held.id == domain.id) {
            return Err(taken("id", domain.id.to_string()));
        }
        insert_new(&mut self.owned(domain.app)?.domains, domain.id, domain)
    }

    fn release_domain(&mut self, app: AppId, id: DomainId) -> Applied {
        let found = self.owned(app).map_err(|_| missing("domain"))?.domains.remove(&id);
        found.map(drop).ok_or(missing("domain"))
    }

    fn create_script(&mut self, script: ScriptRecord) -> Applied {
        self.app(&AppKey::Id(script.app))?.check_script_name(script.id, &script.name)?;
        if self.apps.values().any(|owned| owned.scripts.contains_key(&script.id)) {
            return Err(taken("id", script.id.to_string()));
        }
        insert_new(&mut self.owned(script.app)?.scripts, script.id, vec![Arc::new(script)])
    }

    fn update_script(
        &mut self,
        app: AppId,
        id: ScriptId,
        expected: Option<u64>,
        next: impl FnOnce(&ScriptRecord) -> ScriptRecord,
    ) -> Applied {
        let owned = self.owned(app).map_err(|_| missing("script"))?;
        let old = owned.script(id).ok_or(missing("script"))?;
        StoreError::check_version("script", expected, old.version)?;
        let next = next(old);
        owned.check_script_name(id, &next.name)?;
        owned.scripts.entry(id).or_default().push(Arc::new(next));
        Ok(())
    }

    fn delete_script(&mut self, app: AppId, id: ScriptId, expected: Option<u64>) -> Applied {
        let owned = self.owned(app).map_err(|_| missing("script"))?;
        StoreError::check_version("script", expected, owned.script(id).ok_or(missing("script"))?.version)?;
        owned.scripts.remove(&id);
        owned.routes.retain(|_, route| route.script != id);
        Ok(())
    }

    fn create_route(&mut self, route: RouteRecord) -> Applied {
        let known = self.apps.values().any(|owned| owned.routes.contains_key(&route.id));
        let owned = self.owned(route.app)?;
        owned.script(route.script).ok_or(missing("script"))?;
        owned.check_route(&route)?;
        if known {
            return Err(taken("id", route.id.to_string()));
        }
        insert_new(&mut owned.routes, route.id, route)
    }

    fn update_route(
        &mut self,
        app: AppId,
        id: RouteId,
        expected: Option<u64>,
        next: impl FnOnce(RouteRecord) -> RouteRecord,
    ) -> Applied {
        let owned = self.owned(app).map_err(|_| missing("route"))?;
        let old = owned.routes.get(&id).ok_or(missing("route"))?;
        StoreError::check_version("route", expected, old.version)?;
        let next = next(old.clone());
        owned.script(next.script).ok_or(missing("script"))?;
        owned.check_route(&next)?;
        owned.routes.insert(id, next);
        Ok(())
    }

    fn delete_route(&mut self, app: AppId, id: RouteId, expected: Option<u64>) -> Applied {
        let owned = self.owned(app).map_err(|_| missing("route"))?;
        let version = owned.routes.get(&id).ok_or(missing("route"))?.version;
        StoreError::check_version("route", expected, version)?;
        owned.routes.remove(&id);
        Ok(())
    }

    fn check_slug(&self, id: AppId, slug: &Slug) -> Applied {
        match self.apps.values().find(|held| held.app.slug == *slug && held.app.id != id) {
            Some(held) => {
                let holder = Some(held.app.id);
                Err(StoreError::Conflict { what: "slug", value: slug.to_string(), holder })
            }
            None => Ok(()),
        }
    }
}

impl Owned {
    fn check_script_name(&self, id: ScriptId, name: &str) -> Applied {
        let newest = self.scripts.values().filter_map(|versions| versions.last());
        if newest.into_iter().any(|held| held.name == name && held.id != id) {
            return Err(taken("script name", name));
        }
        Ok(())
    }

    fn check_route(&self, route: &RouteRecord) -> Applied {
        let same = |held: &RouteRecord| {
            held.method == route.method && held.shape == route.shape && held.id != route.id
        };
        if self.routes.values().any(same) {
            return Err(taken("route", format!("{} {}", route.method, route.path)));
        }
        Ok(())
    }
}
