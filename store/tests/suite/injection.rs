//! What would be SQL if it were ever put into a statement: in every field, query and path it is a value and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::harness::{ADMIN, FILTER, Reply, SCIM, Store, assign, ensure, id, leave, login, require, with};
use super::scim::{GROUP, USER};

/// For either database, and for a quotation mark of either kind that is or is not escaped.
const HOSTILE: [&str; 14] = [
    "' OR 1=1 --",
    "' OR '1'='1",
    "x' OR 'x' LIKE '%",
    "') OR ('1'='1",
    "\" OR \"\"=\"",
    "\\' OR 1=1 --",
    "'; DELETE FROM members; --",
    "'); DELETE FROM directory_users; --",
    "' UNION SELECT email FROM members --",
    "'||(SELECT email FROM members LIMIT 1)||'",
    "1; SELECT pg_sleep(10) --",
    "%",
    "$1",
    "?1 :a $2",
];

/// What is there before anybody tries.
struct Victims {
    store: Store,
    member: String,
    user: String,
    group: String,
    rows: BTreeSet<String>,
}

const TABLES: [&str; 7] = [
    "members",
    "tickets",
    "directory_users",
    "directory_groups",
    "directory_group_members",
    "directory_emails",
    "audit",
];

impl Victims {
    fn there() -> Self {
        let store = Store::start();
        let member = store.add("manual", &json!({"email": "victim@acme.example", "name": "V"}));
        store.answer("jit", &login("victim", 1, ensure()));
        store.answer("mapped", &login("victim", 1, assign("user")));
        let user = json!({"schemas": [USER], "userName": "victim", "externalId": "v-1", "emails": [{"value": "v@acme.example"}]});
        let user = call(&store, "POST", "/scim/v2/acme/Users", Some(&user));
        let user = id(&user.json);
        let group = json!({"schemas": [GROUP], "displayName": "victims", "members": [{"value": user}]});
        let group = id(&call(&store, "POST", "/scim/v2/acme/Groups", Some(&group)).json);
        let mut victims = Self { member: id(&member.json), store, user, group, rows: BTreeSet::new() };
        victims.rows = victims.rows();
        assert!(victims.rows.len() > 12, "{:?}", victims.rows);
        victims
    }

    /// All that is stored, past the store.
    fn rows(&self) -> BTreeSet<String> {
        let of = |table: &str| {
            let rows = self.store.database.sql(&format!("SELECT * FROM {table}"));
            rows.lines().map(|row| format!("{table}: {row}")).collect::<Vec<_>>()
        };
        TABLES.iter().flat_map(|table| of(table)).collect()
    }

    /// Asks, and expects an answer that tells of nobody, from a store that is well.
    #[track_caller]
    fn tells_nothing(&self, method: &str, path: &str, body: Option<&Value>) {
        let reply = call(&self.store, method, path, body);
        assert!(
            matches!(reply.status, 200 | 400 | 401 | 404 | 410),
            "{method} {path}: {} {}",
            reply.status,
            reply.text
        );
        for secret in ["victim", "v@acme.example", self.member.as_str(), self.user.as_str(), self.group.as_str()] {
            let asked = path.contains(secret) || body.is_some_and(|body| body.to_string().contains(secret));
            assert!(asked || !reply.text.contains(secret), "{method} {path} {body:?}: {}", reply.text);
        }
    }

    /// Whoever was there still is, as they were.
    #[track_caller]
    fn are_as_they_were(&self, tried: &str) {
        let now = self.rows();
        let changed: Vec<_> = self.rows.difference(&now).collect();
        assert!(changed.is_empty(), "{tried}: {changed:?}");
    }
}

