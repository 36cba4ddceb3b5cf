//! Logins: every plan and every answer, old tickets, seats, and what stays untouched.

use serde_json::{Value, json};
use usher_policy::wire::{Answer, LoginAnswer};

use crate::suite::harness::{NEW_YEAR, Store, assign, ensure, id, leave, login, require, unassigned, until, with};

#[test]
fn a_jit_login_makes_a_member_with_the_default_role_and_a_seat() {
    let store = Store::start();
    let reply = store.login("jit", &with(&login("bea", 1, ensure()), json!({"name": "Bea"})));
    assert_eq!(reply.status, 200, "{}", reply.text);
    let understood: LoginAnswer = serde_json::from_value(reply.json.clone()).unwrap();
    assert_eq!(understood.answer, Answer::Member);
    let member = &reply.json["member"];
    let expected = json!({
        "id": member["id"], "organization": "jit", "email": "bea@acme.example", "name": "Bea",
        "issuer": "https://acme.okta.example", "subject": "sub-bea", "role": "user", "seat_tier": "premium",
        "status": "active", "source": "jit", "primary_owner": false, "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z", "last_login_at": "2026-01-01T00:00:00Z",
    });
    assert_eq!(*member, expected);
    assert_eq!(store.member("jit", &id(member)).json, expected);
}

#[test]
fn repeating_a_login_answers_the_same_and_writes_nothing() {
    let store = Store::start();
    let bea = login("bea", 1, ensure());
    let first = store.login("jit", &bea);
    // The store writes for itself too, when it has just started: what a login writes, it would write each time.
    until("a known login only reads", || {
        let written = store.metric("usher_store_transactions_total");
        assert_eq!(store.login("jit", &bea).json, first.json);
        store.metric("usher_store_transactions_total") == written
    });

    store.clock.advance(61);
    let later = store.login("jit", &bea);
    assert_eq!(later.json["member"]["last_login_at"], "2026-01-01T00:01:01Z");
    assert_eq!(later.json["position"], first.json["position"], "the time of a login is nothing for the feed");
}

#[test]
fn manual_and_scim_modes_let_in_only_who_is_there() {
    let store = Store::start();
    assert_eq!(store.answer("manual", &login("bea", 1, require())), ("absent".to_owned(), Value::Null));
    assert_eq!(store.answer("scim", &login("bea", 1, require())).0, "absent");
    let added = store.add("manual", &json!({"email": "Bea@acme.example", "role": "admin"}));
    assert_eq!(added.status, 201);

    let (answer, member) = store.answer("manual", &login("bea", 2, require()));
    assert_eq!(answer, "member");
    assert_eq!(member["id"], added.json["id"], "linked by email");
    assert_eq!((&member["role"], &member["subject"]), (&json!("admin"), &json!("sub-bea")));
    let impostor = with(&login("bea", 3, require()), json!({"subject": "sub-other"}));
    assert_eq!(store.answer("manual", &impostor).0, "conflict");
}

#[test]
fn mapped_groups_renew_role_and_tier_and_a_login_without_them_removes() {
    let store = Store::start();
    let (_, member) = store.answer("mapped", &login("bea", 1, assign("user")));
    assert_eq!((&member["role"], &member["seat_tier"]), (&json!("user"), &json!("premium")));
    store.answer("mapped", &login("cyd", 1, assign("admin")));
    let (_, renewed) = store.answer("mapped", &login("bea", 2, assign("admin")));
    assert_eq!((&renewed["role"], &renewed["id"]), (&json!("admin"), &member["id"]));

    let (answer, gone) = store.answer("mapped", &login("bea", 3, leave()));
    assert_eq!((answer.as_str(), &gone), ("removed", &Value::Null));
    assert_eq!(store.emails("mapped", ""), ["cyd@acme.example"]);
    assert_eq!(store.seats("mapped")["tiers"][0], json!({"tier": "premium", "cap": 1, "used": 0}));

    // The old ticket does not bring them back, a newer one does, as a new member.
    assert_eq!(store.answer("mapped", &login("bea", 3, assign("user"))).0, "revoked");
    assert_eq!(store.answer("mapped", &login("bea", 2, assign("user"))).0, "revoked");
    let (answer, again) = store.answer("mapped", &login("bea", 4, assign("user")));
    assert_eq!(answer, "member");
    assert_ne!(again["id"], member["id"]);
}

