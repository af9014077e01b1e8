//! For sane input our functions give what Rhai's own ones give.

use rhai::{
    Engine,
    packages::{Package, StandardPackage},
};

fn stock() -> Engine {
    let mut engine = Engine::new_raw();
    engine.register_global_module(StandardPackage::new().as_shared_module());
    engine
}

/// What a script gives, as text that also tells types apart.
fn outcome(engine: &Engine, script: &str) -> String {
    match engine.eval::<rhai::Dynamic>(script) {
        Ok(value) => format!("{}: {value:?}", value.type_name()),
        Err(error) => format!("error: {error}"),
    }
}

#[track_caller]
fn same(scripts: &[&str]) {
    let (stock, ours) = (stock(), super::ours());
    for script in scripts {
        assert_eq!(outcome(&ours, script), outcome(&stock, script), "{script}");
    }
}

#[test]
fn text() {
    same(&[
        r#"[1, 2.5, "a\"b\n\u{1}é", 'c', (), true, [], #{}, [[1]], #{a: #{"b c": 1}}].to_string()"#,
        r#"[1, 2.5, 1.0, 1e300, 0.0, -0.0].to_debug()"#,
        r#"`${[1, "x"]} ${#{a: 1}} ${1.0} ${1e20} ${'c'} ${()} ${true} ${Fn("abc")} ${1..3}`"#,
        r#""" + [1, "x"]"#,
        r#"[1, "x"] + """#,
        r#""a" + #{b: 'c'}"#,
        r#"#{b: 'c'} + "a""#,
        r#""a" + 1"#,
        r#"1 + "a""#,
        r#""a" + 1.5"#,
        r#"1.0 + "a""#,
        r#""a" + true"#,
        r#""a" + ()"#,
        r#"() + "a""#,
        r#""a" + 'b'"#,
        r#"'a' + "b""#,
        r#""a" + "b""#,
        r#""a" + Fn("foo")"#,
        r#""a" + (1..2)"#,
        r#"(1..=2) + "a""#,
        r#""a" + blob(3, 65)"#,
        r#"blob(3, 65) + "a""#,
        r#""a" + blob(2, 255)"#,
        r#"blob(2, 200) + "é""#,
        r#"let s = "a"; s += [1]; s"#,
        r#"let s = "a"; s += 1; s += 'c'; s += "d"; s += (); s"#,
        r#"let s = "a"; s += blob(2, 66); s"#,
        r#"let s = "a"; s.append(#{a: 1}); s.append("b"); s"#,
        r#"blob(20, 7).to_string()"#,
        r#"blob(16, 7).to_debug()"#,
        r#"[blob(3, 1)].to_string()"#,
        r#"blob().to_string()"#,
        r#""a\"\u{7f}é\n".to_debug()"#,
        r#"'x'.to_debug()"#,
        r#"().to_debug()"#,
        r#"().to_string()"#,
        r#"[Fn("f"), |x| x].len()"#,
        r#"[Fn("f").curry(1)].to_string()"#,
        r#"Fn("f").to_debug()"#,
        r#"[1..3, 1..=4].to_string()"#,
        r#"(1..3).to_debug()"#,
        r#"["x".chars()].len()"#,
        r#"let x = [1]; let f = || x; x.push(2); x.to_string() + f.call()"#,
        r#"const A = [1]; A.to_string()"#,
        r#"const A = #{a: 1}; `${A}`"#,
        r#"print([1]); debug(#{a: 1}); debug("x"); print(1)"#,
        r#"12.to_hex() + 12.to_binary() + 1.5.to_string() + 7.to_debug()"#,
    ]);
}

