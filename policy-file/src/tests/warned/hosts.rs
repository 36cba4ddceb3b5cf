//! Warnings of hosts that shadow one another.

use serde_json::{Value, json};

use super::{another, check, warnings};

const FIRST: &str = "{O}.hosts[0]";

fn hosts(hosts: Value) -> (&'static str, Value) {
    ("{O}/hosts", hosts)
}

fn second(host: &str, prefix: Option<&str>) -> (&'static str, Value) {
    ("/parents/0/organizations/1", another("second", host, prefix))
}

#[test]
fn a_wildcard_is_warned_of_where_another_organization_answers() {
    let wild = || hosts(json!(["*.acme.example"]));
    let shadowed: &[_] = &[("shadowed_host", FIRST)];
    check(vec![
        (&[wild(), second("chat.acme.example", None)], shadowed),
        (&[wild(), second("a.b.acme.example", None)], shadowed),
        (&[wild(), second("*.eu.acme.example", None)], shadowed),
        (
            &[hosts(json!(["*.eu.acme.example"])), second("*.acme.example", None)],
            &[("shadowed_host", "parents[0].organizations[1].hosts[0]")],
        ),
        // A suffix needs a label before it, and a host is not part of one that only ends alike.
        (&[wild(), second("acme.example", None)], &[]),
        (&[wild(), second("chat.otheracme.example", None)], &[]),
        (&[wild(), second("chat.elsewhere.example", None)], &[]),
        // One's own narrower host takes nothing away.
        (&[hosts(json!(["*.acme.example", "chat.acme.example"]))], &[]),
        (
            &[
                hosts(json!(["*.acme.example", "chat.acme.example"])),
                ("{O}/path_prefix", json!("/us")),
                second("chat.acme.example", Some("/eu")),
            ],
            &[],
        ),
    ]);
}

#[test]
fn only_the_next_wider_host_is_compared() {
    check(vec![(
        &[
            hosts(json!(["*.example"])),
            ("/parents/0/organizations/1", another("middle", "*.acme.example", None)),
            ("/parents/0/organizations/2", another("last", "chat.acme.example", None)),
        ],
        &[("shadowed_host", FIRST), ("shadowed_host", "parents[0].organizations[1].hosts[0]")],
    )]);
}

#[test]
fn only_the_next_wider_host_and_the_next_shorter_prefix_are_told() {
    let all = [
        hosts(json!(["*.example"])),
        ("/parents/0/organizations/1", another("middle", "*.acme.example", None)),
        ("/parents/0/organizations/2", another("last", "chat.acme.example", None)),
        ("/parents/0/organizations/3", another("outer", "docs.test", None)),
        ("/parents/0/organizations/4", another("between", "docs.test", Some("/a"))),
        ("/parents/0/organizations/5", another("inner", "docs.test", Some("/a/b"))),
    ];
    let warnings = warnings(&all);
    for (warning, named, unnamed) in [
        (&warnings[0], "middle", "last"),
        (&warnings[1], "last", "middle"),
        (&warnings[2], "between", "inner"),
        (&warnings[3], "inner", "outer"),
    ] {
        assert!(warning.message.contains(named) && !warning.message.contains(unnamed), "{warning:?}");
    }
}

#[test]
fn a_path_prefix_within_another_organization_s_is_warned_of() {
    let host = "chat.acme.example";
    let prefixed = |prefix: &str| ("{O}/path_prefix", json!(prefix));
    let shadowed: &[_] = &[("shadowed_host", FIRST)];
    check(vec![
        (&[second(host, Some("/eu"))], shadowed),
        (&[prefixed("/eu"), second(host, Some("/eu/west"))], shadowed),
        (&[prefixed("/eu"), second(host, Some("/us"))], &[]),
        (&[prefixed("/eu"), second(host, Some("/europe"))], &[]),
        (&[prefixed("/eu"), second("eu.acme.example", Some("/eu/west"))], &[]),
    ]);
}

#[test]
fn it_is_told_who_answers_instead() {
    let message = |changes: &[(&str, Value)]| warnings(changes).remove(0).message;
    let wild = hosts(json!(["*.acme.example"]));
    let told = message(&[wild.clone(), second("chat.acme.example", None)]);
    assert!(
        told.starts_with(
            "`*.acme.example` does not apply everywhere: at `chat.acme.example`, organization `second` answers."
        ),
        "{told}"
    );
    let told = message(&[wild.clone(), second("chat.acme.example", Some("/eu"))]);
    assert!(told.contains("`second` answers, and nobody outside its `path_prefix`."), "{told}");
    let told = message(&[second("chat.acme.example", Some("/eu"))]);
    assert!(told.contains("below `/eu`, organization `second` answers."), "{told}");
    let many: Vec<_> = (0..5).map(|number| format!("h{number}.acme.example")).collect();
    let mut five = another("second", "x", None);
    five["hosts"] = json!(many);
    let told = message(&[wild, ("/parents/0/organizations/1", five)]);
    assert!(told.contains("`h2.acme.example`") && !told.contains("`h3.acme.example`"), "{told}");
    assert!(told.contains("and so for more hosts"), "{told}");
}

#[test]
fn three_are_named_at_most_and_whether_there_are_more() {
    let below = |count: usize| {
        let others = (1..=count).map(|number| {
            let organization = another(&format!("o{number}"), "chat.acme.example", Some(&format!("/p{number}")));
            (format!("/parents/0/organizations/{number}"), organization)
        });
        let others: Vec<_> = others.collect();
        let changes: Vec<_> = others.iter().map(|(pointer, value)| (pointer.as_str(), value.clone())).collect();
        warnings(&changes).remove(0).message
    };
    for (count, named, more) in [(2, 2, false), (3, 3, false), (4, 3, true), (5, 3, true)] {
        let told = below(count);
        assert_eq!(told.matches("` answers").count(), named, "{told}");
        assert_eq!(told.contains("; and so for more prefixes."), more, "{told}");
    }
}
