//! Async host functions, cancellation, fairness.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use super::*;
use crate::surroundings::Surroundings;

fn host() -> Vec<HostModule> {
    let module = HostModule::new("host")
        .function("double", |n: i64| n * 2)
        .async_function("later", |n: i64| async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if n < 0 { Err("negative") } else { Ok(n + 1) }
        })
        .async_function("never", std::future::pending::<Result<i64, String>>)
        .function("panic", || -> i64 { panic!("host bug") });
    vec![module]
}

fn with_host(source: &str) -> Case {
    script_with(source, Limits::default(), host())
}

#[tokio::test]
async fn scripts_call_host_functions_sync_and_async() {
    assert_eq!(with_host("host::double(host::later(4)) + 0").text().await, "10");
    let source = "let r = 0; try { host::later(-1) } catch (e) { r = `caught ${e}` } r";
    assert_eq!(with_host(source).text().await, "caught negative");
    let source = "[1, 2, 3].map(|n| host::later(n))";
    assert_eq!(with_host(source).text().await, "[2,3,4]");
}

#[tokio::test]
async fn a_waiting_script_holds_no_thread() {
    let started = Instant::now();
    let runs: Vec<_> = (0..100).map(|_| tokio::spawn(with_host("host::later(1)").run())).collect();
    for run in runs {
        assert!(run.await.unwrap().result.is_ok());
    }
    assert!(started.elapsed() < Duration::from_millis(100 * 20), "waits ran one after another");
}

#[tokio::test]
async fn a_panic_in_a_host_function_fails_that_run_only() {
    let (code, message) = with_host("host::panic()").failure().await;
    assert_eq!(code, "script_error");
    assert!(message.contains("host bug"), "{message}");
}

#[tokio::test]
async fn a_wait_ends_at_the_deadline_and_keeps_the_logs() {
    let limits = Limits { wall_time_ms: 50, ..Limits::default() };
    let outcome =
        script_with("log::info(\"before\"); try { host::never() } catch {} 1", limits, host()).run().await;
    assert_eq!(outcome.result.unwrap_err().code.as_str(), "limit_wall_time");
    assert_eq!(outcome.logs.len(), 1);
    assert!(outcome.stats.wall >= Duration::from_millis(50));
}