#[test]
fn an_unassigned_login_removes_in_jit() {
    let store = Store::start();
    store.answer("jit", &login("bea", 1, ensure()));
    assert_eq!(store.answer("jit", &login("bea", 2, unassigned())).0, "removed");
    assert_eq!(store.answer("jit", &login("bea", 3, unassigned())).0, "absent");
    assert!(store.emails("jit", "").is_empty());
}

#[test]
fn removals_by_logins_are_limited_by_the_hour() {
    let store = Store::start();
    let names = ["bea", "cyd", "dan"];
    for name in names {
        store.answer("mapped", &login(name, 1, assign("user")));
    }
    let answers = names.map(|name| store.answer("mapped", &login(name, 2, leave())).0);
    assert_eq!(answers, ["removed", "removed", "kept"]);
    assert_eq!(store.emails("mapped", ""), ["dan@acme.example"]);
    let metrics = store.send("GET", "/metrics", &[], None).text;
    assert!(
        metrics.contains(r#"usher_store_notes_total{organization="mapped",note="removals_limited"} 1"#),
        "{metrics}"
    );

    store.clock.advance(3601);
    assert_eq!(store.answer("mapped", &login("dan", 3, leave())).0, "removed");
}

#[test]
fn the_last_owner_is_kept_by_a_login_that_would_remove_them() {
    let store = Store::start();
    store.answer("mapped", &login("bea", 1, assign("owner")));
    let (answer, _) = store.answer("mapped", &login("bea", 2, leave()));
    assert_eq!(answer, "kept");
    assert_eq!(store.list("mapped", "")["members"][0]["role"], "owner");
}

#[test]
fn the_primary_owner_gets_the_top_role_and_stays() {
    let store = Store::start();
    let (answer, member) = store.answer("mapped", &login("ada", 1, assign("user")));
    assert_eq!((answer.as_str(), &member["role"]), ("member", &json!("owner")));
    assert_eq!(member["primary_owner"], true);
    assert_eq!(store.answer("mapped", &login("ada", 2, leave())).0, "member");
    // It belongs to the member, not to the email: nobody else becomes it.
    let other = with(&login("ada", 3, assign("user")), json!({"subject": "sub-other"}));
    assert_eq!(store.answer("mapped", &other).0, "conflict");
}

#[test]
fn without_a_free_seat_a_login_waits_until_one_is_free() {
    let store = Store::start();
    let tiers: Vec<Value> =
        (0..5).map(|n| store.answer("five", &login(&format!("p{n}"), 1, ensure())).1["seat_tier"].clone()).collect();
    assert_eq!(tiers, ["premium", "premium", "standard", "standard", "standard"]);
    let (answer, waiting) = store.answer("five", &login("late", 1, ensure()));
    assert_eq!(
        (answer.as_str(), &waiting["status"], &waiting["seat_tier"]),
        ("pending", &json!("pending"), &Value::Null)
    );
    assert_eq!(
        store.seats("five"),
        json!({"tiers": [{"tier": "premium", "cap": 2, "used": 2}, {"tier": "standard", "cap": 3, "used": 3}], "pending": 1})
    );

    let holder = id(&store.list("five", "?email=P1@acme.example")["members"][0]);
    assert_eq!(store.remove("five", &holder).status, 204);
    let (answer, seated) = store.answer("five", &login("late", 2, ensure()));
    assert_eq!((answer.as_str(), &seated["seat_tier"], &seated["id"]), ("member", &json!("premium"), &waiting["id"]));
}

#[test]
fn a_suspended_member_is_told_so_and_keeps_the_seat() {
    let store = Store::start();
    let (_, member) = store.answer("five", &login("bea", 1, ensure()));
    assert_eq!(store.edit("five", &id(&member), &json!({"status": "suspended"})).status, 200);
    assert_eq!(store.answer("five", &login("bea", 2, ensure())).0, "suspended");
    assert_eq!(store.seats("five")["tiers"][0]["used"], 1);
    store.edit("five", &id(&member), &json!({"status": "active"}));
    assert_eq!(store.answer("five", &login("bea", 1, ensure())).0, "revoked", "the suspension ended old tickets");
    assert_eq!(store.answer("five", &login("bea", 2, ensure())).0, "member");
}

#[test]
fn an_older_ticket_writes_nothing() {
    let store = Store::start();
    store.answer("mapped", &login("bea", 5, assign("admin")));
    let (answer, member) = store.answer("mapped", &login("bea", 4, assign("user")));
    assert_eq!((answer.as_str(), &member["role"]), ("member", &json!("admin")));
    store.answer("mapped", &login("bea", 4, leave()));
    assert_eq!(store.emails("mapped", ""), ["bea@acme.example"]);
}

#[test]
fn a_preview_decides_and_writes_nothing() {
    let store = Store::start();
    let before = store.login("jit", &login("ada", 1, ensure())).json["position"].clone();
    let preview = with(&login("bea", 9, ensure()), json!({"preview": true}));
    let reply = store.login("jit", &preview);
    assert_eq!((&reply.json["answer"], &reply.json["position"]), (&json!("member"), &before));
    assert_eq!(store.emails("jit", ""), ["ada@acme.example"]);
    // Not even the ticket moved: an older login still provisions.
    assert_eq!(store.answer("jit", &login("bea", 2, ensure())).0, "member");
    let preview = with(&login("bea", 9, unassigned()), json!({"preview": true}));
    assert_eq!(store.answer("jit", &preview).0, "removed");
    assert_eq!(store.emails("jit", "?email=bea@acme.example"), ["bea@acme.example"]);
}

#[test]
fn a_new_email_of_a_known_identity_is_followed_unless_it_is_anothers() {
    let store = Store::start();
    let (_, bea) = store.answer("jit", &login("bea", 1, ensure()));
    store.answer("jit", &login("cyd", 1, ensure()));
    let renamed = with(&login("bea", 2, ensure()), json!({"email": "bee@acme.example"}));
    let (_, member) = store.answer("jit", &renamed);
    assert_eq!((&member["id"], &member["email"]), (&bea["id"], &json!("bee@acme.example")));
    let taken = with(&login("bea", 3, ensure()), json!({"email": "cyd@acme.example"}));
    let (answer, member) = store.answer("jit", &taken);
    assert_eq!((answer.as_str(), &member["email"]), ("member", &json!("bee@acme.example")));
}

#[test]
fn every_change_that_sessions_must_know_of_moves_the_position() {
    let store = Store::start();
    let position = |login: &Value| store.login("mapped", login).json["position"].as_str().unwrap().to_owned();
    let made = position(&login("bea", 1, assign("user")));
    let promoted = position(&login("bea", 2, assign("admin")));
    let same = position(&login("bea", 3, assign("admin")));
    let removed = position(&login("bea", 4, leave()));
    let numbers = [&made, &promoted, &same, &removed].map(|position| position.rsplit_once('-').unwrap().1.to_owned());
    assert_eq!(numbers, ["1", "2", "2", "3"]);
    let database = made.split('-').next().unwrap();
    assert!(database.len() >= 32);
    assert!(removed.starts_with(database));
    let other = Store::start().login("mapped", &login("bea", 1, assign("user"))).json["position"].clone();
    assert_ne!(other.as_str().unwrap(), made, "another database has another name");
}

#[test]
fn a_login_that_the_stores_policy_could_not_give_is_a_mismatch() {
    let store = Store::start();
    let good = login("bea", 1, ensure());
    for (what, organization, login) in [
        ("plan of another mode", "jit", with(&good, json!({"plan": require()}))),
        ("plan of another mode", "manual", with(&good, json!({"plan": ensure()}))),
        ("not the default role", "jit", with(&good, json!({"plan": {"do": "ensure", "role": "owner"}}))),
        ("unmapped role", "mapped", with(&good, json!({"plan": {"do": "assign", "role": "root"}}))),
        (
            "unmapped tier",
            "mapped",
            with(&good, json!({"plan": {"do": "assign", "role": "user", "seat_tier": "standard"}})),
        ),
        ("another reason", "jit", with(&good, json!({"plan": {"do": "remove", "reason": "expired"}}))),
        ("mapping's reason", "jit", with(&good, json!({"plan": leave()}))),
        ("unknown connection", "jit", with(&good, json!({"connection": "nope"}))),
        (
            "another parent's connection",
            "jit",
            with(&good, json!({"connection": "entra", "issuer": "https://globex.entra.example"})),
        ),
        (
            "a connection the organization does not list",
            "manual",
            with(
                &good,
                json!({"connection": "labs", "issuer": "https://labs.okta.example", "email": "b@acme-labs.example", "plan": require()}),
            ),
        ),
        ("another issuer", "jit", with(&good, json!({"issuer": "https://evil.example"}))),
        ("foreign domain", "jit", with(&good, json!({"email": "bea@evil.example"}))),
        (
            "another connection's domain",
            "jit",
            with(&good, json!({"connection": "labs", "issuer": "https://labs.okta.example"})),
        ),
    ] {
        let reply = store.login(organization, &login);
        assert_eq!((reply.status, &reply.json["code"]), (409, &json!("policy_mismatch")), "{what}: {}", reply.text);
        reply.is_problem(409, "policy_mismatch");
        assert!(store.emails(organization, "").is_empty(), "{what}");
    }
    let metrics = store.send("GET", "/metrics", &[], None).text;
    assert!(metrics.contains(r#"usher_store_policy_mismatches_total{organization="manual"} 2"#), "{metrics}");
    assert_eq!(store.login("jit", &good).status, 200);
}

#[test]
fn a_nul_that_no_database_need_keep_turns_nobody_away() {
    let store = Store::start();
    let (answer, member) = store.answer("jit", &with(&login("bea", 1, ensure()), json!({"name": "B\u{0}ea"})));
    assert_eq!((answer.as_str(), &member["name"]), ("member", &json!("Bea")));
    store.add("manual", &json!({"email": "c@acme.example", "name": "C\u{0}"})).is_problem(400, "invalid_request");
}

#[test]
fn a_malformed_login_is_refused() {
    let store = Store::start();
    let good = login("bea", 1, ensure());
    for changes in [
        json!({"surprise": 1}),
        json!({"plan": {"do": "ensure", "role": "user", "surprise": 1}}),
        json!({"plan": {"do": "obey"}}),
        json!({"plan": null}),
        json!({"subject": null}),
        json!({"subject": ""}),
        json!({"subject": "s".repeat(256)}),
        json!({"subject": "a\u{0}b"}),
        json!({"email": "no-email"}),
        json!({"email": "a@b@acme.example"}),
        json!({"name": "n".repeat(257)}),
        json!({"external_id": "x".repeat(257)}),
        json!({"external_id": "a\u{0}b"}),
        json!({"issued_at": -1}),
        json!({"issued_at": 1.5}),
        json!({"issued_at": u64::MAX}),
        json!({"issued_at": "now"}),
        json!({"preview": "yes"}),
    ] {
        let reply = store.login("jit", &with(&good, changes.clone()));
        assert_eq!(reply.status, 400, "{changes}: {}", reply.text);
        reply.is_problem(400, "invalid_request");
    }
    assert!(store.emails("jit", "").is_empty());
    assert_eq!(good["issued_at"], NEW_YEAR + 1);
}
