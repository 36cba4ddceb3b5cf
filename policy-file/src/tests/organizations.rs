//! One fault a row: parents' own fields and organizations.

use serde_json::{Value, json};

use super::{change, changed, connection, faults, policy, refused, shown, taken};

const O: &str = "/parents/0/organizations/0";

fn refused_in_organization(rows: Vec<(&str, Value, &str, &str)>) {
    for (pointer, value, path, message) in rows {
        refused(vec![(&format!("{O}/{pointer}"), value, &format!("parents[0].organizations[0].{path}"), message)]);
    }
}

#[test]
fn a_parent_has_a_known_plan_and_domains_of_its_own() {
    refused(vec![
        (
            "/parents/0/plan",
            json!("gold"),
            "parents[0].plan",
            "unknown plan `gold`. Write one of `team`, `enterprise`, `console`",
        ),
        ("/parents/0/domains", json!([]), "parents[0].domains", "must not be empty"),
        ("/parents/0/connections", json!([]), "parents[0].connections", "must not be empty"),
        ("/parents/0/domains/0", json!("gmail.com"), "parents[0].domains[0]", "public mail domain: `gmail.com`"),
        ("/parents/0/domains/0", json!("GMX.de"), "parents[0].domains[0]", "public mail domain: `gmx.de`"),
        ("/parents/0/domains/0", json!("@acme.example"), "parents[0].domains[0]", "write what follows the `@`"),
        ("/parents/0/domains/0", json!("*.acme.example"), "parents[0].domains[0]", "write each one out"),
        ("/parents/0/domains/0", json!("acme..example"), "parents[0].domains[0]", "is not a mail domain"),
        ("/parents/0/domains/0", json!("acme.example."), "parents[0].domains[0]", "without the dot"),
        ("/parents/0/domains/0", json!("äcme.example"), "parents[0].domains[0]", "xn--"),
        ("/parents/0/domains/1", json!("ACME.example"), "parents[0].domains[1]", "already at `parents[0].domains[0]`"),
    ]);
}

#[test]
fn hosts_are_names_or_suffixes_without_scheme_port_and_path() {
    refused_in_organization(vec![
        ("hosts", json!([]), "hosts", "must not be empty"),
        ("hosts/0", json!("https://chat.acme.example"), "hosts[0]", "without a scheme"),
        ("hosts/0", json!("chat.acme.example:443"), "hosts[0]", "without the port"),
        ("hosts/0", json!("chat.acme.example/eu"), "hosts[0]", "write the path as `path_prefix`"),
        ("hosts/0", json!("*"), "hosts[0]", "`*` stands only as the whole first label"),
        ("hosts/0", json!("192.0.2.07"), "hosts[0]", "write an IPv4 address as four numbers"),
        ("hosts/0", json!("*.0x7"), "hosts[0]", "write an IPv4 address as four numbers"),
        ("hosts/0", json!("chat.*.example"), "hosts[0]", "`*` stands only"),
        ("hosts/0", json!("*chat.acme.example"), "hosts[0]", "`*` stands only"),
        ("hosts/0", json!("*."), "hosts[0]", "is not a host"),
        ("hosts/0", json!("chat acme"), "hosts[0]", "is not a host"),
        ("hosts/0", json!("-a.example"), "hosts[0]", "is not a host"),
        ("hosts/0", json!("chat.acme.example."), "hosts[0]", "without the dot"),
        ("hosts/1", json!("CHAT.acme.example"), "hosts[1]", "already at `parents[0].organizations[0].hosts[0]`"),
        ("path_prefix", json!("/"), "path_prefix", "matches every path"),
        ("path_prefix", json!("eu"), "path_prefix", "begin it with `/`"),
        ("path_prefix", json!("/a/../b"), "path_prefix", "more than one way"),
        ("path_prefix", json!("/%61"), "path_prefix", "Write `/a`"),
        ("path_prefix", json!("/a?b"), "path_prefix", "has a query"),
    ]);
    taken(vec![
        (
            "/parents/0/organizations/0/hosts",
            json!(["Chat.ACME.example", "*.acme.example", "127.0.0.1", "[::1]", "a_b"]),
        ),
        ("/parents/0/organizations/0/path_prefix", json!("/eu/")),
    ]);
}

