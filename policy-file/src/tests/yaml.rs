//! YAML: the design's example, lines, and what is refused that YAML would allow.

use serde_json::json;
use usher_policy::id::{Email, Group, Role, Tier};
use usher_policy::model::{Algorithm, Cap, GroupRole, GroupTier, HostPattern, Jwks, Mappings, PathRule, Provisioning};

use super::super::{Fault, from_yaml, from_yaml_with, yaml_to_json};
use super::{base, shown};

const EXAMPLE: &str = include_str!("../testdata/usher.yaml");

fn faults(text: &str) -> Vec<Fault> {
    from_yaml(text).map(|policy| panic!("taken: {policy:?}")).unwrap_err()
}

#[test]
fn the_example_of_the_design_is_read() {
    let policy = from_yaml(EXAMPLE).unwrap_or_else(|faults| panic!("{}", shown(&faults)));
    assert_eq!(policy.store, usher_policy::model::StoreClient::default());
    let parent = policy.parent("acme").unwrap();
    assert_eq!((parent.plan.name.as_str(), parent.domains.join(" ").as_str()), ("enterprise", "acme.example"));
    assert_eq!(parent.directory.as_ref().unwrap().token_env.as_deref(), Some("ACME_SCIM_TOKEN"));
    let connection = &parent.connections[0];
    assert_eq!(connection.algorithms, [Algorithm::Rs256, Algorithm::Es256]);
    assert_eq!(connection.require[0].claim.as_str(), "hd");
    let Jwks::Remote(remote) = &connection.jwks else { panic!("{connection:?}") };
    assert_eq!((remote.uri.host.as_str(), remote.uri.path.as_str()), ("acme.okta.example", "/oauth2/v1/keys"));
    assert_eq!(remote.cluster, "acme-okta");
    let organization = policy.organization("acme-chat").unwrap();
    assert_eq!(organization.hosts, [HostPattern::Exact("chat.acme.example".into())]);
    assert_eq!(organization.primary_owner.as_ref().unwrap().email, Email::parse("ada@acme.example").unwrap());
    let role = |group: &str, role: &str| GroupRole { group: Group::new(group), role: Role::new(role), label: None };
    let tier = GroupTier { group: Group::new("power-users"), tier: Tier::new("premium"), label: None };
    assert_eq!(
        organization.provisioning,
        Provisioning::JitMapped(Mappings {
            roles: vec![role("chat-admins", "admin"), role("staff", "user")],
            seat_tiers: vec![tier],
        })
    );
    let caps: Vec<_> = organization.seats.as_ref().unwrap().tiers.iter().map(|seat| seat.cap).collect();
    assert_eq!(caps, [Cap::Limited(20), Cap::Limited(500)]);
    assert_eq!(organization.access[0].path, PathRule::Prefix("/admin/".into()));
    assert_eq!(organization.bypass[0].path, PathRule::Exact("/healthz".into()));
}

#[test]
fn faults_have_the_line_of_their_field_and_come_in_the_order_of_the_file() {
    let text = EXAMPLE
        .replace("role: admin}", "role: admn}")
        .replace("  plan: enterprise", "  plan: gold")
        .replace("    product: claude\n", "")
        .replace("clock_skew", "clock_scew");
    let lines: Vec<_> = faults(&text).into_iter().map(|fault| (fault.line.unwrap(), fault.path)).collect();
    assert_eq!(
        lines,
        [
            (5, "parents[0].plan".to_owned()),
            (18, "parents[0].connections[0].clock_scew".to_owned()),
            (21, "parents[0].organizations[0].product".to_owned()),
        ]
    );
    let text = EXAMPLE.replace("role: admin}", "role: admn}");
    let path = "parents[0].organizations[0].provisioning.group_mappings.roles[0].role".to_owned();
    let message = "unknown role `admn`. Product `claude` has `owner`, `admin`, `user`".to_owned();
    assert_eq!(faults(&text), [Fault { path, line: Some(29), message }]);
}

#[test]
fn the_line_is_that_of_the_name_and_of_what_a_missing_field_would_stand_in() {
    let text = "unmatched:\n  drop\nparents: []\nsessions:\n\n  offline:\n    {}\nversion: 2\nstore:\n  timeout: 5\n";
    let lines: Vec<_> = faults(text).into_iter().map(|fault| (fault.line.unwrap(), fault.path)).collect();
    let expected = [(1, "unmatched"), (6, "sessions.offline.keep"), (8, "version"), (10, "store.timeout")];
    assert_eq!(lines, expected.map(|(line, path)| (line, path.to_owned())));
}

#[test]
fn a_reader_may_ask_for_a_line() {
    let lines = from_yaml_with("# first\na: 1\n\nb:\n  [x, y]\n", |root| {
        root.object(|fields| {
            let item = fields.required("b", "[x]", |node| node.list(1..=2, |item| Ok(item.line())))?;
            Ok((fields.node().line(), fields.field("a").and_then(|node| node.line()), item))
        })
    });
    assert_eq!(lines, Ok((Some(2), Some(2), vec![Some(5); 2])));
}

