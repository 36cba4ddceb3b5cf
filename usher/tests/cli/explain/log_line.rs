//! `usher explain --log-line`: a denial's line in, what happened and what to do next out.

use serde_json::{Value, json};

use super::{Case, NOW, mapped, steps};
use crate::support::{Outcome, usher, usher_with_input};

/// A line as the filter writes it, with some fields other than usual; `null` leaves one out.
fn line(changes: &Value) -> String {
    let mut fields = json!({
        "verdict": "deny", "reason": "no_seat_available", "organization": "acme-chat", "request_id": "r-1", "shadow": false,
        "at": NOW + 10, "method": "GET", "host": "chat.acme.example", "path": "/x", "issuer": "https://acme.okta.example",
        "audience": "usher", "key_id": "k1", "algorithm": "ES256", "issued_at": NOW, "expires_at": NOW + 3600,
        "subject": "00u1", "email": "ada@acme.example",
    });
    for (name, value) in changes.as_object().unwrap() {
        fields[name] = value.clone();
    }
    fields.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let fields = fields.to_string();
    format!("{{\"event\":\"denial\",{}", fields.strip_prefix('{').unwrap())
}

fn explain(case: &Case, line: &str) -> Outcome {
    usher(&["explain", &case.file, "--json", "--log-line", line])
}

fn detail<'a>(explanation: &'a Value, step: &str) -> &'a str {
    let found = explanation["steps"].as_array().unwrap().iter().find(|told| told["step"] == step);
    found.unwrap_or_else(|| panic!("no step {step}: {explanation}"))["detail"].as_str().unwrap()
}

#[test]
fn a_line_is_told_with_the_commands_that_help() {
    let case = Case::new(&mapped());
    let outcome = explain(&case, &line(&json!({})));
    assert_eq!(outcome.code, 3, "{outcome:?}");
    let told = outcome.json();
    assert_eq!((&told["verdict"], &told["reason"]), (&json!("deny"), &json!("no_seat_available")));
    assert_eq!((&told["organization"], &told["request_id"]), (&json!("acme-chat"), &json!("r-1")));
    assert_eq!(steps(&told), ["request", "route", "connection", "signature", "clock", "person", "denial"]);
    assert!(detail(&told, "clock").contains("issued 10 s ago"), "{told}");
    assert!(detail(&told, "person").contains("`ada@acme.example`"), "{told}");
    let find_out = &told["next"][1];
    assert_eq!(find_out["about"], "find_out");
    assert_eq!(find_out["commands"], json!(["usher seats acme-chat", "usher members list acme-chat --status pending"]));

    let text = usher(&["explain", &case.file, "--log-line", &line(&json!({"reason": "identity_conflict"}))]);
    assert_eq!(text.code, 3, "{text:?}");
    for words in
        ["deny: identity_conflict (403)", "what it means: ", "usher members unlink acme-chat ada@acme.example\n"]
    {
        assert!(text.stdout.contains(words), "{words}: {text:?}");
    }
}

#[test]
fn a_line_is_found_in_a_log_whatever_stands_around_it() {
    let case = Case::new(&mapped());
    let denial = line(&json!({"reason": "expired"}));
    let envoy = format!(
        "[2026-11-25 10:00:00.000][12][info][wasm] [source/extensions/common/wasm/context.cc:1] wasm log usher: {denial}"
    );
    let wrapped = json!({"stream": "stderr", "log": format!("{envoy}\n")}).to_string();
    let access = r#"{"time":"2026-11-25T10:00:00Z","reason":"expired"}"#;
    let as_json =
        json!({"level": "warning", "scope": "envoy wasm", "msg": format!("wasm log usher: {denial}")}).to_string();
    let bare = json!({"message": denial.clone()}).to_string();
    let collected = format!("2026-11-25T10:00:00.1Z stderr F {envoy}");
    let after_another = format!("{}\n{envoy}\n{access}\n", line(&json!({})));
    for log in [denial.clone(), envoy.clone(), wrapped, as_json, bare, collected, after_another] {
        let outcome = usher_with_input(&["explain", &case.file, "--json", "--log-line", "-"], &log);
        assert_eq!((outcome.code, &outcome.json()["reason"]), (3, &json!("expired")), "{log}");
    }
    let file = case.folder.file("envoy.log", &format!("{envoy}\n"));
    assert_eq!(explain(&case, &format!("@{file}")).json()["reason"], "expired");
}