#[tokio::test]
async fn dropping_the_future_cancels_the_run() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Witness;
    impl Drop for Witness {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::SeqCst);
        }
    }
    let module = HostModule::new("host").async_function("hold", || {
        let witness = Witness;
        async move {
            std::future::pending::<()>().await;
            drop(witness);
            Ok::<i64, String>(0)
        }
    });
    let source = "loop { try { host::hold(); } catch { } }";
    let run = script_with(source, Limits::default(), vec![module]).run();
    let timed_out = tokio::time::timeout(Duration::from_millis(30), run).await;
    assert!(timed_out.is_err());
    assert_eq!(DROPPED.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_loop_shares_its_thread() {
    // One thread: were the loop to keep it, the timer could not fire before the loop's end.
    let limits = Limits { cpu_time_ms: 300, operations: 1_000_000_000, ..Limits::default() };
    let spinning = tokio::spawn(script_with("loop {}", limits, Vec::new()).run());
    let mut worst = Duration::ZERO;
    for _ in 0..20 {
        let before = Instant::now();
        tokio::time::sleep(Duration::from_millis(1)).await;
        worst = worst.max(before.elapsed());
    }
    assert!(!spinning.is_finished());
    assert!(worst < Duration::from_millis(100), "{worst:?}");
    assert_eq!(spinning.await.unwrap().result.unwrap_err().code.as_str(), "limit_cpu_time");
}

#[tokio::test]
async fn programs_are_compiled_once_and_within_the_bound() {
    let executor = RhaiExecutor::builder().program_bytes(40_000).build().unwrap();
    let cases: Vec<_> = (0..50)
        .map(|i| Case {
            executor: executor.clone(),
            ..script(&format!("let x = {i}; {}x", "x += 1; ".repeat(20)))
        })
        .collect();
    let scripts: Vec<_> = cases.iter().map(|case| case.script.clone()).collect();
    for (i, case) in cases.into_iter().enumerate() {
        assert_eq!(case.text().await, (i + 20).to_string());
    }
    let kept = scripts.iter().filter(|s| s.compiled.get::<super::super::Program>().is_some()).count();
    assert!((1..50).contains(&kept), "{kept}");
    assert!(executor.0.programs.bytes() <= 40_000);
    for (i, script) in scripts.into_iter().enumerate() {
        let request = HttpEvent::default();
        assert_eq!(Case { executor: executor.clone(), script, request }.text().await, (i + 20).to_string());
    }
}

#[tokio::test]
async fn what_host_functions_keep_is_no_leak_of_the_script() {
    let (kept, held) =
        (Arc::new(std::sync::Mutex::new(Vec::new())), Arc::new(std::sync::Mutex::new(Vec::new())));
    let module = HostModule::new("host")
        .function("keep", move |bytes: i64| {
            kept.lock().unwrap().push(vec![0_u8; usize::try_from(bytes).unwrap()])
        })
        .async_function("hold", move |text: String| {
            let held = held.clone();
            async move {
                tokio::task::yield_now().await;
                held.lock().unwrap().push(text + "x".repeat(100_000).as_str());
                Ok::<i64, String>(1)
            }
        });
    let limits = Limits { memory: 2 << 20, ..Limits::default() };
    let case = script_with("host::keep(500_000); host::hold(`${ctx.path}`)", limits, vec![module]);
    let (executor, script) = (case.executor.clone(), case.script.clone());
    for _ in 0..20 {
        let case = Case { executor: executor.clone(), script: script.clone(), request: HttpEvent::default() };
        assert_eq!(case.text().await, "1");
    }
}

#[tokio::test]
async fn a_host_function_is_never_abandoned() {
    let module = HostModule::new("host")
        .function("large", || i64::try_from(std::hint::black_box(vec![0_u8; 200 << 20]).len()).unwrap());
    let outcome = script_with("let n = host::large(); n", Limits::default(), vec![module]).run().await;
    // The function came to its end; what it took for a moment was no longer held at the next step.
    assert_eq!(outcome.result.unwrap().body().as_ref(), (200 << 20).to_string().as_bytes());
}

/// A case whose clock and random numbers are virtual.
fn in_a_test(source: &str) -> Case {
    let case = script(source);
    Case { executor: RhaiExecutor::builder().within(Surroundings::fixed(1_000, 7)).build().unwrap(), ..case }
}

#[tokio::test]
async fn virtual_time_passes_only_by_sleeping_and_counts_as_waited_for() {
    let source = "let a = time::now(); log::info(a); time::sleep(9_000); [a, time::now()]";
    let started = Instant::now();
    let outcome = in_a_test(source).run().await;
    assert_eq!(outcome.result.unwrap().body().as_ref(), b"[1000,10000]");
    assert!(outcome.stats.wall >= Duration::from_secs(9), "{:?}", outcome.stats);
    assert_eq!(outcome.logs[0].at_ms, 1_000);
    let (code, _) = in_a_test("time::sleep(60_000); time::sleep(1); 1").failure().await;
    assert_eq!(code, "limit_wall_time");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn seeded_numbers_are_the_same_in_every_run_of_a_test() {
    let source = "[hex::encode(crypto::random_bytes(11)), crypto::uuid()].to_string()";
    let (first, second) = (in_a_test(source).text().await, in_a_test(source).text().await);
    assert_eq!(first, second);
    assert_ne!(first, script(source).text().await);
    let twice = in_a_test("crypto::uuid() == crypto::uuid()").text().await;
    assert_eq!(twice, "false");
}
