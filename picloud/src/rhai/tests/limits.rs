//! Every limit is reached, names itself, and leaves the executor well. The hostile scripts of the threat model.

use std::time::{Duration, Instant};

use super::*;

/// The codes a hostile script may end with, and a script that runs right after it.
async fn attack(source: &str) -> (&'static str, String) {
    let started = Instant::now();
    let case = script(source);
    let executor = case.executor.clone();
    let (code, message) = case.failure().await;
    assert!(started.elapsed() < Duration::from_secs(30), "{source} took {:?}", started.elapsed());
    let after = Case { executor, ..script("1 + 1") };
    assert_eq!(after.text().await, "2", "after {source}");
    (code, message)
}

#[tokio::test]
async fn every_limit_of_a_run_is_reached_and_named() {
    let small = Limits::default();
    let table = [
        ("loop {}", "limit_operations", Limits { operations: 1000, ..small }, "1000 operations"),
        ("loop {}", "limit_cpu_time", Limits { cpu_time_ms: 20, operations: 1 << 29, ..small }, "20 ms"),
        ("loop {}", "limit_wall_time", Limits { wall_time_ms: 20, operations: 1 << 29, ..small }, "20 ms"),
        (
            "let a = []; loop { a.push(1); }",
            "limit_memory",
            Limits { memory: 100_000, ..small },
            "of 100000 bytes",
        ),
        (
            "fn f(n) { f(n + 1) } f(0)",
            "limit_stack",
            Limits { call_depth: 20, ..small },
            "20 script functions",
        ),
        ("\"0123456789\"", "limit_response", Limits { response_body: 9, ..small }, "10 of 9 bytes"),
        (
            "response(200).header(\"a\", \"1\").header(\"b\", \"2\")",
            "limit_response",
            Limits { response_headers: 1, ..small },
            "2 of 1",
        ),
        (
            "response(200).header(\"a\", \"12345\")",
            "limit_response",
            Limits { response_header_bytes: 5, ..small },
            "6 of 5",
        ),
    ];
    for (source, code, limits, value) in table {
        let (got, message) = script_with(source, limits, Vec::new()).failure().await;
        assert_eq!(got, code, "{source}: {message}");
        assert!(message.contains(value), "{source}: {message}");
        assert!(message.contains("operating.md") || code == "limit_stack", "{message}");
    }
}

#[tokio::test]
async fn a_script_reads_on_at_its_limit_and_not_beyond() {
    let fits = |n: u64| Limits { operations: n, ..Limits::default() };
    let used = script("let x = 0; for i in 0..100 { x += i } x").run().await.stats.operations;
    let source = "let x = 0; for i in 0..100 { x += i } x";
    assert!(script_with(source, fits(used + 4), Vec::new()).run().await.result.is_ok());
    assert!(script_with(source, fits(used / 2), Vec::new()).run().await.result.is_err());
}

#[tokio::test]
async fn operations_in_callbacks_count() {
    let (code, _) =
        attack("let a = [1]; loop { a.map(|x| { let n = 0; while n < 1000 { n += 1 } n }); }").await;
    assert_eq!(code, "limit_operations");
}

#[tokio::test]
async fn no_try_survives_a_limit() {
    for source in [
        "loop { try { [1].map(|x| { loop {} }) } catch { } }",
        "loop { try { loop {} } catch { } }",
        "fn f() { try { loop {} } catch { f() } } f()",
    ] {
        assert_eq!(attack(source).await.0, "limit_operations", "{source}");
    }
}

