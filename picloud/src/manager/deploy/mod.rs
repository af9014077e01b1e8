//! Deployments: an app becomes what it is said to be, with one commit or not at all.
//!
//! Requests see the app as it was or as it is to be, and nothing in between.

mod plan;
mod step;

use serde::Deserialize;

use self::plan::{Planner, There};
pub use self::step::Step;
use super::{Actor, Manager, ManagerError, NewApp, writer::Deed};
use crate::{
    FieldError, LimitOverrides,
    store::{AppKey, AppRecord, Page},
};

/// How often a deployment is planned anew because somebody else has changed the app meanwhile.
const ATTEMPTS: usize = 8;
/// Most scripts, routes or claims of one deployment.
const MOST: usize = 10_000;

/// What an app is to be.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// All limits of the app. Without them they stay.
    #[serde(default)]
    pub limits: Option<LimitOverrides>,
    /// Its scripts.
    #[serde(default)]
    pub scripts: Vec<DeployedScript>,
    /// Its routes. Those that are switched off are switched on.
    #[serde(default)]
    pub routes: Vec<DeployedRoute>,
    /// All its claims. Without them they stay.
    #[serde(default)]
    pub domains: Option<Vec<String>>,
    /// Whether scripts, routes and claims that are not named here are removed. Routes that are switched off stay.
    #[serde(default)]
    pub prune: bool,
}

/// A script of a deployment.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeployedScript {
    /// Unique in its app.
    pub name: String,
    /// Rhai source.
    pub source: String,
    /// Limits of this script only. Without them they stay.
    #[serde(default)]
    pub limits: Option<LimitOverrides>,
}

/// A route of a deployment.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeployedRoute {
    /// `GET`, `POST`, … or `ANY`.
    pub method: String,
    /// A path pattern, such as `/users/:id`.
    pub path: String,
    /// The name of the script that answers.
    pub script: String,
}

/// What a deployment has done.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployed {
    /// The app.
    pub app: AppRecord,
    /// What was done, in this order; nothing if the app was like that already.
    pub steps: Vec<Step>,
    /// What would have been done as well in order to remove what was not named.
    pub kept: Vec<Step>,
}

/// What a deployment would do.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployCheck {
    /// What would be done, in this order.
    pub steps: Vec<Step>,
    /// What would have to be done as well in order to remove what is not named.
    pub kept: Vec<Step>,
    /// Why nothing of it would be done. What other apps hold is only seen when it is tried.
    pub errors: Vec<FieldError>,
}

impl Deployment {
    fn check_size(&self) -> Result<(), FieldError> {
        let (scripts, routes) = (self.scripts.len(), self.routes.len());
        let domains = self.domains.as_ref().map_or(0, Vec::len);
        for (field, count) in [("scripts", scripts), ("routes", routes), ("domains", domains)] {
            if count > MOST {
                let detail =
                    format!("these are {count}; a deployment has at most {MOST}, send them in parts");
                return Err(FieldError::new(field, "too_many", detail));
            }
        }
        Ok(())
    }
}

impl Manager {
    /// Makes an app what `deployment` says, all of it or nothing. An app of a slug that none has is made.
    ///
    /// # Errors
    /// `NotFound` for an id, `Invalid` with everything that is wrong, `Conflict` over a claim, or if the store does not
    /// answer.
    pub async fn deploy(
        &self,
        actor: &Actor,
        key: &AppKey,
        deployment: &Deployment,
    ) -> Result<Deployed, ManagerError> {
        let mut deed = Deed::new(actor, "app.deploy").target(key);
        let result = self.try_deploy(&mut deed, actor, key, deployment).await;
        self.writer.end(deed, result).await
    }

    /// What [`deploy`](Self::deploy) would do; saves nothing.
    ///
    /// # Errors
    /// `NotFound` for an id, `Invalid` if it is too much at once, or if the store does not answer.
    pub async fn check_deployment(
        &self,
        key: &AppKey,
        deployment: &Deployment,
    ) -> Result<DeployCheck, ManagerError> {
        let nobody = Actor::platform();
        let planner = self.plan_deployment(&nobody, key, deployment).await?;
        let Planner { work, kept, findings, .. } = planner;
        let steps = work.into_iter().map(|work| work.step).collect();
        Ok(DeployCheck { steps, kept, errors: findings.end().err().map_or_else(Vec::new, into_errors) })
    }

    async fn try_deploy(
        &self,
        deed: &mut Deed,
        actor: &Actor,
        key: &AppKey,
        deployment: &Deployment,
    ) -> Result<Deployed, ManagerError> {
        let mut attempts = 1..ATTEMPTS;
        loop {
            let Planner { app, is_new, work, kept, findings, .. } =
                self.plan_deployment(actor, key, deployment).await?;
            findings.end()?;
            deed.set_app(app.id);
            deed.set_target(app.id);
            deed.set_name(app.slug.as_str());
            let (mut steps, mut deeds, mut changes) = (Vec::new(), vec![deed.clone()], Vec::new());
            for work in work {
                steps.push(work.step);
                deeds.push(work.deed);
                changes.push(work.change);
            }
            let failed = self.writer.commit_all(&deeds, changes).await.err();
            match failed {
                None => return Ok(Deployed { app: self.app(&app.id.into()).await?, steps, kept }),
                // Somebody else was faster; what is to be done now may be something else.
                Some(ManagerError::Precondition { .. } | ManagerError::NotFound { .. })
                    if attempts.next().is_some() => {}
                Some(ManagerError::Conflict { holder, .. })
                    if (is_new || holder.is_none()) && attempts.next().is_some() => {}
                Some(error) => return Err(error),
            }
        }
    }

    async fn plan_deployment<'a>(
        &'a self,
        actor: &'a Actor,
        key: &AppKey,
        deployment: &Deployment,
    ) -> Result<Planner<'a>, ManagerError> {
        deployment.check_size()?;
        let (is_new, there) = match self.app(key).await {
            Ok(app) => (false, self.there(app).await?),
            Err(ManagerError::NotFound { what }) => match key {
                AppKey::Slug(slug) => {
                    let new = NewApp { slug: slug.to_string(), limits: LimitOverrides::default() };
                    (true, There::empty(self.new_app(&new)?))
                }
                AppKey::Id(_) => return Err(ManagerError::NotFound { what }),
            },
            Err(error) => return Err(error),
        };
        let mut planner = Planner::new(self, actor, is_new, there);
        planner.plan(deployment).await?;
        Ok(planner)
    }

    /// An app with what it owns.
    async fn there(&self, app: AppRecord) -> Result<There, ManagerError> {
        let scripts = self.read(self.store.scripts(app.id, Page::all())).await?;
        let routes = self.read(self.store.routes(app.id, Page::all())).await?;
        let domains = self.read(self.store.domains(app.id, Page::all())).await?;
        Ok(There {
            app,
            scripts: scripts.into_iter().map(|script| (script.name.clone(), script)).collect(),
            routes: routes.into_iter().map(|r| ((r.method.clone(), r.shape.clone()), r)).collect(),
            domains,
        })
    }
}

fn into_errors(error: ManagerError) -> Vec<FieldError> {
    error.errors().to_vec()
}

#[cfg(test)]
mod tests;