#[test]
fn json_is_read_as_json_with_lines() {
    let text = serde_json::to_string_pretty(&base()).unwrap();
    assert!(from_yaml(&text).is_ok());
    assert_eq!(yaml_to_json(&text), Ok(base()));
    let found = faults(&text.replace("\"enterprise\"", "\"gold\""));
    let line = text.lines().position(|line| line.contains("enterprise")).unwrap() + 1;
    assert_eq!((found.len(), found[0].line), (1, Some(line)));
    // Surrogate pairs are JSON's, not YAML's.
    assert_eq!(yaml_to_json(r#"{"a": "\ud83d\ude00"}"#), Ok(json!({"a": "😀"})));
    // Where YAML cannot read it no line is known.
    let found = faults(r#"{"version": 1, "parents": [], "a": "\ud83d\ude00"}"#);
    assert_eq!(found.iter().map(|fault| (fault.path.as_str(), fault.line)).collect::<Vec<_>>(), [("a", None)]);
    assert_eq!(yaml_to_json("{\"a\":1,\n\"a\":2}").unwrap_err()[0].line, Some(2));
    assert_eq!(yaml_to_json("{a: 1}"), Ok(json!({"a": 1})));
}

#[test]
fn yaml_follows_the_core_schema() {
    let text =
        "a: yes\nb: 'true'\nc: true\nd: 010\ne: on\nf: \"12\"\ng: 1.5\nh:\ni: |\n  x\n  y\nj: ~\nk: >-\n  p\n  q\n";
    let value = json!({
        "a": "yes", "b": "true", "c": true, "d": 10, "e": "on", "f": "12", "g": 1.5, "h": null, "i": "x\ny\n", "j": null,
        "k": "p q"
    });
    assert_eq!(yaml_to_json(text), Ok(value));
    assert_eq!(yaml_to_json("\u{feff}---\na: &x 1\n...\n"), Ok(json!({"a": 1})));
}

#[test]
fn what_yaml_would_allow_in_two_ways_is_refused_with_its_line() {
    for (text, path, line, message) in [
        ("a: 1\nb: 2\na: 3\n", "a", 3, "is repeated"),
        ("a:\n- x: 1\n  x: 2\n", "a[0].x", 3, "is repeated"),
        ("a: &x [1]\nb: *x\n", "b", 2, "aliases"),
        ("a: !!str 1\n", "a", 1, "tags"),
        ("a: !thing\n  b: 1\n", "a", 1, "tags"),
        ("a: .inf\n", "a", 1, "not a JSON number"),
        ("a: .NaN\n", "a", 1, "not a JSON number"),
        ("1: a\n", "1", 1, "put it in quotes"),
        ("a:\n  true: b\n", "a.true", 2, "put it in quotes"),
        ("? [a]\n: b\n", "", 1, "the name of a field"),
        ("? *a\n: b\n", "", 1, ""),
        ("a: 1\n---\nb: 2\n", "", 2, "second document"),
        ("a:\n\t- b\n", "", 2, "not YAML"),
        ("a: [1,\n", "", 2, "not YAML"),
        ("a: 'x\n", "", 1, "not YAML"),
        ("a: b: c\n", "", 1, "not YAML"),
        ("abc: [\n  1,\n  ]]\n", "", 3, "(column 4)"),
    ] {
        let found = yaml_to_json(text).unwrap_err();
        assert_eq!(found.len(), 1, "{text}: {}", shown(&found));
        assert_eq!(found[0].path, path, "{text}");
        assert!(found[0].message.to_lowercase().contains(&message.to_lowercase()), "{text}: {}", found[0]);
        assert_eq!(found[0].line, Some(line), "{text}");
    }
    for empty in ["", "\n", "# only a comment\n", "---\n"] {
        assert!(from_yaml(empty).is_err(), "{empty:?}");
    }
}

#[test]
fn depth_and_aliases_cannot_blow_up() {
    for text in ["[".repeat(10_000), "- ".repeat(10_000), "{a: ".repeat(200), "? ".repeat(10_000)] {
        let found = yaml_to_json(&text).unwrap_err();
        assert_eq!(found.len(), 1);
    }
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let below = level - 1;
        bomb.push_str(&format!("a{level}: &a{level} [*a{below}, *a{below}, *a{below}, *a{below}]\n"));
    }
    assert_eq!(yaml_to_json(&bomb).unwrap_err().len(), 29 * 4);
}

#[test]
fn a_fault_of_the_text_hides_no_other() {
    let text = EXAMPLE.replace("  plan: enterprise", "  plan: gold\n  plan: team");
    let text = text.replace("- id: okta", "- id: &a okta").replace("[usher]", "*a");
    let found: Vec<_> = faults(&text).into_iter().map(|fault| (fault.path, fault.line.unwrap())).collect();
    assert_eq!(
        found,
        [
            ("parents[0].plan".to_owned(), 5),
            ("parents[0].plan".to_owned(), 6),
            ("parents[0].connections[0].audiences".to_owned(), 11),
        ],
        "of two values the first is checked, the second refused"
    );
}
