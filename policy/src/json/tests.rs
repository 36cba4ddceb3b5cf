use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Document, Json, parse};

#[test]
fn json_is_read_as_it_is() {
    let document = br#" {"a": [1, -2, 3.5, "x", true, null], "b": {"c": {}}} "#;
    assert_eq!(parse(document), Ok(json!({"a": [1, -2, 3.5, "x", true, null], "b": {"c": {}}})));
}

#[test]
fn duplicates_garbage_and_depth_are_refused() {
    for bad in [
        r#"{"a":1,"a":1}"#,
        r#"[{"x":{"a":1,"\u0061":2}}]"#,
        "{} {}",
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1",
        r#"{"a":1,}"#,
        r#"{"a" 1}"#,
        r#"{"a"}"#,
        r#"{"a":}"#,
        "{a:1}",
        "{1:1}",
        "nul",
        "nulls",
        "True",
        "\u{feff}{}",
        "\u{b}1",
        "\u{a0}1",
        "/**/1",
        "'a'",
        "\"a",
        "\"\n\"",
        "\"\0\"",
        "\"\u{1f}\"",
        r#""\x""#,
        r#""\u12""#,
        r#""\u+123""#,
        r#""\ud83d""#,
        r#""\ud83dx""#,
        r#""\ud83d\n""#,
        r#""\ud83d\ud83d""#,
        r#""\ude00""#,
        "01",
        "-01",
        "+1",
        "-",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "1e400",
        "-1e400",
        "NaN",
        "Infinity",
        "--1",
    ] {
        assert!(parse(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(parse(b"\"\xff\"").is_err());
    assert!(parse(b"\"\xed\xa0\x80\"").is_err(), "a surrogate is no UTF-8");
    for depth in [128, 10_000] {
        assert!(parse("[".repeat(depth).as_bytes()).is_err());
        assert!(parse(format!("{}{}", "[".repeat(depth), "]".repeat(depth)).as_bytes()).is_err());
        assert!(parse(format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth)).as_bytes()).is_err());
    }
    assert!(parse(format!("{}{}", "[".repeat(127), "]".repeat(127)).as_bytes()).is_ok());
    assert!(parse(format!("[{}]", "[[]],".repeat(1000) + "1").as_bytes()).is_ok(), "that is wide, not deep");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (document, told) in [
        ("{\n  \"a\": 1,\n  \"a\": 2\n}", "duplicate member `a` at line 3 column 4"),
        ("{\"a\": 1\n \"b\": 2}", "expected `,` or `}` at line 2 column 2"),
        ("[1, x]", "expected a value at line 1 column 5"),
        ("[1, 2", "expected `,` or `]` at line 1 column 6"),
        ("", "the document ends where a value is expected at line 1 column 1"),
        ("1 2", "more than one value at line 1 column 3"),
    ] {
        assert_eq!(parse(document.as_bytes()).unwrap_err().to_string(), told);
    }
    assert_eq!(parse(b"\n\"\xff\"").unwrap_err().to_string(), "bytes that are not UTF-8 at line 2 column 2");
}

#[test]
fn a_name_that_comes_twice_is_found_in_objects_of_every_width() {
    let object = |names: &[String]| {
        let members: Vec<_> = names.iter().map(|name| format!("{}:[{{\"n0\":0}}]", json!(name))).collect();
        format!("{{{}}}", members.join(","))
    };
    for count in [2, 31, 32, 33, 34, 65, 2000] {
        let names: Vec<_> = (0..count).map(|number| format!("n{number}")).collect();
        assert!(parse(object(&names).as_bytes()).is_ok(), "{count}");
        for (first, second) in [(0, count - 1), (count - 2, count - 1), (0, 1), (count / 2, count - 1)] {
            let mut names = names.clone();
            names[second] = names[first].clone();
            if first == second {
                continue;
            }
            let wrong = parse(object(&names).as_bytes()).unwrap_err().to_string();
            assert!(wrong.starts_with(&format!("duplicate member `n{first}` at line 1 column")), "{count}: {wrong}");
            let escaped = object(&names).replacen("\"n", "\"\\u006e", 1);
            assert!(parse(escaped.as_bytes()).unwrap_err().to_string().starts_with("duplicate"), "{count}: {escaped}");
        }
    }
}

#[test]
fn a_pointer_leads_where_the_standard_says() {
    let document = Document::read(br#"{"a":[{"b/c":1},2,[]],"m~n":3,"":4,"0":5,"e\u0301":6}"#.to_vec()).unwrap();
    let found = |steps: &str| document.root().pointer(steps).map(Json::to_value);
    for (steps, value) in [
        ("a/0/b~1c", json!(1)),
        ("a/1", json!(2)),
        ("a/2", json!([])),
        ("m~0n", json!(3)),
        ("", json!(4)),
        ("0", json!(5)),
        ("e\u{301}", json!(6)),
    ] {
        assert_eq!(found(steps), Some(value), "{steps}");
    }
    for steps in
        ["b", "a/00", "a/+1", "a/01", "a/-", "a/3", "a/0/b", "m~1n", "m~n/x", "a/1/0", "a/99999999999999999999"]
    {
        assert_eq!(found(steps), None, "{steps}");
    }
}

#[test]
fn a_value_is_only_what_it_is() {
    let document = Document::read(br#"[null,true,"true",1,[],{},"\u0022"]"#.to_vec()).unwrap();
    let is = |value: Json<'_>| {
        let texts = (value.as_str().map(str::to_owned), value.as_bool(), value.as_number().and_then(|n| n.as_u64()));
        (texts, value.as_array().is_some(), value.is_object(), value.is_null(), value.is_affirmed())
    };
    let found: Vec<_> = document.root().as_array().unwrap().map(is).collect();
    let text = |text: &str| (Some(text.to_owned()), None, None);
    assert_eq!(
        found,
        [
            ((None, None, None), false, false, true, false),
            ((None, Some(true), None), false, false, false, true),
            (text("true"), false, false, false, true),
            ((None, None, Some(1)), false, false, false, false),
            ((None, None, None), true, false, false, false),
            ((None, None, None), false, true, false, false),
            (text("\""), false, false, false, false),
        ]
    );
}

/// Whether two values are the same. Without its feature for that, serde_json rounds what has many digits and an exponent to
/// the double next to the nearest.
fn is_same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| is_same(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|(ours, theirs)| ours.0 == theirs.0 && is_same(ours.1, theirs.1))
        }
        (Value::Number(ours), Value::Number(theirs)) if ours.is_f64() && theirs.is_f64() => {
            let (ours, theirs) = (ours.as_f64().unwrap(), theirs.as_f64().unwrap());
            ours.to_bits().abs_diff(theirs.to_bits()) <= 1
        }
        _ => ours == theirs,
    }
}