#[test]
fn strings() {
    same(&[
        r#"let s = "abc"; s.pad(6, '$'); s"#,
        r#"let s = "é"; s.pad(6, "äöx"); s"#,
        r#"let s = "abc"; s.pad(2, "x"); s"#,
        r#"let s = "abc"; s.pad(-5, 'x'); s"#,
        r#"let s = ""; s.pad(3, 'é'); s"#,
        r#"const S = "a"; S.pad(5, 'x'); S"#,
        r#"let s = "hello"; s.replace("l", "LL"); s"#,
        r#"let s = "hello"; s.replace("", "-"); s"#,
        r#"let s = "hello"; s.replace('l', "LL"); s"#,
        r#"let s = "hello"; s.replace("l", 'é'); s"#,
        r#"let s = "hello"; s.replace('l', 'é'); s"#,
        r#"let s = "hello"; s.replace("x", "y"); s"#,
        r#"let s = ""; s.replace("", "y"); s"#,
        r#"let s = "aaaa"; s.replace("aa", "a"); s"#,
        r#"const S = "a"; S.replace("a", "b"); S"#,
        r#"let s = "abab"; s.remove("b"); s.remove('a'); s"#,
        r#"let s = "hello"; s.remove(""); s"#,
        r#""straße".to_upper() + "ΑΣ ΑΣ".to_lower() + "ABC".to_lower() + "abc".to_upper() + "".to_upper()"#,
        r#"let s = "aß"; s.make_upper(); s"#,
        r#"let s = "AÄ"; s.make_lower(); s"#,
        r#"const S = "a"; S.make_upper(); S"#,
        r#"'a'.to_upper()"#,
        r#""hello, héllo".index_of("l")"#,
        r#""héllo".index_of('o')"#,
        r#""héllo".index_of("z")"#,
        r#""héllo".index_of("l", 3)"#,
        r#""héllo".index_of("l", -2)"#,
        r#""héllo".index_of('l', -99)"#,
        r#""héllo".index_of("l", 5)"#,
        r#""héllo".index_of("l", 99)"#,
        r#""".index_of("a")"#,
        r#""".index_of("a", -1)"#,
        r#""héllo".index_of("")"#,
        r#""héllo".index_of("", 2)"#,
        r#""héllo".contains("llo")"#,
        r#""l" in "héllo""#,
        r#"'z' in "héllo""#,
        r#"let s = "héllo"; [s.pop(2), s]"#,
        r#"let s = "héllo"; [s.pop(99), s]"#,
        r#"let s = "héllo"; [s.pop(0), s.pop(-1), s]"#,
        r#"let s = ""; [s.pop(2), s]"#,
        r#"let s = "héllo"; [s.pop(), s]"#,
    ]);
}

