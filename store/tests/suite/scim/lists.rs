//! Lists: filters, pages, attributes.

use serde_json::{Value, json};

use super::{Directory, GROUP, USER, id};

fn names(list: &Value) -> Vec<&str> {
    let resources = list["Resources"].as_array().unwrap().iter();
    resources.map(|resource| resource["userName"].as_str().or(resource["displayName"].as_str()).unwrap()).collect()
}

#[test]
fn pages_follow_each_other_whatever_was_deleted() {
    let directory = Directory::start();
    let users: Vec<_> = (0..25).map(|n| directory.user(&format!("u{n:02}"))).collect();
    for n in [0, 3, 4, 24] {
        directory.expect(204, "DELETE", &format!("/Users/{}", users[n]), None);
    }
    let mut seen = Vec::new();
    for start in [1, 8, 15, 22] {
        let list = directory.expect(200, "GET", &format!("/Users?startIndex={start}&count=7"), None);
        assert_eq!((&list["totalResults"], &list["startIndex"]), (&json!(21), &json!(start)));
        let page = names(&list);
        assert_eq!(list["itemsPerPage"], json!(page.len()));
        seen.extend(page.into_iter().map(str::to_owned));
    }
    let expected = (0..25).filter(|n| ![0, 3, 4, 24].contains(n)).map(|n| format!("u{n:02}@acme.example"));
    assert_eq!(seen, expected.collect::<Vec<_>>());
    for (query, count) in [("count=0", 0), ("count=-3", 0), ("startIndex=-1&count=2", 2), ("startIndex=99", 0)] {
        let list = directory.expect(200, "GET", &format!("/Users?{query}"), None);
        assert_eq!((names(&list).len(), &list["totalResults"]), (count, &json!(21)), "{query}");
    }
}

#[test]
fn filters_find_by_index_and_without() {
    let directory = Directory::start();
    let ada = directory.user("ada");
    let bea = directory.user("bea");
    let gauss = json!({
        "schemas": [USER], "userName": "Gauß", "displayName": "Carl Gauß", "active": false,
        "emails": [{"value": "Carl@Acme.example", "type": "work"}, {"value": "c@home.example", "type": "home"}],
    });
    directory.expect(201, "POST", "/Users", Some(gauss));
    let staff = directory.group("Staff", &[&ada, &bea]);
    let owners = directory.group("Owners", &[&ada]);
    let (a, b, g) = ("ada@acme.example", "bea@acme.example", "Gauß");
    let id_of_ada = format!("id eq \"{ada}\"");
    let in_staff = format!("groups eq \"{staff}\"");
    let in_both = format!("groups.value eq \"{staff}\" and groups[value eq \"{owners}\"]");
    for (filter, expected) in [
        ("userName eq \"ADA@acme.example\"", vec![a]),
        ("userName eq \"GAUß\"", vec![g]),
        ("displayName eq \"carl gauß\"", vec![g]),
        ("externalId eq \"bea\"", vec![b]),
        ("externalId eq \"BEA\"", vec![]),
        (&id_of_ada, vec![a]),
        ("id eq \"nobody\"", vec![]),
        ("emails eq \"carl@acme.example\"", vec![g]),
        ("emails.value eq \"carl@acme.example\"", vec![g]),
        ("emails[type eq \"home\" and value eq \"carl@acme.example\"]", vec![]),
        ("emails[type eq \"home\"].value sw \"C@\"", vec![g]),
        ("active eq true", vec![a, b]),
        ("active eq false or userName sw \"a\"", vec![a, g]),
        ("not (active eq true)", vec![g]),
        ("userName co \"acme\" and not (userName sw \"ada\")", vec![b]),
        ("meta.created ge \"2026-01-01T00:00:00Z\"", vec![a, b, g]),
        ("meta.created gt \"2026-01-01T00:00:00Z\"", vec![]),
        ("displayName pr", vec![g]),
        (&in_staff, vec![a, b]),
        (&in_both, vec![a]),
        ("groups.display co \"TAF\"", vec![a, b]),
        ("groups pr", vec![a, b]),
    ] {
        let search = json!({"filter": filter});
        let list = directory.expect(200, "POST", "/Users/.search", Some(search));
        assert_eq!(names(&list), expected, "{filter}");
        assert_eq!(list["totalResults"], json!(expected.len()), "{filter}");
        let second = json!({"filter": filter, "startIndex": 2, "count": 1});
        let list = directory.expect(200, "POST", "/Users/.search", Some(second));
        assert_eq!(names(&list), expected.iter().skip(1).take(1).copied().collect::<Vec<_>>(), "{filter}");
        assert_eq!(list["totalResults"], json!(expected.len()), "{filter}");
    }
    let has_ada = format!("members eq \"{ada}\"");
    let only_bea = format!("members eq \"{bea}\" and not (id eq \"{owners}\")");
    let without = format!("members ne \"{bea}\"");
    for (filter, expected) in [
        (&*has_ada, vec!["Staff", "Owners"]),
        (&only_bea, vec!["Staff"]),
        (&without, vec!["Owners"]),
        ("displayName eq \"staff\"", vec!["Staff"]),
        ("displayName sw \"o\"", vec!["Owners"]),
        ("members eq \"nobody\"", vec![]),
    ] {
        let list = directory.expect(200, "POST", "/Groups/.search", Some(json!({"filter": filter})));
        assert_eq!(names(&list), expected, "{filter}");
    }
}

