//! The tickets of strangers: forgotten once they are old, and nothing as old ever comes back as new.

use serde_json::{Value, json};

use super::harness::{NEW_YEAR, Store, ensure, id, login, require, until};

const DAY: u64 = 24 * 60 * 60;

/// Whose tickets are kept.
fn kept(store: &Store) -> String {
    store.database.sql("SELECT subject FROM tickets ORDER BY subject").replace('\n', " ")
}

#[test]
fn the_tickets_of_strangers_are_forgotten_and_nothing_as_old_comes_back_as_new() {
    let store = Store::start();
    let add = |name: &str| id(&store.add("manual", &json!({"email": format!("{name}@acme.example")})).json);
    let answer = |name: &str, iat| store.answer("manual", &login(name, iat, require()));
    let bea = add("bea");
    assert_eq!(answer("bea", 5).0, "member");
    // Of a member the ticket is kept, whatever it revokes.
    store.edit("manual", &bea, &json!({"status": "suspended"}));
    store.edit("manual", &bea, &json!({"status": "active"}));
    for (stranger, iat) in [("ada", 3), ("eva", 5), ("dan", 5 + DAY)] {
        assert_eq!(answer(stranger, iat).0, "absent");
    }
    // Of another organization, and more than are looked at at once.
    let strangers: Vec<_> = (0..1_100).map(|n| format!("('jit', 'i', 's{n}', 1, NULL)")).collect();
    let strangers = strangers.join(", ");
    store
        .database
        .sql(&format!("INSERT INTO tickets (organization, issuer, subject, last_iat, not_before) VALUES {strangers}"));

    store.pass(90 * DAY + 5);
    let left = "sub-bea sub-dan sub-eva";
    until("what is older than 90 days is forgotten", || kept(&store) == left);
    store.pass(DAY);
    let left = "sub-bea sub-dan";
    until("and a day later what is by then", || kept(&store) == left);

    // What is older than the newest that was forgotten provisions nobody, links nobody, and is not kept.
    let subject =
        |name: &str| store.list("manual", &format!("?email={name}@acme.example"))["members"][0]["subject"].clone();
    for name in ["ada", "fay"] {
        add(name);
        assert_eq!(answer(name, 4).0, "absent", "{name}");
        assert_eq!(subject(name), Value::Null, "{name}");
    }
    assert_eq!(kept(&store), left);
    // What may be newer is, and is kept again.
    assert_eq!(answer("ada", 6).0, "member");
    assert_eq!(subject("ada"), "sub-ada");
    assert_eq!(answer("fay", 5).0, "member", "an equal one applies");
    assert_eq!(answer("ada", 5).0, "member", "and is answered from what is stored");
    assert_eq!(kept(&store), format!("sub-ada {left}"));
    assert_eq!((answer("bea", 5).0.as_str(), answer("bea", 6).0.as_str()), ("revoked", "member"));
    // Where nothing as new was forgotten, an assertion may be as old as it is good for.
    for (organization, age) in [("five", 0), ("jit", 0)] {
        assert_eq!(store.answer(organization, &login("gus", age, ensure())).0, "member");
    }
    assert_eq!(
        store.database.sql("SELECT organization, last_iat FROM forgotten_tickets ORDER BY organization"),
        format!("jit|1\nmanual|{}", NEW_YEAR + 5)
    );
}

