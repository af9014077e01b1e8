//! Tenants write rules: each its own, within its own limits and plan.

use serde_json::json;

#[allow(dead_code, unreachable_pub, reason = "an example is a program, and here only its parts are wanted")]
#[path = "../tenants.rs"]
mod example;
use example::Service;

fn service() -> Service {
    let mut service = Service::default();
    service.sign_up("acme", true).unwrap();
    service.sign_up("initech", false).unwrap();
    service
}

fn sent(service: &Service) -> Vec<(String, &'static str, String)> {
    service.outbox.lock().unwrap().drain(..).collect()
}

const TELL: &str = "email::send(`order ${ctx.event.id}`)";

#[tokio::test]
async fn a_tenants_rule_sees_that_tenants_events_only_and_speaks_in_its_name() {
    let service = service();
    service.save_rule("acme", "order.created", TELL).unwrap();
    assert!(service.happened("acme", "order.created", json!({ "id": 1 })).await.is_empty());
    assert!(service.happened("initech", "order.created", json!({ "id": 2 })).await.is_empty());
    assert!(service.happened("acme", "order.paid", json!({ "id": 3 })).await.is_empty());
    assert_eq!(sent(&service), [("acme".to_owned(), "email", "order 1".to_owned())]);
}

#[tokio::test]
async fn a_rule_that_does_not_compile_is_told_and_the_one_before_it_stays() {
    let service = service();
    service.save_rule("acme", "order.created", TELL).unwrap();
    let wrong = service.save_rule("acme", "order.created", "if x > { }").unwrap_err().to_string();
    assert!(wrong.contains("order_created.rhai:1:"), "{wrong}");
    service.happened("acme", "order.created", json!({ "id": 1 })).await;
    service.save_rule("acme", "order.created", "email::send(\"new\")").unwrap();
    service.happened("acme", "order.created", json!({ "id": 2 })).await;
    let texts: Vec<_> = sent(&service).into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(texts, ["order 1", "new"]);
}

#[tokio::test]
async fn plans_and_limits_hold() {
    let service = service();
    for tenant in ["acme", "initech"] {
        service.save_rule(tenant, "order.created", "sms::send(\"order\")").unwrap();
        service.save_rule(tenant, "order.paid", "loop { }").unwrap();
    }
    assert!(service.happened("acme", "order.created", json!({})).await.is_empty());
    let failed = service.happened("initech", "order.created", json!({})).await;
    assert!(failed[0].contains("not granted"), "{failed:?}");
    let failed = service.happened("acme", "order.paid", json!({})).await;
    assert!(failed[0].contains("limit_operations") && failed[0].contains("order_paid line 1"), "{failed:?}");
    assert_eq!(sent(&service), [("acme".to_owned(), "sms", "order".to_owned())]);
}