#[test]
fn attributes_are_shown_as_asked() {
    let directory = Directory::start();
    let ada = directory.user("ada");
    let staff = directory.group("staff", &[&ada]);
    let base = format!("http://{}/scim/v2/acme", directory.store.address);
    let user = directory.expect(200, "GET", &format!("/Users/{ada}"), None);
    let group =
        json!([{"value": staff, "$ref": format!("{base}/Groups/{staff}"), "display": "staff", "type": "direct"}]);
    assert_eq!(user["groups"], group);
    let member = json!([{"value": ada, "$ref": format!("{base}/Users/{ada}"), "type": "User"}]);
    assert_eq!(directory.expect(200, "GET", &format!("/Groups/{staff}"), None)["members"], member);

    let only = json!({"schemas": [USER], "id": ada, "userName": "ada@acme.example"});
    assert_eq!(directory.expect(200, "GET", &format!("/Users/{ada}?attributes=userName"), None), only);
    let list = directory.expect(200, "GET", "/Users?attributes=userName", None);
    assert_eq!(list["Resources"], json!([only]));
    let without = directory.expect(200, "GET", "/Users?excludedAttributes=groups,meta,emails,externalId,active", None);
    assert_eq!(without["Resources"], json!([only]));
    for path in
        [format!("/Groups/{staff}?excludedAttributes=members"), format!("/Groups/{staff}?attributes=meta.version")]
    {
        assert_eq!(directory.expect(200, "GET", &path, None).get("members"), None, "{path}");
    }
    // An answer to a change shows as much as is asked for, too.
    let new = json!({"schemas": [USER], "userName": "bea", "title": "x"});
    let shown = directory.expect(201, "POST", "/Users?attributes=title", Some(new));
    assert_eq!(shown, json!({"schemas": [USER], "id": id(&shown), "title": "x"}));
}

#[test]
fn lists_of_large_groups_are_cut_short_but_never_empty() {
    let directory = Directory::start();
    let users: Vec<_> = (0..3).map(|n| directory.user(&format!("u{n}"))).collect();
    for name in ["one", "two", "three"] {
        let group = json!({"schemas": [GROUP], "displayName": name, "members": users});
        directory.expect(201, "POST", "/Groups", Some(group));
    }
    // As if the groups were large.
    directory.store.database.sql("UPDATE directory_groups SET members = 15000");
    let list = directory.expect(200, "GET", "/Groups", None);
    assert_eq!((names(&list), &list["totalResults"], &list["itemsPerPage"]), (vec!["one"], &json!(3), &json!(1)));
    let rest = directory.expect(200, "GET", "/Groups?startIndex=2&excludedAttributes=members", None);
    assert_eq!(names(&rest), ["two", "three"]);
}