#[tokio::test]
async fn recursion_in_every_shape_ends_in_an_error() {
    let nested = |inner: &str| format!("fn g(x) {{ x }} fn f(n) {{ {inner} }} f(0)");
    let shapes = [
        nested("f(n + 1)"),
        nested("if true { 1 + f(n + 1) } else { 0 }"),
        "fn f() { this.f() } let x = 0; x.f()".to_owned(),
        nested("[n].map(|x| f(x))"),
        nested("[1, 2].sort(|a, b| f(n)); 0"),
        nested("g(g(g(g(g(g(g(g(g(g(g(g(f(n + 1)))))))))))))"),
        nested("(1+(1+(1+(1+(1+(1+(1+(1+(1+(1+f(n))))))))))) "),
        nested("switch f(n) { 1 => 2, _ => 3 }"),
        nested("f(n) in [1]"),
        nested("`${f(n)}`"),
        nested("#{ a: [f(n)] }"),
        "let f = |g, n| g.call(g, n + 1); f.call(f, 0)".to_owned(),
        "let f = |g, n| [n].map(|x| g.call(g, x)); f.call(f, 0)".to_owned(),
    ];
    for source in shapes {
        assert_eq!(attack(&source).await.0, "limit_stack", "{source}");
    }
}

/// Deep data: printed, compared, cloned, dropped, hashed, answered.
#[tokio::test]
async fn deep_values_in_every_shape_end_in_an_error_or_an_answer() {
    let build = [
        "let a = []; for i in 0..N { a = [a]; }",
        "let a = #{}; for i in 0..N { a = #{ x: a }; }",
        "let a = []; for i in 0..N { a = #{ x: [a] }; }",
        "let a = || 1; for i in 0..N { let g = a; a = || g; }",
        "let a = || 1; for i in 0..N { a = [a].map(|x| || x)[0]; }",
        "fn q() {} let a = Fn(\"q\"); for i in 0..N { a = a.curry(a); }",
        "fn q() {} let a = Fn(\"q\"); for i in 0..N { let b = Fn(\"q\"); a = b.curry(a); }",
    ];
    let uses = [
        "0",
        "let b = a; b",
        "a",
        "a.to_string()",
        "`${a}`",
        "a == a",
        "print(a); 0",
        "debug(a); 0",
        "[a] == [a]",
        "a in [a]",
        "json::stringify(a)",
        "throw a",
    ];
    // The deepest data is as deep as memory allows; there it is dropping and cloning that matters.
    let deepest = if cfg!(debug_assertions) { "60000" } else { "200000" };
    for (depth, uses) in [("990", &uses[..]), ("9000", &uses[..]), (deepest, &uses[..2])] {
        for build in build {
            for then in uses {
                let source = format!("{} {then}", build.replace('N', depth));
                let case = script(&source);
                let executor = case.executor.clone();
                let ended = case.run().await;
                if let Err(failure) = &ended.result {
                    let code = failure.code.as_str();
                    assert!(code.starts_with("limit_") || code == "script_error", "{source}: {code}");
                }
                let after = Case { executor, ..script("1 + 1") };
                assert_eq!(after.text().await, "2", "after {source}");
            }
        }
    }
}

#[tokio::test]
async fn memory_bombs_end_at_the_limit() {
    for source in [
        "let s = \"a\"; loop { s += s; }",
        "let a = [1]; loop { a += a; }",
        "let a = []; loop { a.push(a); }",
        "let m = #{}; let s = \"x\".to_upper(); for i in 0..1000 { s += \"0123456789\"; } for i in 0..100000 { m[\"k\" + i] = s + i; }",
        "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(2000, 0); for i in 0..2000 { a[i] = s.to_upper(); }",
        "let s = \"\"; s.pad(1000000, 'a'); let t = \"\"; t.pad(4000, 'b'); s.replace(\"a\", t); s.len",
        "let s = \"\"; s.pad(1000000, 'a'); s.replace(\"a\", s); s.len",
        "blob(2000000000)",
        "let s = \"\"; s.pad(1000000000, 'x'); s",
        "let a = []; a.pad(1000000000, 0); a.len",
        "let b = blob(8000000); b.to_array().len",
        "let s = \"\"; s.pad(4000000, 'a'); s.split(\"\").len",
        "let s = \"\"; s.pad(4000000, 'a'); s.to_chars().len",
        "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(100000, s); a.to_string().len",
        "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(100000, s); `${a}`.len",
        "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(100000, s); json::stringify(a).len",
        "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(100000, s); a",
        "fn q() {} let f = Fn(\"q\"); for i in 0..60 { f = f.curry(f); } 1",
        "fn f(n) { let a = \"\"; a.pad(1000000, 'x'); let b = a + \"1\"; f(n + 1) } f(0)",
        "let a = []; for i in 0..100000 { let m = #{}; let f = || m; m.f = f; a.push(m); } 1",
    ] {
        let (code, message) = attack(source).await;
        assert_eq!(code, "limit_memory", "{source}: {message}");
    }
}

