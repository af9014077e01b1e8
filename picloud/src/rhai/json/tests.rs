//! JSON read and written, against `serde_json`.

use proptest::prelude::*;
use rhai::Dynamic;
use serde_json::Value;

use super::{JsonError, from_value, parse, to_value, write, write_pretty};
use crate::rhai::builtins::cost::probe;

fn text(value: &Dynamic) -> String {
    let mut out = Vec::new();
    write(value, 100, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn error(bytes: &[u8]) -> String {
    parse(bytes, 100).unwrap_err().to_string()
}

#[test]
fn integers_are_exact_and_others_are_floats() {
    let numbers =
        parse(b"[9223372036854775807,-9223372036854775808,9223372036854775808,1.0,1e3,-0]", 1).unwrap();
    let numbers = numbers.into_array().unwrap();
    assert_eq!(numbers[0].as_int().unwrap(), i64::MAX);
    assert_eq!(numbers[1].as_int().unwrap(), i64::MIN);
    assert!((numbers[2].as_float().unwrap() - 9_223_372_036_854_775_808.0).abs() < 1.0);
    assert!(numbers[3].is_float() && numbers[4].is_float());
    assert_eq!(
        text(&numbers.into()),
        "[9223372036854775807,-9223372036854775808,9.223372036854776e+18,1.0,1000.0,-0.0]"
    );
}

#[test]
fn what_json_lacks() {
    assert_eq!(text(&f64::NAN.into()), "null");
    assert_eq!(text(&f64::INFINITY.into()), "null");
    assert_eq!(text(&Dynamic::UNIT), "null");
    assert_eq!(text(&'"'.into()), r#""\"""#);
    assert_eq!(text(&Dynamic::from_blob(vec![0, 255, 1])), r#""AP8B""#);
    let control: String = (0..128_u8).map(char::from).collect();
    assert_eq!(serde_json::from_str::<String>(&text(&control.clone().into())).unwrap(), control);
}

#[test]
fn errors_say_where() {
    assert_eq!(error(b"[1,\n x]"), "expected value at line 2 column 2");
    assert_eq!(error(b""), "EOF while parsing a value at line 1 column 0");
    assert_eq!(error(b"1 2"), "trailing characters at line 1 column 3");
    assert!(error(b"\"\xff\"").starts_with("invalid unicode code point at line 1"), "{}", error(b"\"\xff\""));
    assert!(error(b"1e999").starts_with("number out of range at line 1"));
    assert!(error(br#""\ud83d""#).contains("at line 1 column"));
    assert_eq!(error(&b"[".repeat(101)), "nested deeper than 100 levels");
    assert_eq!(parse(b"[[]]", 1).unwrap_err().to_string(), "nested deeper than 1 levels");
    assert!(parse(b"[[]]", 2).is_ok() && parse(b"1", 0).is_ok());
    assert_eq!(parse(&b"[".repeat(200), 1000).unwrap_err().to_string(), "nested deeper than 127 levels");
    let function = Dynamic::from(rhai::FnPtr::new("f").unwrap());
    let value: Dynamic =
        vec![Dynamic::UNIT, [("a b".into(), function)].into_iter().collect::<rhai::Map>().into()].into();
    let error = write(&value, 100, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), r#"a function at [1]["a b"] has no JSON form"#);
    assert_eq!(to_value(&value, 100).unwrap_err().to_string(), error.to_string());
}

#[test]
fn captured_values_are_followed_with_care() {
    let shared = Dynamic::from(5_i64).into_shared();
    assert_eq!(text(&vec![shared.clone(), shared].into()), "[5,5]");
    // A closure that holds itself.
    let script = "let m = #{}; let f = || m; m.f = f; m";
    let value: Dynamic = rhai::Engine::new().eval(script).unwrap();
    assert!(write(&value, 100, &mut Vec::new()).unwrap_err().to_string().contains("a function at .f"));
}

#[test]
fn reading_and_writing_are_bounded() {
    let wide = format!("[{}0]", "0,".repeat(1_000_000));
    let (result, used) = probe::with(4 << 20, usize::MAX, || parse(wide.as_bytes(), 100));
    assert!(matches!(result, Err(JsonError::Refused(_))));
    assert!(used > 10_000, "{used}");
    let string: rhai::ImmutableString = "x".repeat(1 << 20).into();
    let value: Dynamic = vec![Dynamic::from(string); 100_000].into();
    let (result, _) = probe::with(16 << 20, usize::MAX, || write(&value, 100, &mut Vec::new()));
    assert!(matches!(result, Err(JsonError::Refused(_))));
    let (result, _) = probe::with(1 << 19, usize::MAX, || to_value(&value, 100));
    assert!(matches!(result, Err(JsonError::Refused(_))));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Short ones: without its feature `float_roundtrip`, serde_json may be off by the last bit.
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_way_agrees(value in value()) {
        let ours = from_value(&value);
        let compact = text(&ours);
        prop_assert_eq!(&serde_json::from_str::<Value>(&compact).unwrap(), &value);
        prop_assert_eq!(&to_value(&ours, 100).unwrap(), &value);
        prop_assert_eq!(text(&parse(compact.as_bytes(), 100).unwrap()), compact);
        let mut pretty = Vec::new();
        write_pretty(&ours, 100, 2, &mut pretty).unwrap();
        prop_assert_eq!(&serde_json::from_slice::<Value>(&pretty).unwrap(), &value);
        prop_assert_eq!(pretty, serde_json::to_vec_pretty(&value).unwrap());
    }

    #[test]
    fn any_bytes_are_read_or_refused_as_serde_json_does(bytes in "[\\[\\]{}\",:0-9eE.\\\\u truefalsn-]{0,24}") {
        let theirs = serde_json::from_str::<Value>(&bytes);
        let ours = parse(bytes.as_bytes(), 100);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok());
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            prop_assert_eq!(text(&ours), text(&from_value(&theirs)));
        }
    }
}
