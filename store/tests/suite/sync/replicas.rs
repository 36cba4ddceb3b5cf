//! Who may sync, and that one does at a time, by the policy that is in force.

use serde_json::{Value, json};

use super::{counts, named, switched, sync, with_policy};
use crate::suite::database::on_postgres;
use crate::suite::harness::{ACME_ADMIN, ADMIN, FILTER, NEW_YEAR, SCIM, Store, config, ensure, login, until};
use crate::suite::scim::{DIRECTORIES, Directory};

#[test]
fn a_token_opens_the_parents_it_is_for_and_nothing_else() {
    let store = Store::start();
    let status = |parent: &str, token: &str, query: &str| {
        store.call("POST", &format!("/v1/parents/{parent}/sync{query}"), token, None)
    };
    assert_eq!(status("acme", ACME_ADMIN, "?preview=true").status, 200);
    assert_eq!(status("globex", ADMIN, "?preview=true").status, 200);
    status("globex", ACME_ADMIN, "?preview=true").is_problem(404, "parent_not_found");
    status("nobody", ADMIN, "").is_problem(404, "parent_not_found");
    for token in ["", FILTER, SCIM, "wrong-token-0123456789"] {
        status("acme", token, "?preview=true").is_problem(401, "unauthorized");
        status("nobody", token, "").is_problem(401, "unauthorized");
    }
    for query in ["?preview=yes", "?previw=true", "?preview=true&preview=true", "?confirm=1"] {
        status("acme", ADMIN, query).is_problem(400, "invalid_request");
    }
    assert_eq!(store.call("GET", "/v1/parents/acme/sync", ADMIN, None).status, 405);
    let with_body = |body: Value| store.call("POST", "/v1/parents/acme/sync?preview=true", ADMIN, Some(&body));
    assert_eq!(with_body(json!({})).status, 200);
    with_body(json!({"preview": true})).is_problem(400, "invalid_request");
    with_body(json!("x".repeat(100_000))).is_problem(400, "invalid_request");

    let parents = |token: &str| store.call("GET", "/v1/parents", token, None);
    let acme = json!({"id": "acme", "organizations": ["manual", "jit", "mapped", "five", "by-id", "scim"]});
    let globex = json!({"id": "globex", "organizations": ["globex-console"]});
    assert_eq!(parents(ADMIN).json, json!({"parents": [acme, globex]}));
    assert_eq!(parents(ACME_ADMIN).json, json!({"parents": [acme]}));
    parents(FILTER).is_problem(401, "unauthorized");
}

#[test]
fn one_syncs_at_a_time_and_who_died_is_not_waited_for_for_ever() {
    let directory = Directory::start();
    let until = NEW_YEAR + 30;
    directory.store.database.sql(&format!("INSERT INTO syncs (parent, holder, until) VALUES ('acme', 'x', {until})"));
    sync(&directory, "").is_problem(409, "sync_under_way");
    assert_eq!(sync(&directory, "?preview=true").status, 200, "a preview asks for no right");
    let globex = directory.store.call("POST", "/v1/parents/globex/sync", ADMIN, None);
    assert_eq!(globex.status, 200, "another parent's: {}", globex.text);
    directory.store.clock.advance(30);
    assert_eq!(sync(&directory, "").status, 200);
    assert_eq!(directory.store.database.sql("SELECT count(*) FROM syncs"), "0", "given back");
}

#[test]
fn a_store_with_another_policy_than_the_one_in_force_serves_but_never_syncs() {
    let directory = Directory::start();
    directory.store.answer("jit", &login("dot", 1, ensure()));
    // Another replica has put another policy in force since.
    directory.store.database.sql("UPDATE policy_in_force SET digest = 'another'");
    sync(&directory, "").is_problem(409, "another_policy");
    assert_eq!(sync(&directory, "?preview=true").status, 200);
    assert_eq!(directory.store.answer("jit", &login("dot", 2, ensure())).0, "member");
    assert_eq!(directory.store.database.sql("SELECT count(*) FROM syncs"), "0");
    let directory = with_policy(directory, DIRECTORIES);
    assert_eq!(sync(&directory, "").status, 200, "put in force again");
}

#[test]
fn the_policy_that_was_put_in_force_last_is_the_one_that_syncs() {
    if !on_postgres() {
        // One store has a SQLite file for itself.
        return;
    }
    let directory = Directory::start();
    directory.store.answer("jit", &login("dot", 1, ensure()));
    let newer = {
        let database = std::sync::Arc::clone(&directory.store.database);
        let config = config(&database.address(), &switched());
        Directory { store: Store::start_with(config, database, NEW_YEAR) }
    };
    until("the newer policy is noted", || sync(&newer, "?preview=true").status == 200);
    sync(&directory, "").is_problem(409, "another_policy");
    assert_eq!(named(&sync(&newer, ""), "jit"), ["remove dot@acme.example"]);
}

#[test]
fn replicas_that_sync_at_once_remove_nobody_twice() {
    let directory = Directory::start();
    for user in 0..40 {
        directory.user(&format!("u{user}"));
    }
    for name in ["ada", "bob"] {
        directory.store.answer("jit", &login(name, 1, ensure()));
    }
    let directory = with_policy(directory, &switched());
    let others: Vec<_> = (0..if on_postgres() { 2 } else { 0 })
        .map(|_| {
            let database = std::sync::Arc::clone(&directory.store.database);
            let config = config(&database.address(), &switched());
            Directory { store: Store::start_with(config, database, NEW_YEAR) }
        })
        .collect();
    let all: Vec<_> = std::iter::once(&directory).chain(&others).collect();
    let replies: Vec<_> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..6)
            .map(|turn| {
                scope.spawn({
                    let replica = all[turn % all.len()];
                    move || sync(replica, "")
                })
            })
            .collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let (mut added, mut removed) = (0, 0);
    for reply in &replies {
        if reply.status == 409 {
            reply.is_problem(409, "sync_under_way");
            continue;
        }
        let (add, changed, remove, held) = counts(reply, "jit");
        assert_eq!((changed, held), (0, 0));
        (added, removed) = (added + add, removed + remove);
    }
    assert_eq!((added, removed), (40, 2), "each once");
    assert_eq!(directory.store.list("jit", "?limit=500")["members"].as_array().unwrap().len(), 40);
}