#[tokio::test]
async fn endless_natives_end() {
    for source in [
        "let s = \"a\"; s.pad(1000, \"\"); s.len",
        "let a = []; for i in 0..1000 { a.push(i) } a.sort(|a, b| { loop {} }); 1",
        "let a = []; for i in 0..1000 { a.push(i) } a.dedup(|a, b| { loop {} }); 1",
        "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(100000, s); let b = a; loop { a == b; }",
        "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(100000, s); loop { a.sort(); }",
        "let x = 0; for i in 0..9223372036854775807 { x += 1 } x",
        "let x = 0; for i in range(0, 9000000000000000000, 1) { x += 1 } x",
    ] {
        let outcome = script(source).run().await;
        if let Err(failure) = &outcome.result {
            assert!(
                failure.code.as_str().starts_with("limit_") || failure.code.as_str() == "script_error",
                "{source}: {failure:?}"
            );
        }
        assert!(outcome.stats.wall < Duration::from_secs(8), "{source}: {:?}", outcome.stats);
    }
}

#[tokio::test]
async fn what_blocks_or_escapes_is_not_there() {
    for source in ["sleep(3600)", "eval(\"1\")", "timestamp()", "import \"a\" as b;"] {
        let (code, _) = attack(source).await;
        assert_eq!(code, "script_error", "{source}");
    }
}

