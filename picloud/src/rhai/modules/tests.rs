//! What scripts see of the modules.

use rhai::{Dynamic, Engine};

use crate::rhai::{builtins::cost::probe, library::Catalog};

fn engine() -> Engine {
    let mut engine = Engine::new_raw();
    crate::rhai::builtins::register(&mut engine);
    let mut catalog = Catalog { engine: &mut engine, definitions: Vec::new() };
    super::all().into_iter().chain([super::time()]).for_each(|library| library.register(&mut catalog));
    engine
}

#[track_caller]
fn holds(script: &str) {
    let result = engine().eval::<Dynamic>(script).unwrap_or_else(|error| panic!("{script}: {error}"));
    assert!(result.as_bool().unwrap_or(false), "{script}: {result:?}");
}

#[track_caller]
fn fails(script: &str, text: &str) {
    let error = engine().eval::<Dynamic>(script).expect_err(script);
    assert!(error.is_catchable() && error.to_string().contains(text), "{script}: {error}");
}

#[test]
fn json() {
    holds(
        r#"json::parse("[1, 9223372036854775807, -0.5, \"é\\ud83d\\ude00\", null]") == [1, 9223372036854775807, -0.5, "é😀", ()]"#,
    );
    holds(r#"json::parse(blob(1, 49)) == 1 && json::parse("{\"a\":1,\"a\":2}") == #{a: 2}"#);
    holds(
        r#"json::stringify(#{b: [1, 1.5, (), 'c', true], a: "x\"\n\u0001"}) == "{\"a\":\"x\\\"\\n\\u0001\",\"b\":[1,1.5,null,\"c\",true]}""#,
    );
    holds(
        r#"json::stringify(#{a: [1, #{}], b: []}, 2) == "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}""#,
    );
    holds(r#"const A = [1]; json::stringify(A) == "[1]" && json::stringify(()) == "null""#);
    fails(r#"json::parse("[1,x]")"#, "json::parse: expected value at line 1 column 4");
    fails(r#"json::parse(1)"#, "json::parse: expected a string or a blob, not an integer");
    fails(
        r#"json::stringify(#{items: [0, #{f: |x| x}]})"#,
        "json::stringify: a function at .items[1].f has no JSON form",
    );
    fails(r#"json::stringify([1], 11)"#, "0 to 10");
    fails(r#"let a = []; for i in 0..200 { a = [a]; } json::stringify(a)"#, "nested deeper than 100 levels");
    fails(r#"let s = ""; s.pad(120, '['); json::parse(s)"#, "nested deeper than 100 levels");
}

#[test]
fn encodings() {
    holds(
        r#"base64::encode("hällo?>") == "aMOkbGxvPz4=" && base64::decode("aMOkbGxvPz4").as_string() == "hällo?>""#,
    );
    holds(r#"base64::encode_url(blob(2, 255)) == "__8" && base64::decode_url("__8=") == blob(2, 255)"#);
    holds(
        r#"hex::encode("aé") == "61c3a9" && hex::decode("61C3a9").as_string() == "aé" && hex::decode("") == blob()"#,
    );
    holds(r#"url::encode("a b/é+~") == "a%20b%2F%C3%A9%2B~" && url::decode("a%20b%2F%C3%A9+") == "a b/é+""#);
    holds(r#"url::encode_query(#{a: 1, b: ["x y", "&"], c: (), d: true}) == "a=1&b=x+y&b=%26&c&d=true""#);
    holds(r#"url::parse_query("?a=1&b=x+y&a=%C3%A9&c") == #{a: "é", b: "x y", c: ""}"#);
    fails(r#"base64::decode("a*b")"#, "base64::decode: ");
    fails(r#"hex::decode("abc")"#, "hex::decode: expected pairs");
    fails(r#"hex::decode("éé")"#, "hex::decode: expected pairs");
    fails(r#"hex::encode([1])"#, "hex::encode: expected a string or a blob, not array");
    fails(r#"url::decode("%ff")"#, "url::decode: the decoded bytes are not UTF-8");
}

#[test]
fn crypto() {
    let sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    holds(&format!(
        r#"crypto::sha256("abc") == "{sha}" && hex::encode(crypto::sha256_bytes("abc")) == "{sha}""#
    ));
    // RFC 4231, test case 2.
    let code = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let message = r#""Jefe", "what do ya want for nothing?""#;
    holds(&format!(
        r#"crypto::hmac_sha256({message}) == "{code}" && crypto::hmac_sha256_bytes({message}).len == 32"#
    ));
    for (signature, fits) in [
        (format!(r#""{code}""#), true),
        (format!(r#""sha256={}""#, code.to_uppercase()), true),
        (format!(r#"hex::decode("{code}")"#), true),
        (format!(r#""{}""#, code.replace('5', "6")), false),
        (r#""""#.into(), false),
        (r#""zz""#.into(), false),
        ("()".into(), false),
        ("blob(31)".into(), false),
    ] {
        holds(&format!(r#"crypto::verify_hmac_sha256({message}, {signature}) == {fits}"#));
    }
    holds(
        r#"crypto::random_bytes(16).len == 16 && crypto::random_bytes(16) != crypto::random_bytes(16) && crypto::random_bytes(0) == blob()"#,
    );
    holds(r#"let u = crypto::uuid(); u.len == 36 && u[14] == '4' && u != crypto::uuid()"#);
    fails("crypto::random_bytes(65537)", "crypto::random_bytes: the count must be from 0 to 65536");
    fails("crypto::random_bytes(-1)", "crypto::random_bytes");
    fails("crypto::sha256(1)", "crypto::sha256: expected a string or a blob");
}

#[test]
fn text() {
    holds(
        r#"text::escape_html("<a b=\"c\">&'é") == "&lt;a b=&quot;c&quot;&gt;&amp;&#39;é" && text::escape_html(1) == "1""#,
    );
    holds(r#"text::escape_html(["<"]) == "[&quot;&lt;&quot;]" && text::escape_html(()) == """#);
    holds("text::trim_indent(\"\\n    a\\n      b\\n\\n    c\\n  \") == \"a\\n  b\\n\\nc\"");
    holds(
        r#"text::trim_indent("a") == "a" && text::trim_indent("") == "" && text::trim_indent("  a\n b") == " a\nb""#,
    );
}

#[test]
fn time() {
    holds(
        r#"time::format(1795466700123) == "2026-11-23T20:45:00.123Z" && time::format(0) == "1970-01-01T00:00:00.000Z""#,
    );
    holds(r#"time::format(1795466700123, "%Y-%m-%d %H:%M") == "2026-11-23 20:45""#);
    holds(
        r#"time::parse("2026-11-23T22:45:00.1239+02:00") == 1795466700123 && time::parse(time::format(5)) == 5"#,
    );
    holds("let t = time::now(); t > 1700000000000 && t <= time::now()");
    fails(r#"time::parse("tomorrow")"#, "time::parse: \"tomorrow\" is not an RFC 3339 time");
    fails("time::format(9223372036854775807)", "time::format");
    fails(r#"time::format(0, "%!")"#, "time::format");
    fails(r#"let p = ""; p.pad(1000, 'x'); time::format(0, p)"#, "longer than 256 bytes");
    fails(r#"time::format(0, "%999999999Y")"#, "time::format");
}

#[test]
fn room_is_asked_for_first() {
    let megabyte = r#"let s = "<"; for i in 0..20 { s += s; } "#;
    for end in [
        "base64::encode(s)",
        "hex::encode(s)",
        "url::encode(s)",
        "text::escape_html(s)",
        "text::trim_indent(s)",
        "json::stringify([s, s, s])",
        "url::encode_query(#{a: s})",
    ] {
        let script = format!("{megabyte} {end}");
        let error = probe::with(1 << 20, usize::MAX, || engine().eval::<Dynamic>(&script)).0.expect_err(end);
        assert!(!error.is_catchable(), "{end}: {error}");
    }
    let used = probe::with(usize::MAX, usize::MAX, || {
        engine().eval::<Dynamic>(&format!("{megabyte} crypto::sha256(s)")).unwrap()
    })
    .1;
    assert!(used > 100_000, "{used}");
}
