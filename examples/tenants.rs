//! cargo run -p picloud-examples --example tenants
//!
//! A SaaS whose customers write rules: each tenant is an app of its own, with scripts that listen to the service's events,
//! small limits, and only the modules that its plan pays for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use picloud::{App, BuildError, CallContext, HostModule, Limits};
use serde_json::{Value, json};

/// What rules have sent: tenant, channel and text. A real service hands it to a mail server.
pub type Outbox = Arc<Mutex<Vec<(String, &'static str, String)>>>;

/// The service, as far as it concerns rules.
#[derive(Default)]
pub struct Service {
    tenants: HashMap<String, App>,
    /// What rules have sent.
    pub outbox: Outbox,
}

impl Service {
    /// A tenant signs up. The capability `sms` comes with the larger plan.
    pub fn sign_up(&mut self, tenant: &str, sms: bool) -> Result<(), BuildError> {
        let limits = Limits { operations: 50_000, wall_time_ms: 2_000, memory: 2 << 20, ..Limits::default() };
        let app = App::builder().slug(tenant).limits(limits);
        let app = app.module(self.sender("email", None)).module(self.sender("sms", Some("sms")));
        let app = if sms { app.grant("sms") } else { app };
        self.tenants.insert(tenant.to_owned(), app.build()?);
        Ok(())
    }

    /// Tenants have no say in whose name something is sent: that is the app of the call.
    fn sender(&self, channel: &'static str, capability: Option<&str>) -> HostModule {
        let outbox = self.outbox.clone();
        let module =
            HostModule::new(channel).function("send(text)", move |call: CallContext, text: String| {
                let sent = (call.app().to_owned(), channel, text);
                outbox.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
            });
        match capability {
            Some(capability) => module.capability(capability),
            None => module,
        }
    }

    /// A tenant saves a rule for an event. What does not compile is told with line and caret, and the rule stays as it
    /// was.
    pub fn save_rule(&self, tenant: &str, event: &str, source: &str) -> Result<(), BuildError> {
        let app = &self.tenants[tenant];
        let name = event.replace('.', "_");
        app.set_script(&name, source)?;
        // It is an error where there was no rule yet.
        let _ = app.off(event, &name);
        app.on(event, &name)
    }

    /// Something has happened to a tenant. Gives an error for each rule that failed, for the tenant to read.
    pub async fn happened(&self, tenant: &str, event: &str, payload: Value) -> Vec<String> {
        let Ok(delivered) = self.tenants[tenant].emit(event, payload).await else { return Vec::new() };
        let failures = delivered.into_iter().filter_map(|rule| {
            let failure = rule.outcome.result.err()?;
            let log = failure.log.unwrap_or_default();
            let line = log.position.map_or(0, |at| at.line);
            Some(format!("rule {} line {line}: {}: {}", rule.script, failure.code, log.message))
        });
        failures.collect()
    }
}

const BIG_ORDERS: &str = r#"
let order = ctx.event;
if order.total >= 1000 { email::send(`big order of ${order.total} by ${order.customer}`); }
"#;

#[tokio::main]
async fn main() -> Result<(), BuildError> {
    let mut service = Service::default();
    service.sign_up("acme", true)?;
    service.sign_up("initech", false)?;
    service.save_rule("acme", "order.created", BIG_ORDERS)?;
    service.save_rule("initech", "order.created", r#"sms::send("order!")"#)?;
    if let Err(wrong) = service.save_rule("acme", "order.created", "if order.total > { }") {
        println!("not saved:\n{wrong}\n");
    }
    for tenant in ["acme", "initech"] {
        let order = json!({ "customer": "Ada", "total": 4200 });
        for failure in service.happened(tenant, "order.created", order).await {
            println!("{tenant}: {failure}");
        }
    }
    for (tenant, channel, text) in service.outbox.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        println!("{tenant}: {channel}: {text}");
    }
    Ok(())
}
