//! What a fresh store starts with: an app that says hello.

use super::{Actor, Manager, ManagerError, NewApp, NewRoute, ScriptInput, writer::Deed};
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
        let (platform, limits) = (Actor::platform(), LimitOverrides::default());
        let app = self.new_app(&NewApp { slug: "hello".to_owned(), limits })?;
        let input = ScriptInput { name: "hello".to_owned(), source: SOURCE.to_owned(), limits };
        let script = self.new_script(&platform, &app, input).await?;
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
        let mut deed = Deed::new(&platform, "app.create").target(app.id).name("hello");
        deed.set_app(app.id);
        deed.set_after(&app);
        let changes = [vec![Change::CreateApp(app)], changes].concat();
        match self.writer.commit(&deed, changes).await {
            Ok(_) => Ok(true),
            // Another process on the same store was faster.
            Err(ManagerError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