#[test]
fn names_must_be_those_of_the_product_and_the_parent() {
    refused_in_organization(vec![
        ("product", json!("cloud"), "product", "unknown product `cloud`. Known: `claude`, `console`"),
        ("connections", json!(["entra"]), "connections[0]", "unknown connection `entra`. The parent has `okta`"),
        ("connections", json!(["okta", "okta"]), "connections[1]", "is repeated"),
        ("connections", json!([]), "connections", "must not be empty"),
        (
            "provisioning/group_mappings/roles/0/role",
            json!("admn"),
            "provisioning.group_mappings.roles[0].role",
            "unknown role `admn`. Product `claude` has `owner`, `admin`, `user`",
        ),
        (
            "provisioning/group_mappings/seat_tiers/0/tier",
            json!("gold"),
            "provisioning.group_mappings.seat_tiers[0].tier",
            "unknown seat tier `gold`. Product `claude` has `premium`, `standard`",
        ),
        ("seats", json!({"caps": {"gold": 1}}), "seats.caps.gold", "unknown seat tier `gold`"),
        ("seats", json!({"caps": {"premium": -1}}), "seats.caps.premium", "from 0 to 4294967295, found `-1`"),
        (
            "seats",
            json!({"default": "gold"}),
            "seats.default",
            "unknown default `gold`. Write one of `highest_available`",
        ),
        ("seats", json!({"when_full": "wait"}), "seats.when_full", "Write `deny`, `next_tier`"),
        ("access", json!([{"path": "/a", "roles": ["root"]}]), "access[0].roles[0]", "unknown role `root`"),
        (
            "access",
            json!([{"path": "/a", "seat_tiers": ["gold"]}]),
            "access[0].seat_tiers[0]",
            "unknown seat tier `gold`",
        ),
    ]);
}

#[test]
fn scim_is_not_for_a_team_plan_nor_its_console_organizations() {
    for product in ["claude", "console"] {
        let mut document = changed("/parents/0/plan", json!("team"));
        change(&mut document, &format!("{O}/provisioning"), json!({"mode": "scim"}));
        change(&mut document, &format!("{O}/product"), json!(product));
        let found = faults(&document);
        assert_eq!(found.len(), 1, "{}", shown(&found));
        assert_eq!(found[0].path, "parents[0].organizations[0].provisioning.mode");
        assert!(found[0].message.contains("plan `team` does not include SCIM"), "{}", found[0]);
        assert!(found[0].message.contains("Write `mode: jit`"), "{}", found[0]);
        for plan in ["enterprise", "console"] {
            change(&mut document, "/parents/0/plan", json!(plan));
            policy(&document);
        }
    }
    let mut document = changed("/parents/0/plan", json!("team"));
    change(&mut document, "/parents/0/directory", json!({"scim": true}));
    let found = faults(&document);
    assert_eq!((found.len(), found[0].path.as_str()), (1, "parents[0].directory.scim"));
}

#[test]
fn a_directory_that_is_served_has_a_token() {
    for scim in [json!({"scim": true}), json!({"scim": true, "patch_response": "no_content"})] {
        let found = faults(&changed("/parents/0/directory", scim));
        assert_eq!((found.len(), found[0].path.as_str()), (1, "parents[0].directory.token_env"));
        assert_eq!(found[0].message, "missing. Write for example `token_env: ACME_SCIM_TOKEN`");
    }
    let directory = "/parents/0/directory";
    taken(vec![
        (directory, json!({})),
        (directory, json!({"scim": false})),
        (directory, json!({"scim": false, "token_env": "S"})),
        (directory, json!({"scim": true, "token_env": "S"})),
    ]);
    assert_eq!(faults(&changed(directory, json!({"scim": 1}))).len(), 1);
}

#[test]
fn mappings_need_a_mode_that_maps_and_at_least_one_role() {
    refused_in_organization(vec![
        ("provisioning/mode", json!("auto"), "provisioning.mode", "unknown mode `auto`. Write `manual`, `jit`, `scim`"),
        ("provisioning/mode", json!("manual"), "provisioning.group_mappings", "mode `manual` maps no groups"),
        ("provisioning/mode", Value::Null, "provisioning.group_mappings", "mode `manual` maps no groups"),
        ("provisioning/group_mappings/roles", json!([]), "provisioning.group_mappings.roles", "must not be empty"),
        (
            "provisioning/group_mappings/roles",
            json!([{"group": "a"}]),
            "provisioning.group_mappings.roles[0].role",
            "missing. Write for example `role: user`",
        ),
        (
            "provisioning/group_mappings/roles",
            json!([{"group": 12, "role": "user"}]),
            "provisioning.group_mappings.roles[0].group",
            "put it in quotes",
        ),
    ]);
    // Without a mapped tier `remove` would remove everybody.
    let mut document = changed(&format!("{O}/seats"), json!({"default": "remove"}));
    policy(&document);
    change(&mut document, &format!("{O}/provisioning/group_mappings/seat_tiers"), Value::Null);
    assert_eq!(faults(&document)[0].path, "parents[0].organizations[0].seats.default");
    change(&mut document, &format!("{O}/provisioning"), json!({"mode": "jit"}));
    assert_eq!(faults(&document)[0].path, "parents[0].organizations[0].seats.default");
}

