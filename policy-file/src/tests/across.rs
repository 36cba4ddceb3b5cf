//! What may stand only once in the whole file, and what two parents may not share.

use serde_json::{Value, json};

use super::{base, change, connection, faults, policy, read, shown};

/// The base with a second parent that shares nothing with the first.
fn two_parents() -> Value {
    let mut document = base();
    let mut other = document["parents"][0].clone();
    for (pointer, value) in [
        ("/id", json!("globex")),
        ("/domains", json!(["globex.example"])),
        ("/connections/0/issuer", json!("https://globex.okta.example")),
        ("/organizations/0/id", json!("globex-chat")),
        ("/organizations/0/hosts", json!(["chat.globex.example"])),
    ] {
        change(&mut other, pointer, value);
    }
    change(&mut document, "/parents/1", other);
    document
}

fn refused_across(rows: Vec<(&str, Value, &str, &str)>) {
    for (pointer, value, path, message) in rows {
        let mut document = two_parents();
        change(&mut document, pointer, value);
        let found = faults(&document);
        assert_eq!(found.len(), 1, "{pointer}:\n{}", shown(&found));
        assert_eq!(found[0].path, path, "{}", shown(&found));
        assert!(found[0].message.contains(message), "{}", shown(&found));
    }
}

#[test]
fn ids_domains_hosts_and_secrets_stand_once_in_the_file() {
    let two = policy(&two_parents());
    assert!(two.organization_ids().map(|id| id.as_str()).eq(["acme-chat", "globex-chat"]));
    for (parent, its_own) in two.parents.iter().zip(["acme-chat", "globex-chat"]) {
        let found: Vec<_> = two.organizations_of(&parent.id).map(|organization| organization.id.as_str()).collect();
        assert_eq!(found, [its_own]);
    }
    refused_across(vec![
        ("/parents/1/id", json!("acme"), "parents[1].id", "already the id at `parents[0].id`"),
        (
            "/parents/1/organizations/0/id",
            json!("acme-chat"),
            "parents[1].organizations[0].id",
            "already the id at `parents[0].organizations[0].id`",
        ),
        (
            "/parents/1/domains/1",
            json!("Acme.Example"),
            "parents[1].domains[1]",
            "already at `parents[0].domains[0]`: a domain belongs to one parent",
        ),
        (
            "/parents/1/organizations/0/hosts/1",
            json!("chat.ACME.example"),
            "parents[1].organizations[0].hosts[1]",
            "already at `parents[0].organizations[0].hosts[0]`",
        ),
        (
            "/parents/1/connections/1",
            connection_at("https://other.example"),
            "parents[1].connections[1].id",
            "`parents[1].connections[0].id`",
        ),
        (
            "/admin_tokens",
            json!([{"name": "a", "token_env": "USHER_STORE_TOKEN"}]),
            "admin_tokens[0].token_env",
            "already the secret of `store.token_env`",
        ),
        (
            "/parents/1/directory",
            json!({"token_env": "USHER_STORE_TOKEN"}),
            "parents[1].directory.token_env",
            "already the secret of `store.token_env`",
        ),
        (
            "/admin_tokens",
            json!([{"name": "a", "token_env": "A"}, {"name": "b", "token_env": "A"}]),
            "admin_tokens[1].token_env",
            "already the secret of `admin_tokens[0].token_env`",
        ),
        (
            "/admin_tokens",
            json!([{"name": "a", "token_env": "A"}, {"name": "a", "token_env": "B"}]),
            "admin_tokens[1].name",
            "`admin_tokens[0].name`",
        ),
    ]);
}

#[test]
fn one_host_serves_several_organizations_by_path_prefix() {
    let mut document = two_parents();
    change(&mut document, "/parents/1/organizations/0/hosts", json!(["chat.acme.example"]));
    assert_eq!(faults(&document).len(), 1);
    change(&mut document, "/parents/1/organizations/0/path_prefix", json!("/eu"));
    policy(&document);
    change(&mut document, "/parents/0/organizations/0/path_prefix", json!("/eu/"));
    assert_eq!(faults(&document)[0].path, "parents[1].organizations[0].hosts[0]");
}

#[test]
fn within_a_parent_issuer_and_audience_choose_one_connection() {
    let mut document = base();
    change(&mut document, "/parents/0/connections/1", connection("entra"));
    change(&mut document, "/parents/0/connections/1/issuer", json!("https://okta.acme.example"));
    let found = faults(&document);
    assert_eq!(
        (found.len(), found[0].path.as_str()),
        (1, "parents[0].connections[1].audiences[0]"),
        "{}",
        shown(&found)
    );
    // Requirements do not tell connections of one parent apart: they are looked at after one was chosen.
    change(&mut document, "/parents/0/connections/0/require", json!({"hd": "a"}));
    change(&mut document, "/parents/0/connections/1/require", json!({"hd": "b"}));
    assert_eq!(faults(&document).len(), 1);
    change(&mut document, "/parents/0/connections/1/audiences", json!(["usher-2"]));
    policy(&document);
}