#[test]
fn of_who_was_removed_the_ticket_is_forgotten_and_what_was_revoked_opens_nothing_ever() {
    let store = Store::start();
    let answer = |name: &str, iat| store.answer("jit", &login(name, iat, ensure())).0;
    let remove = |name: &str| {
        let member = store.list("jit", &format!("?email={name}@acme.example"))["members"][0].clone();
        assert_eq!(store.remove("jit", &id(&member)).status, 204);
    };
    let forgotten =
        || store.database.sql("SELECT last_iat - 1767225600, not_before - 1767225600 FROM forgotten_tickets");
    let stranger = |name: &str, last_iat: u64, not_before: &str| {
        store.database.sql(&format!(
            "INSERT INTO tickets (organization, issuer, subject, last_iat, not_before) \
             VALUES ('jit', 'i', '{name}', {}, {not_before})",
            NEW_YEAR + last_iat,
        ));
    };
    // By the store's clock, which shows 20 and 30.
    for name in ["ada", "bea"] {
        assert_eq!(answer(name, 5), "member");
        store.clock.advance(10);
    }
    remove("ada");
    store.clock.advance(10);
    remove("bea");
    stranger("new", 25, "NULL");
    store.pass(90 * DAY - 2);
    until("of whoever was revoked up to 90 days ago the ticket is forgotten", || kept(&store) == "sub-bea");
    assert_eq!(forgotten(), "25|20");
    for (name, iat) in [("ada", 1), ("ada", 20), ("eva", 20)] {
        assert_eq!(answer(name, iat), "revoked", "{name} {iat}");
    }
    assert_eq!((answer("ada", 24).as_str(), kept(&store).as_str()), ("absent", "sub-bea"), "and nothing is kept of it");
    store.pass(DAY);
    until("and of who was revoked later", || kept(&store).is_empty());
    assert_eq!(forgotten(), "30|30");

    // Nobody comes in, or is made anything, by what was revoked; whoever comes with what is newer is a member again, and
    // that is no end of anybody's sessions.
    store.add("jit", &json!({"email": "ada@acme.example"}));
    let begin = store.changes("").json["position"].as_str().unwrap().to_owned();
    for (name, iat, expected) in [("bea", 30, "revoked"), ("bea", 31, "member"), ("ada", 31, "member")] {
        assert_eq!(answer(name, iat), expected, "{name} {iat}");
    }
    let changes = store.changes(&format!("?after={begin}")).json["changes"].clone();
    let told: Vec<&Value> = changes.as_array().unwrap().iter().map(|change| &change["status"]).collect();
    assert_eq!(told, ["active", "active"]);
    for iat in [1, 20, 30] {
        assert_eq!((answer("bea", iat), answer("ada", iat)), ("revoked".to_owned(), "revoked".to_owned()), "{iat}");
    }
    assert_eq!((answer("bea", 31), answer("ada", 32)), ("member".to_owned(), "member".to_owned()));

    // What is older still, and is forgotten later, moves neither back.
    stranger("old", 1, "NULL");
    stranger("older", 2, "1");
    store.pass(DAY);
    until("they are forgotten", || kept(&store) == "sub-ada sub-bea");
    assert_eq!(forgotten(), "30|30");
    // By then of another newest: what was not revoked does not count as such.
    stranger("newer", 40, "NULL");
    store.pass(DAY);
    until("it is forgotten", || kept(&store) == "sub-ada sub-bea");
    assert_eq!((forgotten().as_str(), answer("eva", 35).as_str()), ("40|30", "absent"));
}

#[test]
fn by_a_clock_that_leaps_ahead_nothing_is_forgotten_for_a_day() {
    let store = Store::start();
    assert_eq!(store.answer("manual", &login("eva", 5, require())).0, "absent");
    store.add("manual", &json!({"email": "ada@acme.example"}));
    let audited = "SELECT count(*) FROM audit WHERE organization = 'manual'";
    let [tickets, entries] = [kept(&store), store.database.sql(audited)];
    store.pass(DAY);
    store.clock.advance(500 * DAY);
    until("the leap is counted", || store.metric("usher_store_clock_leaps_total") == 1);
    // A store that is started again knows of it.
    let store = store.restart();
    store.pass(DAY - 1);
    until("upkeep was there", || store.upkeep_was_there(1));
    assert_eq!([kept(&store), store.database.sql(audited)], [tickets, entries]);
    assert_eq!(store.metric("usher_store_clock_leaps_total"), 0, "it is no other leap");
    store.pass(1);
    until("a day later it is", || kept(&store).is_empty() && store.database.sql(audited) == "0");
}