#[test]
fn a_product_without_tiers_has_no_seats_anywhere() {
    let mut console = changed(&format!("{O}/product"), json!("console"));
    change(&mut console, &format!("{O}/provisioning/group_mappings/seat_tiers"), Value::Null);
    policy(&console);
    for (pointer, value, path) in [
        ("seats", json!({}), "seats"),
        (
            "provisioning/group_mappings/seat_tiers",
            json!([{"group": "a", "tier": "premium"}]),
            "provisioning.group_mappings.seat_tiers",
        ),
        ("access", json!([{"path": "/a", "seat_tiers": ["premium"]}]), "access[0].seat_tiers"),
    ] {
        let mut document = console.clone();
        change(&mut document, &format!("{O}/{pointer}"), value);
        let found = faults(&document);
        assert_eq!(found.len(), 1, "{}", shown(&found));
        assert_eq!(found[0].path, format!("parents[0].organizations[0].{path}"));
        assert!(found[0].message.contains("product `console` has no seat tiers"), "{}", found[0]);
    }
}

#[test]
fn rules_have_paths_in_normal_form_and_ask_for_something() {
    refused_in_organization(vec![
        ("access", json!([{"path": "/a"}]), "access[0]", "asks for nothing"),
        ("access", json!([{"roles": ["user"]}]), "access[0].path", "missing"),
        ("access", json!([{"path": "/a", "roles": []}]), "access[0].roles", "must not be empty"),
        ("access", json!([{"path": "/a//b", "roles": ["user"]}]), "access[0].path", "more than one way"),
        (
            "access",
            json!([{"path": "/admin/*", "roles": ["user"]}]),
            "access[0].path",
            "ends in `/` matches everything below",
        ),
        ("access", json!([{"path": "admin", "roles": ["user"]}]), "access[0].path", "begin it with `/`"),
        (
            "access",
            json!([{"path": "/a", "methods": ["get"], "roles": ["user"]}]),
            "access[0].methods[0]",
            "Write `GET`",
        ),
        ("bypass", json!([{"path": "/a;b"}]), "bypass[0].path", "more than one way"),
        ("bypass", json!([{"path": "/%7Ea"}]), "bypass[0].path", "Write `/~a`"),
        ("bypass", json!([{"path": "/a", "methods": []}]), "bypass[0].methods", "must not be empty"),
        ("bypass", json!([{"path": "/a", "methods": ["GET", "GET"]}]), "bypass[0].methods[1]", "is repeated"),
        ("bypass", json!([{"path": "/a", "methods": ["G T"]}]), "bypass[0].methods[0]", "is not a method"),
        ("guards", json!({"max_removals": {"percent": 101}}), "guards.max_removals.percent", "from 0 to 100"),
        ("guards", json!({"removals_by_login": "many"}), "guards.removals_by_login", "found text"),
    ]);
}

#[test]
fn the_primary_owner_is_somebody_who_can_come_in() {
    refused_in_organization(vec![
        ("primary_owner", json!("ada"), "primary_owner", "is not an email address"),
        ("primary_owner", json!("ada@other.example"), "primary_owner", "domain `other.example` is not in the parent's"),
        ("primary_owner", json!({"email": "ada@other.example"}), "primary_owner.email", "is not in the parent's"),
        ("primary_owner", json!({"connection": "okta"}), "primary_owner.email", "missing"),
        (
            "primary_owner",
            json!({"email": "ada@acme.example", "connection": "entra"}),
            "primary_owner.connection",
            "unknown connection `entra`. The organization has `okta`",
        ),
    ]);
    let mut two = changed("/parents/0/connections/1", connection("entra"));
    change(&mut two, "/parents/0/connections/1/domains", json!(["acme.test"]));
    for (owner, expected) in [
        (json!("ada@acme.example"), Some(("primary_owner", "`{email: ada@acme.example, connection: okta}`"))),
        (json!({"email": "ada@acme.example"}), Some(("primary_owner.connection", "write one of `okta`, `entra`"))),
        (
            json!({"email": "ada@acme.example", "connection": "entra"}),
            Some((
                "primary_owner.email",
                "connection `entra` does not vouch for domain `acme.example`, only for `acme.test`",
            )),
        ),
        (json!({"email": "ada@acme.test", "connection": "entra"}), None),
        (json!({"email": "ada@acme.example", "connection": "okta"}), None),
    ] {
        change(&mut two, &format!("{O}/primary_owner"), owner);
        match expected {
            None => drop(policy(&two)),
            Some((path, message)) => {
                let found = faults(&two);
                assert_eq!(found.len(), 1, "{}", shown(&found));
                assert_eq!(found[0].path, format!("parents[0].organizations[0].{path}"));
                assert!(found[0].message.contains(message), "{}", found[0]);
            }
        }
    }
    // The organization's connections count, not the parent's.
    change(&mut two, &format!("{O}/primary_owner"), json!("ada@acme.example"));
    change(&mut two, &format!("{O}/connections"), json!(["okta"]));
    policy(&two);
}