#[test]
fn two_parents_share_an_issuer_and_audience_only_with_disjoint_requirements() {
    for (one, other, apart) in [
        (json!(null), json!(null), false),
        (json!({"hd": "a"}), json!(null), false),
        (json!(null), json!({"hd": "a"}), false),
        (json!({"hd": "a"}), json!({"hd": "a"}), false),
        (json!({"hd": "a"}), json!({"tid": "b"}), false),
        (json!({"hd": ["a", "b"]}), json!({"hd": ["b", "c"]}), false),
        (json!({"hd": "a"}), json!({"hd": "b"}), true),
        (json!({"hd": ["a", "b"]}), json!({"hd": ["c", "d"]}), true),
        (json!({"hd": "a", "x": "1"}), json!({"hd": "a", "x": "2"}), true),
        (json!({"hd": "a", "x": "1"}), json!({"hd": "a", "y": "2"}), false),
        (json!({"hd": "a", "x": "1"}), json!({"x": "2"}), true),
        (json!({"hd": "A"}), json!({"hd": "a"}), true),
    ] {
        let mut document = two_parents();
        for (parent, require) in [(0, &one), (1, &other)] {
            let connection = format!("/parents/{parent}/connections/0");
            change(&mut document, &format!("{connection}/issuer"), json!("https://shared.example"));
            change(&mut document, &format!("{connection}/require"), require.clone());
        }
        let outcome = read(&document);
        assert_eq!(outcome.is_ok(), apart, "{one} and {other}");
        if let Err(found) = outcome {
            assert_eq!(found.len(), 1, "{}", shown(&found));
            assert_eq!(found[0].path, "parents[1].connections[0].audiences[0]");
            assert!(found[0].message.contains("`parents[0].connections[0]` too"), "{}", found[0]);
        }
        change(&mut document, "/parents/1/connections/0/audiences", json!(["another"]));
        policy(&document);
    }
}

#[test]
fn a_third_parent_is_told_from_each_of_the_others() {
    let parent = |number: usize, require: Value| {
        let mut parent = base()["parents"][0].clone();
        change(&mut parent, "/id", json!(format!("p{number}")));
        change(&mut parent, "/domains", json!([format!("p{number}.example")]));
        change(&mut parent, "/connections/0/require", require);
        change(&mut parent, "/organizations", json!([]));
        parent
    };
    for (third, clashes_with) in [
        (json!({"hd": "c"}), None),
        (json!({"hd": "a"}), Some(0)),
        (json!({"hd": "b"}), Some(1)),
        (json!({"x": "2"}), Some(0)),
        (json!({"hd": "c", "x": "1"}), None),
        (json!({"hd": "b", "x": "2"}), None),
        (json!({"hd": "b", "x": ["1", "2"]}), Some(1)),
    ] {
        let document = json!({"version": 1, "parents": [
            parent(0, json!({"hd": "a"})),
            parent(1, json!({"hd": "b", "x": "1"})),
            parent(2, third.clone()),
        ]});
        match (read(&document), clashes_with) {
            (Ok(_), None) => {}
            (Err(found), Some(earlier)) => {
                assert_eq!(found.len(), 1, "{third}:\n{}", shown(&found));
                assert_eq!(found[0].path, "parents[2].connections[0].audiences[0]");
                assert!(found[0].message.contains(&format!("`parents[{earlier}].connections[0]`")), "{}", found[0]);
            }
            (outcome, _) => panic!("{third}: {outcome:?}"),
        }
    }
}

#[test]
fn what_has_a_fault_is_still_known_by_its_name() {
    let mut document = two_parents();
    change(&mut document, "/parents/0/connections/0/issuer", Value::Null);
    change(&mut document, "/parents/0/organizations/0/connections", json!(["okta"]));
    change(&mut document, "/products", json!({"claude": {"roles": []}}));
    change(&mut document, "/admin_tokens", json!([{"name": "a", "token_env": "A", "parents": ["acme"]}]));
    change(&mut document, "/parents/1/id", json!("acme"));
    let mut paths: Vec<String> = faults(&document).into_iter().map(|fault| fault.path).collect();
    paths.sort();
    assert_eq!(paths, ["parents[0].connections[0].issuer", "parents[1].id", "products.claude.roles"]);
}

fn connection_at(issuer: &str) -> Value {
    let mut connection = connection("okta");
    change(&mut connection, "/issuer", json!(issuer));
    connection
}