#[test]
fn a_number_is_the_nearest_double() {
    for (text, number) in [
        ("9007199254740993e3", 9_007_199_254_740_993e3),
        ("0.1", 0.1),
        ("-2.5e-3", -2.5e-3),
        ("1.7976931348623157e308", f64::MAX),
        ("5e-324", 5e-324),
        ("1e-400", 0.0),
        ("-0", -0.0),
        ("18446744073709551616", 18_446_744_073_709_551_616.0),
    ] {
        assert_eq!(parse(text.as_bytes()).unwrap().as_f64().map(f64::to_bits), Some(f64::to_bits(number)), "{text}");
    }
}

/// Pieces of which documents are put together that are nearly JSON.
fn nearly_json() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\"a\"",
        "\"b\":",
        "\"\\u0061\":",
        "\\",
        "\\u",
        "00e9",
        "\\ud83d\\ude00",
        "true",
        "false",
        "null",
        "0",
        "-0",
        "-",
        "1",
        "9007199254740993",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        ".5",
        "e3",
        "E-2",
        " ",
        "\n",
        "\t",
        "é",
        "\u{1}",
        "\u{7f}",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn serde_json_reads_the_same(document in nearly_json()) {
        let theirs = serde_json::from_str::<Value>(&document);
        match (parse(document.as_bytes()), theirs) {
            (Ok(ours), Ok(theirs)) => prop_assert!(is_same(&ours, &theirs), "{ours} where serde_json reads {theirs}"),
            (Err(_), Err(_)) => {}
            (Err(ours), Ok(_)) => prop_assert!(ours.to_string().starts_with("duplicate member"), "{}", ours),
            (Ok(ours), Err(theirs)) => prop_assert!(false, "{ours} where serde_json says {theirs}"),
        }
    }

    #[test]
    fn what_serde_json_writes_is_read(text in any::<String>(), whole in any::<i64>(), number in any::<f64>()) {
        let value = json!({&text: [text, whole, {"n": [number.trunc(), null]}]});
        prop_assert_eq!(parse(value.to_string().as_bytes()), Ok(value.clone()));
        prop_assert_eq!(parse(serde_json::to_string_pretty(&value).unwrap().as_bytes()), Ok(value));
    }

    #[test]
    fn serde_json_finds_the_same(
        document in nearly_json(),
        steps in prop::collection::vec(prop::sample::select(&["a", "b", "0", "1", "01", "~0", "~1", ""][..]), 1..4),
    ) {
        let steps = steps.join("/");
        if let Ok(document) = Document::read(document.into_bytes()) {
            let theirs = document.root().to_value().pointer(&format!("/{steps}")).cloned();
            prop_assert_eq!(document.root().pointer(&steps).map(Json::to_value), theirs);
        }
    }

    #[test]
    fn an_object_has_its_own_members_and_no_others(document in nested(), name in name()) {
        let read = Document::read(document.to_string().into_bytes()).unwrap();
        let mut left = vec![(read.root(), &document)];
        while let Some((ours, theirs)) = left.pop() {
            prop_assert_eq!(ours.get(&name).map(Json::to_value), theirs.get(&name).cloned());
            for (name, value) in theirs.as_object().into_iter().flatten() {
                let found = ours.get(name);
                prop_assert!(found.is_some(), "{} in {}", name, theirs);
                left.extend(found.map(|found| (found, value)));
            }
        }
    }
}

/// A member's name: short ones of which some share a mark, some that are written with escapes, and none.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-f]{0,2}",
        "[a\"é]{1,9}",
        prop::sample::select(vec!["email", "groups", "email_verified"]).prop_map(String::from)
    ]
}

/// Objects in objects and arrays, of which many have members of one name.
fn nested() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!([])),
        Just(json!({})),
        any::<u8>().prop_map(Value::from),
        name().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 40, 8, |inner| {
        let members = prop::collection::vec((name(), inner.clone()), 0..8);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.into_iter().collect()))
        ]
    })
}