/// With the token that the route wants.
fn call(store: &Store, method: &str, path: &str, body: Option<&Value>) -> Reply {
    let token = match path {
        _ if path.starts_with("/scim/") => SCIM,
        _ if path.contains("/logins") || path.starts_with("/v1/changes") => FILTER,
        _ => ADMIN,
    };
    store.call(method, path, token, body)
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The same where no spaces may be, as in an email.
fn without_spaces(text: &str) -> String {
    text.replace(' ', "/**/")
}

#[test]
fn in_a_path_or_a_query_it_finds_nobody() {
    let victims = Victims::there();
    for hostile in HOSTILE {
        let (raw, hostile) = (hostile, escaped(hostile));
        let members = "/v1/organizations/manual/members";
        for path in [
            format!("/v1/organizations/{hostile}/members"),
            format!("/v1/organizations/{hostile}/seats"),
            format!("{members}/{hostile}"),
            format!("{members}?email={hostile}"),
            format!("{members}?email={}@acme.example", escaped(&without_spaces(raw))),
            format!("{members}?role={hostile}"),
            format!("{members}?status={hostile}"),
            format!("{members}?cursor={hostile}"),
            format!("{members}?limit={hostile}"),
            format!("/v1/audit?organization={hostile}"),
            format!("/v1/audit?organization=manual&member={hostile}"),
            format!("/v1/audit?parent={hostile}"),
            format!("/v1/audit?since={hostile}"),
            format!("/v1/audit?cursor={hostile}"),
            format!("/v1/changes?after={hostile}"),
            format!("/v1/changes?limit={hostile}"),
            format!("/scim/v2/{hostile}/Users"),
            format!("/scim/v2/acme/Users/{hostile}"),
            format!("/scim/v2/acme/Groups/{hostile}"),
            format!("/scim/v2/acme/Users?startIndex={hostile}"),
            format!("/scim/v2/acme/Users?count={hostile}"),
            format!("/scim/v2/acme/Users?filter={hostile}"),
        ] {
            victims.tells_nothing("GET", &path, None);
        }
        for path in [
            format!("{members}/{hostile}"),
            format!("/scim/v2/acme/Users/{hostile}"),
            format!("/scim/v2/acme/Groups/{hostile}"),
        ] {
            victims.tells_nothing("DELETE", &path, None);
            victims.tells_nothing("PATCH", &path, Some(&json!({"status": "suspended", "Operations": []})));
        }
        victims.tells_nothing("POST", &format!("/v1/parents/{hostile}/sync"), Some(&json!({})));
        for (kind, attributes) in [
            (
                "Users",
                &[
                    "userName",
                    "externalId",
                    "id",
                    "emails",
                    "emails.value",
                    "displayName",
                    "name.familyName",
                    "groups.value",
                    "title",
                ][..],
            ),
            ("Groups", &["displayName", "externalId", "id", "members.value"][..]),
        ] {
            for attribute in attributes {
                let filter = format!("{attribute} eq {}", json!(raw));
                victims.tells_nothing("GET", &format!("/scim/v2/acme/{kind}?filter={}", escaped(&filter)), None);
                let search = json!({"filter": format!("{filter} and {filter}")});
                victims.tells_nothing("POST", &format!("/scim/v2/acme/{kind}/.search"), Some(&search));
            }
        }
        victims.are_as_they_were(raw);
    }
}

#[test]
fn in_a_field_it_is_kept_as_it_came_and_found_by_it_alone() {
    let victims = Victims::there();
    let store = &victims.store;
    for (n, hostile) in HOSTILE.into_iter().enumerate() {
        let headers = [("authorization", format!("Bearer {ADMIN}")), ("x-request-id", hostile.to_owned())];
        let email = format!("{}@acme.example", without_spaces(hostile));
        let added = json!({"email": email, "name": hostile}).to_string().into_bytes();
        let path = "/v1/organizations/manual/members";
        let added = store.send("POST", path, &headers, Some(("application/json", added)));
        assert_eq!((added.status, &added.json["name"]), (201, &json!(hostile)), "{}", added.text);
        let found = store.list("manual", &format!("?email={}", escaped(&email)));
        assert_eq!(found["members"], json!([added.json]), "{hostile}");
        let member = id(&added.json);
        for field in ["role", "seat_tier", "status"] {
            let reply = store.edit("manual", &member, &json!({field: hostile}));
            assert_eq!(reply.status, 400, "{field}: {}", reply.text);
        }
        assert_eq!(store.remove("manual", &member).status, 204, "{hostile}");

        // As a login says it: of these, only what the policy knows is more than a value.
        let person = json!({"subject": hostile, "email": email, "name": hostile, "external_id": hostile});
        let person = with(&login("x", 1, ensure()), person);
        let (answer, member) = store.answer("jit", &person);
        assert_eq!(
            (answer.as_str(), &member["subject"], &member["name"]),
            ("member", &json!(hostile), &json!(hostile))
        );
        assert_eq!(store.answer("jit", &person).1["id"], member["id"], "found again");
        assert_eq!(store.answer("manual", &with(&person, json!({"plan": require()}))).0, "absent", "{hostile}");
        for (field, value) in [("connection", json!(hostile)), ("issuer", json!(hostile)), ("plan", assign(hostile))] {
            let reply = store.login("mapped", &with(&person, json!({field: value})));
            assert_eq!(reply.status, 409, "{field}: {}", reply.text);
        }
        store.answer("mapped", &with(&person, json!({"plan": leave()})));

        // And as a directory does.
        let key = format!("{hostile}{n}");
        let user = json!({
            "schemas": [USER], "userName": key, "externalId": key, "displayName": hostile, "title": hostile,
            "name": {"familyName": hostile}, "emails": [{"value": email, "type": hostile}],
        });
        let user = call(store, "POST", "/scim/v2/acme/Users", Some(&user));
        assert_eq!((user.status, &user.json["userName"]), (201, &json!(key)), "{}", user.text);
        let its_id = id(&user.json);
        let group = json!({"schemas": [GROUP], "displayName": key, "externalId": key, "members": [{"value": its_id}]});
        let group = call(store, "POST", "/scim/v2/acme/Groups", Some(&group));
        assert_eq!((group.status, &group.json["displayName"]), (201, &json!(key)), "{}", group.text);
        for (kind, attribute, value, found) in [
            ("Users", "userName", &key, &its_id),
            ("Users", "externalId", &key, &its_id),
            ("Users", "emails.value", &email, &its_id),
            ("Groups", "displayName", &key, &id(&group.json)),
            ("Groups", "externalId", &key, &id(&group.json)),
        ] {
            let filter = escaped(&format!("{attribute} eq {}", json!(value)));
            let list = call(store, "GET", &format!("/scim/v2/acme/{kind}?filter={filter}"), None).json;
            assert_eq!(
                (&list["totalResults"], &list["Resources"][0]["id"]),
                (&json!(1), &json!(found)),
                "{attribute}: {list}"
            );
        }
        let patch = |path: &str, value: Value| {
            let operation = json!({"op": "replace", "path": path, "value": value});
            call(store, "PATCH", &format!("/scim/v2/acme/Users/{its_id}"), Some(&json!({"Operations": [operation]})))
        };
        let by_value = patch(&format!("emails[type eq {}].value", json!(hostile)), json!(format!("n{email}")));
        assert_eq!((by_value.status, &by_value.json["emails"][0]["value"]), (200, &json!(format!("n{email}"))));
        assert_eq!(patch("nickName", json!(hostile)).json["nickName"], json!(hostile));
        let stranger = json!({"op": "add", "path": "members", "value": [{"value": hostile}]});
        let path = format!("/scim/v2/acme/Groups/{}", id(&group.json));
        let reply = call(store, "PATCH", &path, Some(&json!({"Operations": [stranger]})));
        assert!(matches!(reply.status, 200 | 204 | 400 | 404), "{}", reply.text);
        assert_eq!(call(store, "DELETE", &path, None).status, 204);
        assert_eq!(call(store, "DELETE", &format!("/scim/v2/acme/Users/{its_id}"), None).status, 204);
        victims.are_as_they_were(hostile);
    }
}
