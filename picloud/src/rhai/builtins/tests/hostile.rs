//! Scripts that try to take more than they may, in one native call.

use super::{assert_ended, assert_error, ours, probe, run};

/// An array of 100,000 references to one string of 1 MiB: 1.6 MB that print as 100 GB.
const WIDE: &str = r#"let s = "x"; for i in 0..20 { s += s; } let a = []; a.pad(100000, s); "#;

#[test]
fn sizes_are_asked_for_first() {
    for script in [
        r#"let s = ""; s.pad(1000000000000, 'x')"#,
        r#"let s = ""; s.pad(9223372036854775807, "xyz")"#,
        r#"let s = "a"; for i in 0..15 { s += s; } s.replace("a", s)"#,
        r#"let s = "a"; for i in 0..22 { s += s; } s.replace("", "0123456789")"#,
        "blob(1000000000000)",
        "blob(9223372036854775807, 1)",
        "let b = blob(1); b.pad(9223372036854775807, 1)",
        "let a = []; a.pad(9223372036854775807, 1)",
        "let a = []; a.pad(1000, 0); let b = []; b.pad(10000, a)",
        "blob(8000000).to_array()",
        r#"let s = "a"; for i in 0..22 { s += s; } s.split("")"#,
        r#"let s = "a"; for i in 0..22 { s += s; } s.to_chars()"#,
        r#"let s = "a "; for i in 0..21 { s += s; } s.split()"#,
        r#"let s = "a"; for i in 0..22 { s += s; } s.split_rev("", 9999999)"#,
        "blob(8000000, 255).as_string()",
        r#""" + blob(8000000, 255)"#,
    ] {
        assert_ended(script);
    }
}

#[test]
fn values_are_printed_within_bounds() {
    for end in [
        "a.to_debug()",
        "print(a)",
        "debug(a)",
        r#""" + a"#,
        r#"a + """#,
        r#"let t = ""; t += a"#,
        r#"let t = ""; t.append(a)"#,
        "#{a: a}.to_debug()",
        r#""" + #{a: a}"#,
        "#{a: a}.to_json()",
        "print(#{a: a})",
    ] {
        assert_ended(&format!("{WIDE} {end}"));
    }
    // Rhai ignores errors of `to_string`: it gives nothing, and the budget has been told to end the run.
    for end in ["a.to_string()", "`${a}`", "`${#{a: a}}`"] {
        let text = run(&format!("{WIDE} {end}")).unwrap();
        assert_eq!(text.into_string().unwrap(), "", "{end}");
    }
}

#[test]
fn values_are_compared_within_bounds() {
    // Two strings that differ only at their end, so that each comparison reads all of them.
    let differing = r#"let t = "x"; for i in 0..20 { t += t; } t += "z"; s += "y"; "#;
    for end in [
        "let a = []; a.pad(100000, s); a.index_of(t)",
        "let a = []; a.pad(100000, s); t in a",
        "let a = []; a.pad(1000, s); let b = []; b.pad(1000, t); let r = 0; for i in 0..1000000 { if a == b { r += 1; } a[0] = t; a[i % 1000] = t; } r",
        "let a = []; for i in 0..1000 { a.push(if i % 2 == 0 { s } else { t }); } a.sort()",
        "let a = []; for i in 0..1000 { a.push(if i % 2 == 0 { s } else { t }); } a.dedup()",
    ] {
        assert_ended(&format!("{WIDE} {differing} {end}"));
    }
    // The same string again and again is not read at all.
    assert!(run(&format!("{WIDE} a.sort(); a.index_of(1) == -1 && a == a")).unwrap().as_bool().unwrap());
}

#[test]
fn depth_is_an_error() {
    let deep = "let a = [1]; for i in 0..500 { a = [a]; } let b = [1]; for i in 0..500 { b = [b]; } ";
    assert_error(&format!("{deep} a.to_debug()"), "deeper than 100");
    assert_error(&format!("{deep} print(a)"), "deeper than 100");
    assert_error(&format!("{deep} \"\" + a"), "deeper than 100");
    assert_error(&format!("{deep} a == b"), "deeper than 100");
    assert_error(&format!("{deep} a in [b]"), "deeper than 100");
    assert_error(&format!("{deep} let c = []; c.pad(10, a)"), "deeper than 100");
    assert_error(&format!("{deep} #{{a: a}}.to_json()"), "deeper than 100");
    assert!(
        run("let a = [1]; for i in 0..98 { a = [a]; } a == a && a.to_debug().len > 100")
            .unwrap()
            .as_bool()
            .unwrap()
    );
}

#[test]
fn errors_of_callbacks_arrive() {
    assert_error(r#"let a = [3, 1, 2]; a.sort(|a, b| throw "no")"#, "no");
    assert_error(r#"let a = [3, 1, 2]; a.sort(|a, b| "x")"#, "must give a number or a boolean");
    assert_error(r#"let a = [3, 1, 2]; a.dedup(|a, b| throw "no")"#, "no");
    assert_error(r#"fn no(a, b) { throw "no" } let a = [3, 1, 2]; a.sort("no")"#, "no");
    assert_error(r#"fn no(a, b) { throw "no" } let a = [3, 1, 2]; a.dedup("no")"#, "no");
    assert_error(r#"let s = "a"; s.pad(10, "")"#, "padding is an empty string");
    let kept = run(
        r#"let a = [3, 1, 2]; try { a.sort(|a, b| if a == 2 || b == 2 { throw 1 } else { a < b }); } catch {} a"#,
    );
    assert_eq!(format!("{:?}", kept.unwrap()), "[3, 1, 2]");
    assert_ended(r#"let a = []; for i in 0..4000 { a.push(i); } loop { a.sort(); a.reverse(); }"#);
}

#[test]
fn an_order_that_contradicts_itself_ends() {
    let sorted = run(
        "let a = []; a.pad(1000, 1); for i in 0..1000 { a[i] = i; } let n = 0; a.sort(|a, b| true); a.len",
    );
    assert_eq!(sorted.unwrap().as_int().unwrap(), 1000);
}

#[test]
fn work_is_counted() {
    let cost = |script: &str| {
        probe::with(usize::MAX, usize::MAX, || ours().eval::<rhai::Dynamic>(script).unwrap()).1
    };
    let megabyte = r#"let s = "x"; for i in 0..20 { s += s; } "#;
    for end in [
        "s.index_of('y')",
        "s.to_upper()",
        "s.replace('y', 'z')",
        "s.sub_string(5, 6)",
        r#""" + [s]"#,
        "blob(1000000)",
    ] {
        let cost = cost(&format!("{megabyte} {end}"));
        assert!(cost >= 15_000, "{end}: {cost}");
    }
    assert_eq!(cost(r#""héllo".sub_string(1, 2)"#), 0);
}

#[test]
fn what_is_dangerous_is_missing() {
    for script in ["sleep(1)", "sleep(1.0)", "timestamp()", r#"get_fn_metadata_list()"#] {
        assert_error(script, "Function not found");
    }
}

#[test]
fn thrown_values_can_be_described() {
    let value = run(&format!("{WIDE} a")).unwrap();
    let text = super::super::describe(&value, 1000);
    assert!(text.ends_with('…') && text.len() <= 1003, "{}", text.len());
    assert_eq!(super::super::describe(&"héllo".into(), 2), "h…");
    assert_eq!(super::super::describe(&run(r#"[1, "x"]"#).unwrap(), 100), r#"[1, "x"]"#);
}
