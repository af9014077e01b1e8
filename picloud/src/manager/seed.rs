//! What a fresh store starts with: an app that says hello.

use super::{Actor, Manager, ManagerError, NewApp, NewRoute, ScriptInput};
use crate::{LimitOverrides, store::Change};

/// Answers at `/` and at `/hello/:name`.
const SOURCE: &str = include_str!("hello.rhai");

impl Manager {
    /// Gives a store that has never been written to the app `hello`: domain `*`, script `hello`, routes `GET /` and
    /// `GET /hello/:name`. Says whether it did.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn seed_hello(&self) -> Result<bool, ManagerError> {
        if self.read(self.store.revision()).await? != 0 {
            return Ok(false);
        }
        let limits = LimitOverrides::default();
        let app = self.new_app(&NewApp { slug: "hello".to_owned(), limits })?;
        let input = ScriptInput { name: "hello".to_owned(), source: SOURCE.to_owned(), limits };
        let script = self.new_script(Actor::Platform, &app, input).await?;
        let route = |path: &str| {
            let input = NewRoute { method: "GET".to_owned(), path: path.to_owned(), enabled: true };
            self.new_route(&script, input).map(Change::CreateRoute)
        };
        let changes = vec![
            Change::ClaimDomain(self.new_domain(app.id, "*")?),
            Change::CreateScript(script.clone()),
            route("/")?,
            route("/hello/:name")?,
        ];
        let changes = [vec![Change::CreateApp(app)], changes].concat();
        match self.commit(Actor::Platform, changes).await {
            Ok(_) => Ok(true),
            // Another process on the same store was faster.
            Err(ManagerError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
