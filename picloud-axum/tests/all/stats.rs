//! Statistics: exact counts, whatever is left out of the log.

use std::sync::Arc;

use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counts_are_exact_under_concurrency_and_nothing_is_unaccounted_for() {
    const TASKS: usize = 8;
    const RUNS: usize = 60;
    let world = Arc::new(World::new().await);
    let source = r#"if ctx.path == "/fail" { throw 1; } if ctx.path == "/say" { print("x"); } 1"#;
    let script = world.app_with_endpoint("shop", source).await;
    let tasks = (0..TASKS).map(|_| {
        let world = world.clone();
        tokio::spawn(async move {
            for run in 0..RUNS {
                world.call("shop", ["/", "/fail", "/say", "/"][run % 4]).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    world.recorder.flush().await;
    let stats = world.ask("GET", "/apps/shop/stats").await.expect(200).json;
    let totals = &stats["totals"];
    assert_eq!((&totals["count"], &totals["errors"]), (&json!(TASKS * RUNS), &json!(TASKS * RUNS / 4)));
    let sum = |field: &str| {
        let items = stats["items"].as_array().unwrap().iter();
        items.map(|item| item[field].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((sum("count"), sum("errors")), ((TASKS * RUNS) as u64, (TASKS * RUNS / 4) as u64));
    let (mut stored, mut cursor) = (0, String::new());
    loop {
        let page = world.ask("GET", &format!("/apps/shop/logs?limit=200{cursor}")).await.expect(200);
        stored += page.json["items"].as_array().unwrap().len() as u64;
        let Some(next) = page.json["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(sum("count"), stored + sum("unsampled") + sum("dropped"));
    assert!(sum("unsampled") > 0, "silent successes are sampled");
    assert_eq!(
        (&stats["scripts"][0]["script_id"], &stats["scripts"][0]["script"]),
        (&json!(script), &json!("main"))
    );
    assert_eq!(stats["scripts"][0]["count"], totals["count"]);
    for quantiles in ["latency_us", "operations"] {
        let at = |q: &str| totals[quantiles][q].as_u64().unwrap();
        assert!(0 < at("p50") && at("p50") <= at("p90") && at("p90") <= at("p99"), "{quantiles}: {totals}");
    }
}

#[tokio::test]
async fn buckets_scripts_and_times_are_chosen() {
    let world = World::new().await;
    let script = world.app_with_endpoint("shop", "1").await;
    let other = json!({"name": "other", "source": "1"});
    world.post("POST", "/apps/shop/scripts", other).await.expect(201);
    world.call("shop", "/").await.expect(200);
    world.recorder.flush().await;
    let count = async |query: &str| {
        let stats = world.ask("GET", &format!("/apps/shop/stats?{query}")).await.expect(200).json;
        (stats["totals"]["count"].as_u64().unwrap(), stats["items"].as_array().unwrap().len())
    };
    assert_eq!(count("").await, (1, 1));
    assert_eq!(count("script=main").await, (1, 1));
    assert_eq!(count(&format!("script={script}")).await, (1, 1));
    assert_eq!(count("script=other").await, (0, 0));
    assert_eq!(count("bucket=60").await, (1, 1));
    assert_eq!(count("since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z").await, (0, 0));
    let empty =
        world.ask("GET", "/apps/shop/stats?since=2020-01-01T00:00:30Z&until=2020-01-01T00:01:30Z").await;
    assert_eq!(
        (&empty.json["since"], &empty.json["until"]),
        (&json!("2020-01-01T00:00:00.000000Z"), &json!("2020-01-01T00:02:00.000000Z")),
        "whole minutes"
    );
    for (query, field, code) in [
        ("bucket=0", "bucket", "out_of_range"),
        ("bucket=x", "bucket", "out_of_range"),
        ("since=2020-01-01T00:00:00Z", "bucket", "out_of_range"),
        ("since=9000-01-01T00:00:00Z", "since", "out_of_range"),
        ("since=x", "since", "invalid_time"),
        ("script=nobody", "script", "unknown_script"),
        ("by=minute", "by", "unknown_field"),
    ] {
        world.ask("GET", &format!("/apps/shop/stats?{query}")).await.expect_invalid(field, code);
    }
    world.ask("GET", "/apps/none/stats").await.expect_problem(404, "not_found");
}
