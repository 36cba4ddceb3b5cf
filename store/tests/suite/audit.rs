//! The audit: every change, by whom and by which request; nothing in it changes, and others' is not shown.

use serde_json::{Value, json};

use crate::suite::harness::{
    ACME_ADMIN, ADMIN, FILTER, NEW_YEAR, POLICY, SCIM, Store, assign, ensure, id, leave, login, with,
};

/// The entries about what was done; tokens have theirs beside.
fn audit(store: &Store, token: &str, query: &str) -> Vec<Value> {
    let of_tokens = |entry: &Value| entry["action"].as_str().unwrap().starts_with("token_");
    whole_audit(store, token, query).into_iter().filter(|entry| !of_tokens(entry)).collect()
}

fn whole_audit(store: &Store, token: &str, query: &str) -> Vec<Value> {
    let reply = store.call("GET", &format!("/v1/audit{query}"), token, None);
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json["entries"].as_array().unwrap().clone()
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

/// All entries, once the policy has its own: it is noted beside the requests.
fn with_policy(store: &Store) -> Vec<Value> {
    loop {
        let entries = audit(store, ADMIN, "");
        if actions(&entries).contains(&"policy_in_force") {
            return entries;
        }
        std::thread::yield_now();
    }
}

#[test]
fn each_change_has_an_entry_with_before_and_after_and_its_request() {
    let store = Store::start();
    let added = store.add("manual", &json!({"email": "bea@acme.example", "role": "admin"}));
    let member = id(&added.json);
    let path = format!("/v1/organizations/manual/members/{member}");
    let headers = [("authorization", format!("Bearer {ACME_ADMIN}")), ("x-request-id", "ticket-17".to_owned())];
    let body = ("application/json", json!({"role": "user"}).to_string().into_bytes());
    assert_eq!(store.send("PATCH", &path, &headers, Some(body)).status, 200);
    assert_eq!(store.call("DELETE", &path, ADMIN, None).status, 204);

    let entries = audit(&store, ADMIN, "?organization=manual");
    assert_eq!(actions(&entries), ["member_created", "member_changed", "member_removed"]);
    let changed = &entries[1];
    assert_eq!((&changed["actor"], &changed["actor_name"]), (&json!("administrator"), &json!("acme-it")));
    assert_eq!((&changed["request_id"], &changed["reason"]), (&json!("ticket-17"), &json!("changed by hand")));
    assert_eq!((&changed["parent"], &changed["member"]), (&json!("acme"), &json!(member)));
    assert_eq!((&changed["before"]["role"], &changed["after"]["role"]), (&json!("admin"), &json!("user")));
    assert_eq!((&entries[0]["before"], &entries[0]["after"]["email"]), (&Value::Null, &json!("bea@acme.example")));
    assert_eq!((&entries[2]["before"]["role"], &entries[2]["after"]), (&json!("user"), &Value::Null));
    assert_eq!(entries[0]["at"], "2026-01-01T00:00:00Z");
}

#[test]
fn logins_leave_an_entry_where_they_change_something_and_none_where_not() {
    let store = Store::start();
    for iat in [1, 2] {
        store.answer("jit", &login("bea", iat, ensure()));
        store.clock.advance(3_600);
    }
    let entries = audit(&store, ADMIN, "?organization=jit");
    assert_eq!(actions(&entries), ["member_created"], "the second login moved times alone");
    assert_eq!((&entries[0]["actor"], &entries[0]["reason"]), (&json!("filter"), &json!("ensure")));
    assert_eq!(entries[0]["after"]["subject"], "sub-bea");

    // The last owner is kept by a login that would remove them, and demoted by none: both are noted.
    store.answer("mapped", &login("cy", 1, assign("owner")));
    store.answer("mapped", &login("cy", 2, assign("user")));
    store.answer("mapped", &login("cy", 3, leave()));
    let entries = audit(&store, ADMIN, "?organization=mapped");
    let noted: Vec<_> = entries.iter().map(|entry| (&entry["reason"], &entry["notes"])).collect();
    let kept = json!(["last_owner"]);
    assert_eq!(noted[1..], [(&json!("assign"), &kept), (&json!("no_mapped_group"), &kept)], "{entries:#?}");
    assert_eq!(entries[2]["action"], "member_kept");
    assert_eq!(entries[2]["after"]["email"], "cy@acme.example");
}

#[test]
fn what_is_refused_leaves_no_entry() {
    let store = Store::start();
    assert_eq!(store.add("manual", &json!({"email": "bea@evil.example"})).status, 400);
    assert_eq!(store.add("scim", &json!({"email": "bea@acme.example"})).status, 409);
    assert_eq!(actions(&with_policy(&store)), ["policy_in_force"]);
}

#[test]
fn the_first_use_of_each_token_has_an_entry_and_refusals_have_one_for_all_that_are_alike() {
    let store = Store::start();
    let users = "/scim/v2/acme/Users";
    for _ in 0..25 {
        store.call("GET", "/v1/organizations/jit/members", ADMIN, None);
        store.call("GET", "/v1/organizations/jit/members", "stolen-token-0123456789", None);
        store.call("GET", users, SCIM, None);
        store.call("GET", users, ACME_ADMIN, None);
        store.call("GET", users, "guessed-token-0123456789", None);
        store.call("GET", "/scim/v2/nowhere/Users", SCIM, None);
        store.call("GET", "/v1/organizations/globex-console/members", ACME_ADMIN, None);
        store.call("GET", "/v1/changes", ADMIN, None);
        // Without a token nothing is used.
        store.send("GET", users, &[], None);
    }
    // What is counted is noted at the end, too.
    let store = store.restart();
    let entries = whole_audit(&store, ADMIN, "");
    let of = |action: &str| -> Vec<Value> {
        entries.iter().filter(|entry| entry["action"] == action && entry["request_id"] != "").cloned().collect()
    };
    let who = |entry: &Value| format!("{} {}", entry["actor"].as_str().unwrap(), entry["actor_name"].as_str().unwrap());
    let mut used: Vec<_> = of("token_used").iter().map(who).collect();
    used.sort();
    // The one who reads this may have an entry of their own again: it is another replica's.
    assert!(used.len() <= 4, "{used:?}");
    used.dedup();
    assert_eq!(used, ["administrator acme-it", "administrator root", "directory acme"]);

    let told = |entry: &Value| {
        let (seen, text) = (&entry["after"], |value: &Value| value.as_str().unwrap_or("-").to_owned());
        assert_eq!(seen["attempts"], 25, "{entry}");
        let words = [&seen["opens"], &seen["asked_for"], &seen["token_of"], &seen["token_name"], &entry["parent"]];
        words.map(text).join(" ")
    };
    let mut refused: Vec<_> = of("token_refused").iter().map(told).collect();
    refused.sort();
    assert_eq!(
        refused,
        [
            "administrator acme - - acme",
            "administrator globex administrator acme-it -",
            "directory - directory acme -",
            "directory acme - - acme",
            "directory acme administrator acme-it -",
            "filter - administrator root -",
        ]
    );
    let text = serde_json::to_string(&entries).unwrap();
    for token in [ADMIN, ACME_ADMIN, SCIM, "stolen-token", "guessed-token"] {
        assert!(!text.contains(token), "{text}");
    }
    // Who may see a parent hears of tokens that nobody has, and nothing of others who have one.
    let seen: Vec<_> =
        whole_audit(&store, ACME_ADMIN, "").iter().filter(|e| e["action"] == "token_refused").map(told).collect();
    assert_eq!(seen.len(), 2, "{seen:?}");
}

#[test]
fn an_administrator_of_some_parents_sees_what_concerns_these() {
    let store = Store::start();
    store.answer("jit", &login("bea", 1, ensure()));
    let of_globex = json!({
        "connection": "entra", "issuer": "https://globex.entra.example", "email": "gus@globex.example",
    });
    store.answer("globex-console", &with(&login("gus", 1, ensure()), of_globex));
    assert_eq!(with_policy(&store).len(), 3);
    let seen = audit(&store, ACME_ADMIN, "");
    assert_eq!((seen.len(), &seen[0]["parent"]), (1, &json!("acme")));
    assert!(audit(&store, ACME_ADMIN, "?organization=globex-console").is_empty());
    for token in [FILTER, SCIM, "nobody-s-token-0123456789"] {
        assert_eq!(store.call("GET", "/v1/audit", token, None).status, 401);
    }
}

#[test]
fn pages_neither_lose_nor_repeat_and_what_is_wrong_is_told() {
    let store = Store::start();
    for n in 0..7 {
        store.add("manual", &json!({"email": format!("m{n}@acme.example")}));
        store.clock.advance(10);
    }
    let mut seen = Vec::new();
    let mut query = "?organization=manual&limit=3".to_owned();
    loop {
        let page = store.call("GET", &format!("/v1/audit{query}"), ADMIN, None).json;
        let entries = page["entries"].as_array().unwrap();
        seen.extend(entries.iter().map(|entry| entry["after"]["email"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => query = format!("?organization=manual&limit=3&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, (0..7).map(|n| format!("m{n}@acme.example")).collect::<Vec<_>>());
    let since = NEW_YEAR + 50;
    assert_eq!(audit(&store, ADMIN, &format!("?organization=manual&since={since}")).len(), 2);
    for query in ["?limit=0", "?limit=501", "?cursor=x", "?cursor=-1", "?colour=red", "?since=yesterday"] {
        let reply = store.call("GET", &format!("/v1/audit{query}"), ADMIN, None);
        reply.is_problem(400, "invalid_request");
    }
}

/// One more customer, whom the administrator of acme may see, too; globex not.
const INITECH: &str = r"
- id: initech
  plan: team
  domains: [initech.example]
  connections:
  - {id: ping, issuer: https://initech.ping.example, audiences: [usher], jwks: {uri: https://initech.ping.example/keys, cluster: ping}}
  organizations:
  - {id: initech-console, product: console, hosts: [initech.example], provisioning: {mode: manual}}
";

#[test]
fn what_concerns_several_parents_comes_in_the_order_in_which_it_was_done() {
    let policy = POLICY.replace("parents: [acme]}", "parents: [acme, initech]}") + INITECH.trim_start();
    let store = Store::start_by(&policy);
    let mut done = Vec::new();
    let add = |done: &mut Vec<String>, customer: char| {
        let (organization, domain) = match customer {
            'a' => ("manual", "acme.example"),
            'i' => ("initech-console", "initech.example"),
            _ => ("globex-console", "globex.example"),
        };
        let email = format!("m{}@{domain}", done.len());
        assert_eq!(store.add(organization, &json!({"email": email})).status, 201);
        done.push(email);
        // The clock of another replica may be behind: the order is that of commits.
        store.clock.advance(if done.len().is_multiple_of(4) { 0_u64.wrapping_sub(25) } else { 10 });
    };
    "iiagaiggaaiaagiiiaga".chars().for_each(|customer| add(&mut done, customer));
    for limit in [1, 2, 3, 7, 500] {
        let (mut seen, mut positions) = (Vec::new(), Vec::new());
        let mut cursor = String::new();
        loop {
            let page = store.call("GET", &format!("/v1/audit?limit={limit}{cursor}"), ACME_ADMIN, None).json;
            for entry in page["entries"].as_array().unwrap() {
                seen.push(entry["after"]["email"].as_str().unwrap().to_owned());
                positions.push(entry["position"].as_str().unwrap().parse::<u64>().unwrap());
            }
            assert!(positions.is_sorted_by(|one, next| one < next), "{limit} a page: {positions:?}");
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
            // What is done meanwhile comes at the end.
            if seen.len() == limit {
                "gai".chars().for_each(|customer| add(&mut done, customer));
            }
        }
        let of_theirs: Vec<_> = done.iter().filter(|email| !email.ends_with("@globex.example")).cloned().collect();
        assert_eq!(seen, of_theirs, "{limit} a page");
    }
}

#[test]
fn what_is_older_than_it_is_kept_is_forgotten_and_the_rest_stays() {
    let store = Store::start();
    for n in 0..3 {
        store.add("manual", &json!({"email": format!("m{n}@acme.example")}));
    }
    store.pass(399 * 86_400);
    store.add("manual", &json!({"email": "new@acme.example"}));
    store.pass(2 * 86_400);
    // It is looked at every few seconds, beside the requests.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let entries = audit(&store, ADMIN, "?organization=manual");
        if entries.len() == 1 {
            assert_eq!(entries[0]["after"]["email"], "new@acme.example");
            return;
        }
        assert_eq!(entries.len(), 4, "none but the old ones, and all of them");
        assert!(std::time::Instant::now() < deadline, "the old ones are still there");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn what_happened_since_is_found_though_one_clock_is_ahead_of_another() {
    let store = Store::start();
    with_policy(&store);
    let add = |name: &str| store.add("manual", &json!({"email": format!("{name}@acme.example")}));
    store.clock.advance(1_000_000);
    add("ada");
    store.clock.advance(0_u64.wrapping_sub(40));
    add("bob");
    store.clock.advance(0_u64.wrapping_sub(30));
    add("cyd");
    let since = NEW_YEAR + 1_000_000 - 50;
    let entries = audit(&store, ADMIN, &format!("?organization=manual&since={since}"));
    let emails: Vec<_> = entries.iter().map(|entry| entry["after"]["email"].clone()).collect();
    assert_eq!(emails, [json!("ada@acme.example"), json!("bob@acme.example")]);
    assert_eq!(audit(&store, ADMIN, &format!("?since={}", since + 1_000)).len(), 0);
}