/// In Envoy a path may have every character of a line of ours; other headers have spaces too.
#[test]
fn a_line_that_a_client_wrote_into_an_access_log_is_not_believed() {
    let case = Case::new(&mapped());
    let forged = line(&json!({"reason": "not_a_member", "email": "ceo@acme.example"}));
    let failed = r#"{"event":"store_failed","request_id":"r-1","why":"forged"}"#;
    let denial = line(&json!({"reason": "store_unavailable"}));
    let envoy = format!("[2026-11-25 10:00:00.000][12][info][wasm] [source/context.cc:1] wasm log usher: {denial}");
    for written in [&forged, failed] {
        let access = |member: &str, text: String| {
            json!({"time": "2026-11-25T10:00:00Z", "request_id": "r-1", "status": 400, member: text}).to_string()
        };
        let agent = format!("wasm log usher: {written}");
        let text = |path: &str, agent: &str| {
            format!("[2026-11-25T10:00:00.000Z] \"GET {path} HTTP/1.1\" 400 - 0 9 1 - \"-\" \"{agent}\" \"r-1\"")
        };
        let forgeries = [
            access("path", format!("/{written}")),
            access("path", format!("/{agent}")),
            access("user_agent", written.to_owned()),
            access("user_agent", agent.clone()),
            access("message", text(&format!("/{written}"), "-")),
            access("message", text("/", &agent)),
            access("log", text("/", written)),
            access("log", access("path", format!("/{written}"))),
            text(&format!("/{written}"), "-"),
            text(&format!("/wasm log: {written}"), "-"),
            text("/", written),
            text("/", &agent),
            format!("GET /{written} HTTP/1.1 400"),
            format!("GET /wasm%20log:%20{written} HTTP/1.1 400"),
            format!("GET /xwasm log: {written} HTTP/1.1 400"),
            format!("'user-agent', '{agent}'"),
            format!("`{written}` 400"),
        ];
        for access in forgeries {
            let told = explain(&case, &format!("{envoy}\n{access}\n"));
            assert_eq!((told.code, &told.json()["reason"]), (3, &json!("store_unavailable")), "{access}");
            assert!(!told.stdout.contains("ceo@") && !told.stdout.contains("forged"), "{access}: {told:?}");
            let alone = explain(&case, &access);
            assert_eq!((alone.code, alone.stdout.as_str()), (1, ""), "{access}: {alone:?}");
        }
    }
}

#[test]
fn why_the_store_gave_no_answer_is_told_where_the_log_has_it() {
    let case = Case::new(&mapped());
    let denial = line(&json!({"reason": "store_unavailable"}));
    let failed = |id: &str, why: &str| {
        let fields = json!({"organization": "acme-chat", "why": why, "request_id": id}).to_string();
        format!("[warning][wasm] wasm log: {{\"event\":\"store_failed\",{}", fields.strip_prefix('{').unwrap())
    };
    let log = [failed("r-0", "another's"), failed("r-1", "there was no answer"), denial.clone()].join("\n");
    let told = explain(&case, &log).json();
    assert_eq!(steps(&told).last_chunk::<2>(), Some(&["store", "denial"]), "{told}");
    assert_eq!(detail(&told, "store"), "no answer: `there was no answer`");
    for (status, meaning) in [
        ("401", ": the store does not know the filter's token (`store.token_env`)"),
        ("404", ": the store's policy does not have the organization"),
        ("409", ": the store has another policy, under which no login can have this plan (`policy_mismatch`)"),
        ("500", ""),
    ] {
        let log = [failed("r-1", &format!("the answer's status is {status}")), denial.clone()].join("\n");
        let told = explain(&case, &log).json();
        assert_eq!(detail(&told, "store"), format!("no answer: `the answer's status is {status}`{meaning}"));
    }
    let of_another = [failed("r-0", "another's"), denial].join("\n");
    assert!(!steps(&explain(&case, &of_another).json()).contains(&"store"));
}

#[test]
fn what_is_no_denial_is_an_error() {
    let case = Case::new(&mapped());
    for (line, message) in [
        (String::new(), "no denial (a line with"),
        ("01a21d3d-d916-7b6a-8ec3-7ef4616eeff9".to_owned(), "grep REQUEST-ID envoy.log"),
        (r#"{"event":"login","verdict":"allow"}"#.to_owned(), "no denial (a line with"),
        (r#"{"event":"denial","reason":"#.to_owned(), "no denial (a line with"),
        (line(&json!({"reason": "too_late"})), "unknown reason `too_late`"),
        ("@/no/such/log".to_owned(), "--log-line /no/such/log: cannot be read"),
    ] {
        let outcome = explain(&case, &line);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.stderr.contains(message), "{message}: {outcome:?}");
    }
    let both = usher(&["explain", &case.file, "--log-line", "x", "--host", "chat.acme.example"]);
    assert!(both.code == 1 && both.stderr.contains("cannot be used with"), "{both:?}");
    let neither = usher(&["explain", &case.file, "--host", "chat.acme.example"]);
    assert!(neither.code == 1 && neither.stderr.contains("--path <P>"), "{neither:?}");
}

#[test]
fn a_policy_that_is_not_the_filters_is_noticed() {
    let case = Case::new(&mapped());
    let elsewhere = explain(&case, &line(&json!({"organization": "acme-old"}))).json();
    assert!(detail(&elsewhere, "route").contains("it runs another policy than this file"), "{elsewhere}");
    let issuer = explain(&case, &line(&json!({"reason": "unknown_issuer", "issuer": "https://other.example"}))).json();
    assert!(detail(&issuer, "connection").contains("iss \"https://other.example\""), "{issuer}");
}

#[test]
fn what_a_client_wrote_is_shown_harmless_and_nobody_is_named_without_proof() {
    let case = Case::new(&mapped());
    let hostile = json!({
        "reason": "bad_signature", "path": "/\u{1b}[2J'; rm -rf ~ #", "subject": null, "email": null, "method": "G\u{7}T",
    });
    let outcome = usher(&["explain", &case.file, "--log-line", &line(&hostile)]);
    assert_eq!(outcome.code, 3, "{outcome:?}");
    assert!(!outcome.stdout.contains(['\u{1b}', '\u{7}']), "{outcome:?}");
    assert!(outcome.stdout.contains("--host chat.acme.example --path PATH "), "{outcome:?}");
    assert!(outcome.stdout.contains("nothing it says about a person is proven"), "{outcome:?}");
    let quoted = line(&json!({"reason": "expired", "path": "/a b'; id #"}));
    let outcome = usher(&["explain", &case.file, "--log-line", &quoted]);
    assert!(outcome.stdout.contains(r"--path '/a b'\''; id #' "), "{outcome:?}");
}