#[test]
fn parts_of_strings() {
    let mut scripts = Vec::new();
    for start in ["-99", "-3", "-1", "0", "1", "4", "5", "6", "9223372036854775807", "-9223372036854775808"] {
        scripts.push(format!(r#"let s = "héllo"; s.set({start}, 'ö'); s"#));
        scripts.push(format!(r#""héllo".sub_string({start})"#));
        scripts.push(format!(r#"let s = "héllo"; s.crop({start}); s"#));
        scripts.push(format!(r#"let r = []; for c in "héllo".chars({start}) {{ r.push(c); }} r"#));
        for len in ["-1", "0", "1", "3", "99", "9223372036854775807"] {
            scripts.push(format!(r#""héllo".sub_string({start}, {len})"#));
            scripts.push(format!(r#"let s = "héllo"; s.crop({start}, {len}); s"#));
            scripts.push(format!(r#"let r = []; for c in "héllo".chars({start}, {len}) {{ r.push(c); }} r"#));
            for dots in ["..", "..="] {
                scripts.push(format!(r#""héllo".sub_string({start}{dots}{len})"#));
                scripts.push(format!(r#"let s = "héllo"; s.crop({start}{dots}{len}); s"#));
                scripts.push(format!(
                    r#"let r = []; for c in "héllo".chars({start}{dots}{len}) {{ r.push(c); }} r"#
                ));
            }
        }
    }
    same(&scripts.iter().map(String::as_str).collect::<Vec<_>>());
    same(&[
        r#"let r = []; for c in "hé" { r.push(c); } r"#,
        r#"let r = []; for (c, i) in "hé".chars { r.push([c, i]); } r"#,
        r#"let r = []; for c in "" { r.push(c); } r"#,
        r#""".sub_string(0, 3)"#,
        r#"let s = ""; s.set(0, 'a'); s"#,
        r#"let s = ""; s.crop(1); s"#,
        r#"let r = []; for c in "hé".chars() { r.push(c); } r"#,
    ]);
}

#[test]
fn splitting() {
    let mut scripts = vec![
        r#""a b  c".split()"#.to_owned(),
        r#""".split()"#.to_owned(),
        r#""  ".split()"#.to_owned(),
        r#""héy".to_chars()"#.to_owned(),
        r#""".to_chars()"#.to_owned(),
        r#""hello".split(2)"#.to_owned(),
        r#""hello".split(-2)"#.to_owned(),
    ];
    for text in ["", "a", "a,b,,c", ",a,", "é,é"] {
        for by in [r#"",""#, "','", r#""""#, r#""é""#, r#"",,""#] {
            for function in ["split", "split_rev"] {
                scripts.push(format!(r#""{text}".{function}({by})"#));
                for most in ["-1", "0", "1", "2", "99"] {
                    scripts.push(format!(r#""{text}".{function}({by}, {most})"#));
                }
            }
        }
    }
    same(&scripts.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn arrays() {
    same(&[
        "let a = [1]; a.pad(3, 0); a",
        "let a = [1]; a.pad(0, 0); a",
        "let a = [1]; a.pad(-3, 0); a",
        "let a = []; a.pad(2, [1]); a",
        "const A = [1]; A.pad(3, 0); A",
        "[1, [2, #{a: 'x'}]] == [1, [2, #{a: 'x'}]]",
        "[1, [2, #{a: 'x'}]] != [1, [2, #{a: 'y'}]]",
        "[1] == [1.0]",
        "[1] == ['1']",
        "['a'] == [\"a\"]",
        "[()] == [()]",
        "[1] == [1, 2]",
        "[] == []",
        "[] == #{}",
        "#{a: 1} == #{a: 1}",
        "#{a: 1} == #{b: 1}",
        "#{a: 1} != #{a: 1, b: 2}",
        "[blob(2, 1)] == [blob(2, 1)]",
        "[1..2] == [1..2]",
        "[1..2] == [1..=2]",
        "[[1]] == [1]",
        "[Fn(\"a\")] == [Fn(\"a\")]",
        "#{a: 1} == #{a: \"1\"}",
        "#{a: Fn(\"a\")} == #{a: 1}",
        "2 in [1, 2]",
        "2.0 in [1, 2]",
        "[1] in [[1]]",
        "\"a\" in ['a']",
        "() in [1]",
        "[1, 2].contains(3)",
        "#{a: 1} in [#{a: 1}]",
        "[1, 2, 1].index_of(1)",
        "[1, 2, 1].index_of(1, 1)",
        "[1, 2, 1].index_of(1, -1)",
        "[1, 2, 1].index_of(1, -99)",
        "[1, 2, 1].index_of(1, 99)",
        "[].index_of(1)",
        "['x', \"a b\", \"c\"].index_of(\"c\")",
        "[\"c\", 1, \"c\"].index_of(\"c\", 1)",
        "fn by(a, b) { b - a } let a = [1, 3, 2]; a.sort(\"by\"); a",
        "fn by(a, b) { true } let a = [1, 3, 2]; a.dedup(\"by\"); a",
        "[1, 2, 1].index_of(|x| x == 2)",
        "[1, 2].index_of(\"a\")",
        "[1, 2, 3].index_of(|x| x > 1, -1)",
        "[Fn(\"a\")].contains(Fn(\"a\"))",
        "let a = [1, 1, 2, 2, 2, 1]; a.dedup(); a",
        "let a = []; a.dedup(); a",
        "let a = [[1], [1], 1.0, 1]; a.dedup(); a",
        "let a = [1, 2, 12, 11, 3]; a.dedup(|a, b| a / 10 == b / 10); a",
        "const A = [1, 1]; A.dedup(); A",
    ]);
}

#[test]
fn sorting() {
    same(&[
        "let a = [3, 1, 2]; a.sort(); a",
        "let a = [3.5, 1.0, 2.0]; a.sort(); a",
        "let a = [\"b\", \"a\", \"ab\"]; a.sort(); a",
        "let a = ['b', 'a']; a.sort(); a",
        "let a = [true, false]; a.sort(); a",
        "let a = [(), ()]; a.sort(); a",
        "let a = [1, 'a']; a.sort(); a",
        "let a = [[2], [1]]; a.sort(); a",
        "let a = []; a.sort(); a",
        "let a = [[1]]; a.sort(); a",
        "let a = [3, 1, 2]; a.sort_desc(); a",
        "let a = [\"b\", \"a\", \"ab\"]; a.sort_desc(); a",
        "[3, 1, 2].order()",
        "[3, 1, 2].order_desc()",
        "const A = [3, 1, 2]; A.sort(); A",
        "let a = [3, 1, 2, 5, 4]; a.sort(|a, b| a - b); a",
        "let a = [3, 1, 2, 5, 4]; a.sort_by(|a, b| b - a); a",
        "let a = [3, 1, 2, 5, 4]; a.sort(|a, b| a < b); a",
        "[3, 1, 2].order(|a, b| b - a)",
        "[3, 1, 2].order_by(|a, b| a > b)",
        // Equal ones stay in order.
        "let a = [[1, 'a'], [0, 'b'], [1, 'c'], [0, 'd'], [1, 'e']]; a.sort(|a, b| a[0] - b[0]); a",
        "let a = [[1, 'a'], [0, 'b'], [1, 'c'], [0, 'd'], [1, 'e']]; a.sort(|a, b| a[0] < b[0]); a",
        "let a = []; for i in 0..500 { a.push((i * 7919) % 501); } a.sort(); a",
        "let a = []; for i in 0..500 { a.push((i * 7919) % 31); } a.sort_desc(); a",
        "let a = []; for i in 0..300 { a.push([(i * 7919) % 31, i]); } a.sort(|a, b| a[0] - b[0]); a",
    ]);
}

#[test]
fn blobs_and_language() {
    same(&[
        "blob(3)",
        "blob(3, 65)",
        "blob(0)",
        "blob(-1)",
        "blob(2, 300)",
        "blob(2, -1)",
        "let b = blob(1, 1); b.pad(4, 2); b",
        "let b = blob(4, 1); b.pad(2, 2); b",
        "let b = blob(1, 1); b.pad(-2, 2); b",
        "blob(3, 7).to_array()",
        "blob().to_array()",
        "blob(3, 65).as_string()",
        "blob(3, 255).as_string()",
        "blob().as_string()",
        "exit(42); 1",
        "exit(); 1",
        "let x = 1; [take(x), x]",
        "const X = 1; take(X)",
        "let x = 1; x.tag = 7; x.tag",
        "let x = 1; set_tag(x, 3); tag(x)",
        "\"a\".tag",
        "6 * 7 + 2 ** 10 % 7",
        "(255).get_bits(0, 4)",
        "sqrt(2.0) + PI()",
        "parse_int(\"12\") + parse_int(\"ff\", 16)",
        "let r = []; for i in range(0, 10, 3) { r.push(i); } r",
        "let r = []; for i in range(10, 0, -3) { r.push(i); } r",
        "range(0, 1, 0)",
        "#{a: 1}.to_json()",
        "#{a: [1, \"x\", (), true, 1.5, #{}]}.to_json()",
        "[1, 2, 3].map(|x| x * 2)",
        "[1, 2, 3].filter(|x| x > 1)",
        "[1, 2, 3].reduce(|s, x| s + x, 0)",
        "[1, 2, 3].zip([4, 5], |a, b| a + b)",
        "let a = [1, 2, 3]; a.drain(|x| x > 1)",
        "let a = [1, 2, 3, 4]; a.splice(1..2, [9, 9]); a",
        "#{a: 1} + #{b: 2}",
    ]);
}
