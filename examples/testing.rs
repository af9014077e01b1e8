//! cargo test -p picloud-examples testing
//!
//! Tests of scripts in Rust: without a socket, with a clock that the test holds, and with doubles of host functions. In a
//! package of your own this needs `picloud = { version = "…", features = ["testing"] }` under `[dev-dependencies]`.

use std::time::Duration;

use picloud::{App, testing::TestApp};
use serde_json::json;

#[allow(dead_code, unreachable_pub, reason = "an example is a program, and here only its app is wanted")]
#[path = "hello.rs"]
pub(crate) mod hello;

#[test]
fn a_script_answers() {
    let app = TestApp::new(hello::app());
    app.get("/hello/Ada").send().assert_status(200).assert_text("Hello, Ada!").assert_ops_below(50);
}

/// The script of an app that gives out vouchers.
const VOUCHER: &str = r#"
let customer = crm::find(ctx.body.email);
if customer == () { throw error(404, "no such customer"); }
log::info("voucher", #{ customer: customer.id });
#{ code: crypto::uuid(), ends: time::format(time::now() + 7 * 24 * 3600 * 1000) }
"#;

fn vouchers() -> TestApp {
    TestApp::new(App::builder().script("voucher", VOUCHER).route("POST /vouchers", "voucher"))
}

#[test]
fn time_and_chance_are_the_tests() {
    let app = vouchers();
    let find = app.double("crm::find").returns(json!({ "id": 7 }));
    let ask = || app.post("/vouchers").json(&json!({ "email": "ada@example.com" })).send();

    app.clock().set(0);
    app.seed(1);
    let first = ask();
    first.assert_status(200).assert_json("/ends", json!("1970-01-08T00:00:00.000Z")).assert_logged("voucher");
    app.clock().advance(Duration::from_secs(60));
    app.seed(1);
    ask()
        .assert_json("/ends", json!("1970-01-08T00:01:00.000Z"))
        .assert_json("/code", first.json()["code"].clone());

    find.assert_calls(json!([["ada@example.com"], ["ada@example.com"]]));
}

#[test]
fn what_goes_wrong_outside_goes_wrong_in_the_test() {
    let app = vouchers();
    let ask = || app.post("/vouchers").json(&json!({ "email": "x" })).send();
    let find = app.double("crm::find");
    ask().assert_status(404);
    let _find = find.fails("the CRM is down");
    ask().assert_status(500).assert_failed(picloud::Code::ScriptError, "the CRM is down");
}

#[tokio::test]
async fn async_tests_too() {
    TestApp::new(hello::app()).get("/hello/B").send_async().await.assert_text("Hello, B!");
}
