use proptest::prelude::*;
use serde_json::json;

use super::parse;

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
        let theirs = serde_json::from_str::<serde_json::Value>(&document);
        match (parse(document.as_bytes()), theirs) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
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
}
