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
    add("bea");
    assert_eq!(answer("bea", 5).0, "member");
    let cyd = add("cyd");
    answer("cyd", 5);
    assert_eq!(store.remove("manual", &cyd).status, 204);
    for (stranger, iat) in [("ada", 3), ("eva", 5), ("dan", 5 + DAY)] {
        assert_eq!(answer(stranger, iat).0, "absent");
    }
    // Of another organization, and more than are looked at at once.
    let strangers: Vec<_> = (0..1_100).map(|n| format!("('jit', 'i', 's{n}', 1, NULL)")).collect();
    let strangers = strangers.join(", ");
    store
        .database
        .sql(&format!("INSERT INTO tickets (organization, issuer, subject, last_iat, not_before) VALUES {strangers}"));

    store.clock.advance(90 * DAY + 5);
    let left = "sub-bea sub-cyd sub-dan sub-eva";
    until("what is older than 90 days is forgotten", || kept(&store) == left);
    store.clock.advance(DAY);
    let left = "sub-bea sub-cyd sub-dan";
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
    // Members and those who were removed are known as before.
    assert_eq!((answer("bea", 1).0.as_str(), answer("cyd", 5).0.as_str()), ("member", "revoked"));
    // Where nothing as new was forgotten, an assertion may be as old as it is good for.
    for (organization, age) in [("five", 0), ("jit", 0)] {
        assert_eq!(store.answer(organization, &login("gus", age, ensure())).0, "member");
    }
    assert_eq!(
        store.database.sql("SELECT organization, last_iat FROM forgotten_tickets ORDER BY organization"),
        format!("jit|1\nmanual|{}", NEW_YEAR + 5)
    );
}
