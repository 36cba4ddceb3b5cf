//! Filters: what they mean, what is refused, how they are planned.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Filter, Lookup, MAX_LENGTH, Plan};
use crate::scim::error::ScimErrorKind;
use crate::scim::resource::ResourceType::{self, Group, User};

fn user() -> Map<String, Value> {
    let user = json!({
        "id": "u1",
        "externalId": "Ext-1",
        "userName": "Bjensen@acme.example",
        "name": {"familyName": "O'Malley", "givenName": "Bärbel"},
        "title": "",
        "active": true,
        "userType": "Employee",
        "emails": [
            {"value": "b@acme.example", "type": "work", "primary": true},
            {"value": "b@home.example", "type": "home"},
        ],
        "meta": {"lastModified": "2026-01-01T00:00:00Z"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D", "manager": {"value": "m1"}},
    });
    user.as_object().unwrap().clone()
}

#[test]
fn filters_mean_what_the_rfc_says() {
    for (text, expected) in [
        (r#"userName eq "bjensen@ACME.example""#, true),
        (r#"USERNAME Eq "bjensen@acme.example""#, true),
        (r#"userName ne "bjensen@acme.example""#, false),
        (r#"externalId eq "Ext-1""#, true),
        (r#"externalId eq "ext-1""#, false),
        (r#"id eq "U1""#, false),
        (r#"name.familyName co "O'Malley""#, true),
        (r#"name.givenName sw "BÄR""#, true),
        (r#"name.givenName eq "B\u00e4rbel""#, true),
        (r#"userName sw "bj""#, true),
        (r#"userName sw "jensen""#, false),
        (r#"userName ew ".EXAMPLE""#, true),
        (r#"userName ew "acme""#, false),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "B""#, true),
        (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "r&d""#, true),
        (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "m1""#, true),
        ("title pr", false),
        ("nickName pr", false),
        ("name pr", true),
        ("emails pr", true),
        ("nickName eq null", true),
        ("nickName ne null", false),
        ("userName ne null", true),
        (r#"nickName ne "x""#, true),
        ("active eq true", true),
        (r#"active eq "True""#, true),
        ("active ne true", false),
        (r#"meta.lastModified gt "2025-12-31T23:59:59Z""#, true),
        (r#"meta.lastModified ge "2026-01-01T01:00:00+01:00""#, true),
        (r#"meta.lastModified lt "2026-01-01T00:00:00Z""#, false),
        (r#"meta.lastModified le "2026-01-01T00:00:00Z""#, true),
        (r#"userName gt "bjensem""#, true),
        (r#"userName lt "bjensem""#, false),
        (r#"emails co "home.example""#, true),
        (r#"emails.type eq "home""#, true),
        (r#"emails.type ne "home""#, false),
        (r#"emails[type eq "work" and value co "@acme.example"]"#, true),
        (r#"emails[type eq "home" and value co "@acme.example"]"#, false),
        (r#"emails[type eq "work"].value eq "b@acme.example""#, true),
        (r#"emails[type eq "home"].value eq "b@acme.example""#, false),
        (r#"emails[not (type eq "home")]"#, true),
        (r#"title pr and userType eq "Employee" or active eq true"#, true),
        (r#"title pr and (userType eq "Employee" or active eq true)"#, false),
        (r#"active eq true or title pr and title pr"#, true),
        (r#"not (userType eq "Intern")"#, true),
        (r#"NOT(userType eq "Employee")"#, false),
        (r#" ( active eq true )and(userName pr) "#, true),
        (r#"emails.primary eq true"#, true),
    ] {
        let filter = Filter::parse(User, text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(filter.matches(&user()), expected, "{text}");
    }
}

#[test]
fn what_is_no_filter_is_refused() {
    let deep = format!("{}active eq true{}", "(".repeat(17), ")".repeat(17));
    let many = vec!["active eq true"; 65].join(" or ");
    let long = format!("userName eq \"{}\"", "x".repeat(MAX_LENGTH));
    let bomb = "not (".repeat(800);
    for text in [
        "",
        " ",
        "userName",
        "userName eq",
        "userName eq ",
        "userName eq bjensen",
        "userName eq 'bjensen'",
        "userName eq \"x",
        "userName eq \"x\" and",
        "userName eq \"x\" and ",
        "userName eq \"x\" \"y\"",
        "userName eq \"x\" xor active eq true",
        "userName is \"x\"",
        "userName  \"x\"",
        "userName eq\"x\"",
        "nothing eq \"x\"",
        "password eq \"x\"",
        "urn:x:y:z eq \"x\"",
        "userName eq 1",
        "userName eq true",
        "active gt true",
        "active eq \"maybe\"",
        "active co \"t\"",
        "name eq \"x\"",
        "meta.created eq \"yesterday\"",
        "meta.created sw \"2026\"",
        "x509Certificates gt \"x\"",
        "nickName gt null",
        "(active eq true",
        "active eq true)",
        "emails[type eq \"work\"",
        "emails[type eq \"work\"]]",
        "emails[userName eq \"x\"]",
        "emails[value[type pr]]",
        "emails[]",
        "userName[value eq \"x\"]",
        "not active eq true",
        "()",
        &deep,
        &many,
        &long,
        &bomb,
    ] {
        let error = Filter::parse(User, text).expect_err(text);
        assert_eq!(error.kind, ScimErrorKind::InvalidFilter, "{text}");
    }
    let deep = format!("{}active eq true{}", "(".repeat(16), ")".repeat(16));
    assert!(Filter::parse(User, &deep).is_ok());
}

#[test]
fn frequent_filters_are_answered_by_an_index() {
    let cases: &[(ResourceType, &str, Lookup, bool)] = &[
        (User, r#"userName eq "Ada""#, Lookup::UserName("ada".into()), true),
        (User, r#"externalId eq "Ada""#, Lookup::ExternalId("Ada".into()), true),
        (User, r#"id eq "u""#, Lookup::Id("u".into()), true),
        (User, r#"displayName eq "A B""#, Lookup::DisplayName("a b".into()), true),
        (User, r#"emails eq "A@b""#, Lookup::Email("a@b".into()), true),
        (User, r#"emails.value eq "A@b""#, Lookup::Email("a@b".into()), true),
        (User, r#"emails[type eq "work"].value eq "A@b""#, Lookup::Email("a@b".into()), false),
        (User, r#"emails[type eq "work" and value eq "A@b"]"#, Lookup::Email("a@b".into()), false),
        (User, r#"groups eq "g""#, Lookup::InGroup("g".into()), true),
        (User, r#"active eq true and userName eq "a""#, Lookup::UserName("a".into()), false),
        (User, r#"active eq true or userName eq "a""#, Lookup::All, false),
        (User, r#"not (userName eq "a")"#, Lookup::All, false),
        (User, r#"userName ne "a""#, Lookup::All, false),
        (User, r#"userName sw "a""#, Lookup::All, false),
        (User, r#"userName eq null"#, Lookup::All, false),
        (User, r#"userName eq "a\u0000""#, Lookup::Nothing, true),
        (Group, r#"displayName eq "Staff""#, Lookup::DisplayName("staff".into()), true),
        (Group, r#"members eq "u""#, Lookup::Member("u".into()), true),
        (Group, r#"members[value eq "u"]"#, Lookup::Member("u".into()), false),
        (Group, r#"members eq "u" and id eq "g""#, Lookup::Id("g".into()), false),
    ];
    for (kind, text, lookup, exact) in cases {
        let plan = Plan::of(&Filter::parse(*kind, text).unwrap()).unwrap();
        assert_eq!((&plan.lookup, plan.exact), (lookup, *exact), "{text}");
    }
}

#[test]
fn members_are_asked_for_one_by_one() {
    let plan = |text| Plan::of(&Filter::parse(Group, text).unwrap());
    let members = plan(r#"id eq "g" and (members eq "a" or not (members[value eq "b"]))"#).unwrap().members;
    assert_eq!(members.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    for text in ["members pr", r#"members sw "a""#, r#"members.type eq "User""#, "members eq null", "not (members pr)"]
    {
        assert_eq!(plan(text).unwrap_err().kind, ScimErrorKind::InvalidFilter, "{text}");
    }
}

/// Texts that look like filters, more or less.
fn near_filters() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "userName",
        "emails",
        "[",
        "]",
        "(",
        ")",
        "not",
        " ",
        "and",
        "or",
        "eq",
        "pr",
        "co",
        "\"x\"",
        "\"",
        "\\",
        "true",
        "null",
        ".",
        "value",
        "type",
        "urn:",
        ":",
        "é",
        "1",
        "meta.created",
        "\"2026-01-01T00:00:00Z\"",
        "gt",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_panics(text in prop_oneof!["\\PC{0,80}", near_filters()]) {
        for kind in [User, Group] {
            if let Ok(filter) = Filter::parse(kind, &text) {
                filter.matches(&user());
                let _ = Plan::of(&filter);
            }
        }
    }

    /// A look-up may find too much, never too little.
    #[test]
    fn whatever_matches_is_found_by_the_plan(
        name in "[ab]", email in "[ab]", both in any::<bool>(), is in any::<bool>(), wanted in "[abAB]",
    ) {
        let resource = json!({"userName": name, "emails": [{"value": email}], "active": is});
        let text = format!(
            "active eq {is} and emails[value eq \"{wanted}\"] {} userName eq \"{wanted}\"",
            if both { "and" } else { "or" },
        );
        let filter = Filter::parse(User, &text).unwrap();
        let found = match Plan::of(&filter).unwrap().lookup {
            Lookup::All => true,
            Lookup::UserName(wanted) => wanted == name,
            Lookup::Email(wanted) => wanted == email,
            other => panic!("{other:?}"),
        };
        prop_assert!(found || !filter.matches(resource.as_object().unwrap()));
    }
}
