//! What the steps of `usher explain` say.

use serde_json::{Value, json};

use super::{Case, mapped};

/// The words and facts of the first step with this name.
fn step(explanation: &Value, name: &str) -> (String, Value) {
    let steps = explanation["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["step"] == name).unwrap_or_else(|| panic!("no {name}: {explanation}"));
    (step["detail"].as_str().unwrap().to_owned(), step["facts"].clone())
}

#[test]
fn the_host_pattern_and_the_prefix_that_matched_are_told() {
    let case = Case::new(&json!({
        "hosts": ["*.acme.example", "*.chat.acme.example"], "path_prefix": "/eu", "provisioning": {"mode": "jit"},
    }));
    let token = case.token(&[]);
    let explanation = case.explain(&token, &["--host", "x.chat.acme.example:8443", "--path", "/eu/a"]).json();
    let (told, facts) = step(&explanation, "route");
    assert!(
        told.contains("it has the hosts `*.chat.acme.example`, and its `path_prefix` `/eu` holds `/eu/a`"),
        "{told}"
    );
    assert_eq!((&facts["host"], &facts["path_prefix"]), (&json!("*.chat.acme.example"), &json!("/eu")));
    for (host, path, told) in [
        ("shop.elsewhere.example", "/eu", "the policy has `*.acme.example`, `*.chat.acme.example`"),
        ("a.acme.example", "/us", "no `path_prefix` of its organizations (`/eu`) holds `/us`"),
        ("a b", "/eu", "`a b` is not a host"),
        ("a.acme.example", "/eu/../x", "can be read in more than one way"),
    ] {
        let explanation = case.explain(&token, &["--host", host, "--path", path]).json();
        assert!(step(&explanation, "route").0.contains(told), "{explanation}");
    }
}

#[test]
fn each_group_is_told_with_the_mapping_that_it_matched_and_why_the_role_won() {
    let case = Case::new(&json!({"provisioning": {"mode": "jit", "group_mappings": {
        "roles": [{"group": "admins", "role": "admin", "label": "The few"}, {"group": "staff", "role": "user"}],
        "seat_tiers": [{"group": "staff", "tier": "standard"}, {"group": "power", "tier": "premium"}],
    }}}));
    let explanation = case.explain(&case.token(&["other", "staff", "admins", "power"]), &[]).json();
    let (told, facts) = step(&explanation, "mapping");
    for part in [
        "group `admins` (The few) matches roles[0]: `admin`",
        "group `staff` matches roles[1]: `user`",
        "group `staff` matches seat_tiers[0]: `standard`",
        "in no mapping: `other`",
        "role admin, the most permissive of these (the order is `owner`, `admin`, `user`)",
        "seat tier premium, the highest of these (the order is `premium`, `standard`)",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(
        facts,
        json!({
            "matched": [
                {"mapping": "roles[0]", "group": "admins", "label": "The few", "gives": "admin"},
                {"mapping": "roles[1]", "group": "staff", "label": null, "gives": "user"},
                {"mapping": "seat_tiers[0]", "group": "staff", "label": null, "gives": "standard"},
                {"mapping": "seat_tiers[1]", "group": "power", "label": null, "gives": "premium"},
            ],
            "unmatched": ["other"],
            "role": "admin",
            "seat_tier": "premium",
        })
    );
}

#[test]
fn in_modes_that_map_no_token_s_groups_it_is_said_that_they_are_not_looked_at() {
    for (mode, why) in [("scim", "groups come from the directory"), ("manual", "maps no groups")] {
        let case = Case::new(&json!({"provisioning": {"mode": mode}}));
        let explanation = case.explain(&case.token(&["staff"]), &["--member", "tier=premium"]).json();
        assert!(step(&explanation, "groups").0.contains(why), "{explanation}");
    }
}

#[test]
fn the_claims_are_told_by_the_name_or_pointer_that_the_connection_has() {
    let case = Case::new(&json!({"provisioning": {"mode": "jit"}}));
    case.change_policy(|policy| {
        let connection = &mut policy["parents"][0]["connections"][0];
        connection["claims"] = json!({"groups": "/realm/groups"});
        connection["require"] = json!({"email": ["ada@acme.example", "ben@acme.example"]});
        connection["assignment"] = json!({"claim": "groups", "any_of": ["usher", "staff"]});
    });
    let explanation = case.explain(&case.token(&["staff"]), &[]).json();
    assert!(step(&explanation, "groups").0.starts_with("claim `/realm/groups` is absent"), "{explanation}");
    let (required, _) = step(&explanation, "require");
    assert!(
        required.contains(r#"claim `email` is "ada@acme.example", required is `ada@acme.example`, `ben"#),
        "{required}"
    );
    let (told, facts) = step(&explanation, "assignment");
    assert!(told.contains("claim `groups` is a list of `staff`, required is `usher`, `staff`: assigned"), "{told}");
    assert_eq!(facts, json!({"claim": "groups", "any_of": ["usher", "staff"], "assigned": true}));
    case.change_policy(|policy| policy["parents"][0]["connections"][0]["require"] = json!({"hd": ["acme.example"]}));
    let denied = case.explain(&case.token(&["staff"]), &[]).json();
    assert_eq!(
        (&denied["reason"], denied["steps"].as_array().unwrap().last().unwrap()["step"].as_str()),
        (&json!("not_assigned"), Some("require"))
    );
    case.change_policy(|policy| {
        let connection = &mut policy["parents"][0]["connections"][0];
        connection.as_object_mut().unwrap().remove("require");
        connection["assignment"] = json!({"claim": "groups", "any_of": ["usher"]});
    });
    let unassigned = case.explain(&case.token(&["staff"]), &[]).json();
    assert_eq!(unassigned["plan"], json!({"do": "remove", "reason": "not_assigned"}));
    assert!(step(&unassigned, "assignment").0.ends_with(": not assigned to the application"), "{unassigned}");
}

/// `seats.default`, `seats.when_full`, groups, more arguments; the rule, the tier, and a part of the words.
type SeatRow<'a> = (&'a str, &'a str, &'a [&'a str], &'a [&'a str], &'a str, Value, &'a str);

#[test]
fn the_seat_rule_that_applied_is_told() {
    let seats = |default: &str, when_full: &str| {
        let mut organization = mapped();
        organization["seats"] =
            json!({"caps": {"premium": 2, "standard": 3}, "default": default, "when_full": when_full});
        Case::new(&organization)
    };
    let rows: &[SeatRow<'_>] = &[
        ("standard", "deny", &["staff", "power"], &[], "mapped", json!("premium"), "the mapped tier premium has room"),
        (
            "standard",
            "deny",
            &["staff", "power"],
            &["--full", "premium"],
            "full",
            Value::Null,
            "full, as assumed (cap 2): listed as pending",
        ),
        (
            "standard",
            "next_tier",
            &["staff", "power"],
            &["--full", "premium"],
            "next_tier",
            json!("standard"),
            "gives standard",
        ),
        (
            "standard",
            "next_tier",
            &["staff", "power"],
            &["--full", "premium", "--full", "standard"],
            "full",
            Value::Null,
            "no lower tier has room",
        ),
        (
            "standard",
            "deny",
            &["staff"],
            &[],
            "default",
            json!("standard"),
            "`seats.default: standard` gives tier standard",
        ),
        ("none", "deny", &["staff"], &[], "default", Value::Null, "until someone does by hand"),
        (
            "highest_available",
            "deny",
            &["staff"],
            &["--full", "premium"],
            "default",
            json!("standard"),
            "gives tier standard",
        ),
        (
            "lowest_available",
            "deny",
            &["staff"],
            &["--full", "standard", "--full", "premium"],
            "default",
            Value::Null,
            "gives none",
        ),
        (
            "standard",
            "deny",
            &["staff"],
            &["--member", "tier=premium"],
            "held",
            json!("premium"),
            "keeps the seat of tier premium",
        ),
        (
            "standard",
            "deny",
            &["staff", "power"],
            &["--member", "tier=premium"],
            "held",
            json!("premium"),
            "holds the mapped tier premium already",
        ),
        (
            "standard",
            "deny",
            &["staff", "power"],
            &["--member", "tier=standard"],
            "mapped",
            json!("premium"),
            "moves from tier standard",
        ),
        (
            "standard",
            "deny",
            &["staff", "power"],
            &["--member", "tier=standard", "--full", "premium"],
            "held",
            json!("standard"),
            "never loses it",
        ),
    ];
    for (default, when_full, groups, more, rule, tier, words) in rows {
        let case = seats(default, when_full);
        let explanation = case.explain(&case.token(groups), more).json();
        let (told, facts) = step(&explanation, "seat");
        assert_eq!((&facts["rule"], &facts["seat_tier"]), (&json!(rule), tier), "{more:?}: {explanation}");
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
fn each_rule_of_the_path_is_told() {
    let mut organization = mapped();
    organization["access"] = json!([
        {"path": "/admin/", "roles": ["owner", "admin"]},
        {"path": "/admin/", "methods": ["POST"], "roles": ["owner"]},
        {"path": "/", "seat_tiers": ["standard"]},
        {"path": "/labs", "roles": ["owner"]},
    ]);
    let case = Case::new(&organization);
    let results = |groups: &[&str], more: &[&str]| {
        let explanation = case.explain(&case.token(groups), more).json();
        let (_, facts) = step(&explanation, "access");
        let results: Vec<_> =
            facts["rules"].as_array().unwrap().iter().map(|rule| rule["result"].as_str().unwrap().to_owned()).collect();
        (explanation["reason"].clone(), results)
    };
    let low = ["--member", "tier=standard", "--path", "/admin/x"];
    assert_eq!(
        results(&["admins"], &low),
        (Value::Null, ["allows", "other_method", "allows", "other_path"].map(str::to_owned).to_vec())
    );
    assert_eq!(results(&["staff"], &low).1, ["denies_role", "other_method", "allows", "other_path"]);
    assert_eq!(
        results(&["admins"], &["--path", "/admin/x"]).1,
        ["allows", "other_method", "denies_seat_tier", "other_path"]
    );
}

#[test]
fn the_assumed_member_may_be_unlinked_another_s_or_of_another_source() {
    let case = Case::new(&json!({"provisioning": {"mode": "manual"}}));
    let token = case.token(&[]);
    for (member, reason, told) in [
        ("tier=premium,linked=no", Value::Null, "not linked yet"),
        ("tier=premium,linked=other", json!("identity_conflict"), "linked to another identity"),
        ("tier=premium,linked=no,email=ben@acme.example", json!("not_a_member"), "neither identity nor email leads to"),
        ("tier=premium,email=ben@acme.example", Value::Null, "linked to this identity"),
    ] {
        let explanation = case.explain(&token, &["--member", member]).json();
        assert_eq!(explanation["reason"], reason, "{member}: {explanation}");
        assert!(step(&explanation, "store").0.contains(told), "{told}: {explanation}");
    }
    let scim = Case::new(&json!({"provisioning": {"mode": "scim"}}));
    for (member, reason) in
        [("tier=premium,source=manual", json!("not_provisioned")), ("tier=premium,source=scim", Value::Null)]
    {
        assert_eq!(scim.explain(&scim.token(&[]), &["--member", member]).json()["reason"], reason, "{member}");
    }
}

#[test]
fn a_tier_that_is_never_full_cannot_be_assumed_to_be() {
    let case = Case::new(&mapped());
    for (tier, message) in [("premium", "has no cap in the policy"), ("gold", "--full: unknown seat tier `gold`")] {
        let outcome = case.explain(&case.token(&["staff"]), &["--full", tier]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.stderr.contains(message), "{outcome:?}");
    }
}

#[test]
fn the_keys_that_there_are_are_told_where_the_token_s_is_not_among_them() {
    let case = Case::new(&mapped());
    let token = case.token(&["staff"]);
    case.change_policy(|policy| {
        policy["parents"][0]["connections"][0]["jwks"]["inline"]["keys"][0]["kid"] = json!("k2")
    });
    let unknown = case.explain(&token, &[]).json();
    assert_eq!(unknown["reason"], "unknown_key");
    assert!(
        step(&unknown, "signature").0.contains(r#"`kid` "k1"; connection `okta` has 1 usable key, named `k2`"#),
        "{unknown}"
    );
    case.change_policy(|policy| policy["parents"][0]["connections"][0]["algorithms"] = json!(["RS256"]));
    let unsupported = case.explain(&token, &[]).json();
    assert_eq!(unsupported["reason"], "unsupported_algorithm");
    assert!(
        step(&unsupported, "signature").0.contains(r#"`alg` is "ES256"; connection `okta` takes `RS256`"#),
        "{unsupported}"
    );
}

#[test]
fn who_was_never_linked_becomes_the_primary_owner_by_the_first_login() {
    let case = Case::new(&json!({"primary_owner": "ada@acme.example", "provisioning": {"mode": "manual"}}));
    let token = case.token(&[]);
    for (linked, notes) in [("no", json!(["linked", "primary_owner"])), ("yes", json!([]))] {
        let explanation =
            case.explain(&token, &["--member", &format!("role=user,tier=premium,linked={linked}")]).json();
        assert_eq!(explanation["role"], "owner", "{explanation}");
        assert_eq!(step(&explanation, "store").1["notes"], notes, "{linked}");
    }
}

#[test]
fn every_step_stands_in_the_docs_and_every_step_of_the_docs_is_told() {
    let mut organization = mapped();
    organization["bypass"] = json!([{"path": "/healthz"}]);
    let case = Case::new(&organization);
    let token = case.token(&["staff", "power"]);
    let mut told = std::collections::BTreeSet::new();
    let mut tell = |explanation: &Value| {
        let steps = explanation["steps"].as_array().unwrap().iter();
        told.extend(steps.map(|step| step["step"].as_str().unwrap().to_owned()));
    };
    case.change_policy(|policy| {
        policy["enforcement"] = json!("shadow");
        policy["unmatched"] = json!("pass");
        let connection = &mut policy["parents"][0]["connections"][0];
        connection["require"] = json!({"email": ["ada@acme.example"]});
        connection["assignment"] = json!({"claim": "groups", "any_of": ["staff"]});
    });
    tell(&case.explain(&token, &[]).json());
    tell(&case.explain(&token, &["--host", "elsewhere.example"]).json());
    case.change_policy(|policy| policy["parents"][0]["connections"][0]["audiences"] = json!(["other"]));
    tell(&case.explain(&token, &[]).json());
    let docs = include_str!("../../../../docs/explain.md");
    let (_, table) = docs.split_once("| step |").unwrap();
    let documented: std::collections::BTreeSet<_> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(told, documented);
}