#[tokio::test]
async fn a_data_race_costs_a_few_stalls_and_not_the_thread() {
    for source in [
        "let a = [1, 2, 3]; let f = || a.len(); loop { try { a.filter(|x| f.call() > 0); } catch { } }",
        "let a = []; for i in 0..300 { a.push(i) } let f = || a.len(); a.sort(|x, y| f.call()); 1",
    ] {
        let started = Instant::now();
        let (code, message) = attack(source).await;
        assert_eq!(code, "script_error", "{message}");
        assert!(message.contains("data race"), "{message}");
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_script_that_leaks_is_stopped_until_it_is_saved_again() {
    let source = "for i in 0..2000 { let m = #{}; let f = || m; m.f = f; m.pad = blob(1000); } 1";
    let limits = Limits { memory: 4 << 20, ..Limits::default() };
    let case = script_with(source, limits, Vec::new());
    let (executor, script) = (case.executor.clone(), case.script.clone());
    let again = |script: &Arc<Script>| Case {
        executor: executor.clone(),
        script: script.clone(),
        request: HttpEvent::default(),
    };
    let mut codes = Vec::new();
    for _ in 0..8 {
        codes.push(again(&script).run().await.result.map(|_| "ok").unwrap_or_else(|f| f.code.as_str()));
    }
    assert_eq!(codes.last(), Some(&"limit_leak"), "{codes:?}");
    let fresh = script_with("1", limits, Vec::new());
    assert_eq!(Case { executor, ..fresh }.text().await, "1");
}

#[tokio::test]
async fn honest_scripts_leak_nothing() {
    let source = "let m = #{a: [1, 2]}; log::info(\"x\", m); let s = \"\"; for i in 0..100 { s += i } response(200, #{s: s, h: ctx.headers}).header(\"x-a\", \"1\")";
    let case = script(source);
    let (executor, script) = (case.executor.clone(), case.script.clone());
    for _ in 0..50 {
        let request = HttpEvent { body: vec![b'x'; 50_000].into(), ..HttpEvent::default() };
        let case = Case { executor: executor.clone(), script: script.clone(), request };
        assert!(case.header("x-b", "2").run().await.result.is_ok());
    }
    let program = script.compiled.get::<super::super::Program>().unwrap();
    assert_eq!(program.leaked.load(std::sync::atomic::Ordering::Relaxed), 0);
}

/// Rhai drops the error of the step before it prints a value into a string, and prints it itself without any bound.
#[tokio::test]
async fn a_limit_at_any_step_of_an_interpolation_ends_the_run() {
    let source = "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(2000, s); let n = 0; while n < 40 { n += 1 } `${a}`.len";
    let whole = Limits { memory: 64 << 20, ..Limits::default() };
    let used = script_with(
        "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(2000, s); let n = 0; while n < 40 { n += 1 }",
        whole,
        Vec::new(),
    );
    let used = used.run().await.stats.operations;
    for operations in used.saturating_sub(20)..used + 40 {
        let limits = Limits { operations, ..whole };
        let outcome = script_with(source, limits, Vec::new()).run().await;
        let code = outcome.result.unwrap_err().code.as_str();
        assert!(code == "limit_operations" || code == "limit_memory", "{code}");
        assert!(outcome.stats.peak_memory < 100 << 20, "{:?}", outcome.stats);
    }
}

/// The one native of the engine that prints without a bound and cannot be replaced.
#[tokio::test]
async fn a_container_assigned_to_a_range_of_a_string_costs_one_run_and_stops_the_script() {
    let limits = Limits { memory: 4 << 20, ..Limits::default() };
    let source =
        "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(20000, s); let t = \"xyz\"; t[0..1] = a; t.len";
    let case = script_with(source, limits, Vec::new());
    let (executor, script) = (case.executor.clone(), case.script.clone());
    let again = || Case { executor: executor.clone(), script: script.clone(), request: HttpEvent::default() };
    assert_eq!(again().failure().await.0, "limit_memory");
    assert_eq!(again().failure().await.0, "limit_leak");
    assert_eq!(Case { executor: executor.clone(), ..super::script("1 + 1") }.text().await, "2");
}

#[tokio::test]
async fn log_floods_are_cut_and_counted() {
    let outcome = script("for i in 0..5000 { print(\"0123456789\") } 1").run().await;
    assert_eq!((outcome.logs.len(), outcome.logs_dropped), (100, 4900));
}

#[test]
fn hostile_sources_are_refused_quickly() {
    let executor = RhaiExecutor::default();
    let sources = [
        "(".repeat(100_000),
        "[".repeat(100_000),
        "{".repeat(100_000),
        "!".repeat(100_000),
        format!("1{}", "+1".repeat(50_000)),
        format!("if true {{}} {}", "else if true {} ".repeat(5000)),
        format!("{}1", "`${".repeat(30_000)),
        "fn f() {}\n".repeat(10_000),
        format!("a{}", "?.a".repeat(20_000)),
    ];
    for source in sources {
        let started = Instant::now();
        assert!(!executor.check(&source).is_empty(), "{}", &source[..20]);
        assert!(started.elapsed() < Duration::from_secs(2), "{} {:?}", &source[..20], started.elapsed());
    }
}

#[test]
fn constants_are_not_multiplied_by_the_compiler() {
    let mut source = "const a0 = \"0123456789\"; const b0 = \"0123456789\";".to_owned();
    for i in 0..20 {
        let next = i + 1;
        source += &format!("const a{next} = [a{i}, a{i}, a{i}, a{i}, a{i}, a{i}, a{i}, a{i}, a{i}];");
        source += &format!("const b{next} = b{i} + b{i} + b{i} + b{i};");
    }
    let started = Instant::now();
    assert!(RhaiExecutor::default().check(&source).is_empty());
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}
