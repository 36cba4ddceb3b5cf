//! Races between replicas: what the rules promise holds whoever comes first, over and over.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::suite::database::on_postgres;
use crate::suite::harness::{NEW_YEAR, Store, assign, ensure, id, leave, login, patiently, require, unassigned, with};

const CLIENTS: usize = 32;

/// Three replicas on PostgreSQL; on SQLite, which one store has for itself, that one.
struct Replicas(Vec<Store>);

impl Replicas {
    fn start() -> Self {
        let first = Store::start();
        let others = if on_postgres() { 2 } else { 0 };
        let others: Vec<_> = (0..others).map(|_| first.replica()).collect();
        Self([first].into_iter().chain(others).collect())
    }

    fn any(&self) -> &Store {
        &self.0[0]
    }

    /// Lets clients do something at the same moment, each at one of the replicas.
    fn race<T: Send>(&self, clients: usize, deed: impl Fn(&Store, usize) -> T + Sync) -> Vec<T> {
        let gate = Barrier::new(clients);
        let (gate, deed) = (&gate, &deed);
        std::thread::scope(|scope| {
            let clients = (0..clients).map(|client| {
                let store = &self.0[client % self.0.len()];
                scope.spawn(move || {
                    gate.wait();
                    deed(store, client)
                })
            });
            let clients: Vec<_> = clients.collect();
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        })
    }

    /// (premium, standard) in use in `five`, by the counts and by the members themselves.
    fn seats(&self) -> [(u64, u64); 2] {
        let tiers = &self.any().seats("five")["tiers"];
        let counted = (tiers[0]["used"].as_u64().unwrap(), tiers[1]["used"].as_u64().unwrap());
        let held = |tier: &str| {
            let count = format!("SELECT count(*) FROM members WHERE organization = 'five' AND seat_tier = '{tier}'");
            self.any().database.sql(&count).parse().unwrap()
        };
        [counted, (held("premium"), held("standard"))]
    }
}

#[test]
fn no_seat_is_sold_twice() {
    let replicas = Replicas::start();
    for round in 0..6 {
        let answers = replicas.race(CLIENTS, |store, client| {
            store.patient_answer("five", &login(&format!("r{round}c{client}"), 1, ensure())).0
        });
        assert_eq!(answers.iter().filter(|answer| *answer == "member").count(), 5, "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| *answer == "pending").count(), CLIENTS - 5);
        assert_eq!(replicas.seats(), [(2, 3), (2, 3)]);

        // All go at once, while newcomers take their seats: never more than there are.
        let members = replicas.any().list("five", "?limit=500")["members"].as_array().unwrap().clone();
        replicas.race(CLIENTS, |store, client| {
            assert_eq!(patiently(|| store.remove("five", &id(&members[client]))).status, 204);
            store.patient_answer("five", &login(&format!("r{round}n{client}"), 1, ensure()));
        });
        let [counted, held] = replicas.seats();
        assert_eq!(counted, held);
        assert!(held.0 <= 2 && held.1 <= 3, "{held:?}");
        for member in replicas.any().list("five", "?limit=500")["members"].as_array().unwrap() {
            assert_eq!(patiently(|| replicas.any().remove("five", &id(member))).status, 204);
        }
        assert_eq!(replicas.seats(), [(0, 0), (0, 0)]);
    }
}

#[test]
fn who_moves_between_tiers_at_once_oversells_neither_and_nobody_waits_in_a_circle() {
    let replicas = Replicas::start();
    let members: Vec<_> = (0..4)
        .map(|n| {
            let tier = if n == 0 { "premium" } else { "standard" };
            let member = json!({"email": format!("m{n}@acme.example"), "seat_tier": tier});
            patiently(|| replicas.any().add("five", &member)).json
        })
        .collect();
    for round in 0..10 {
        replicas.race(8, |store, client| {
            let tier = if (client + round) % 2 == 0 { "premium" } else { "standard" };
            let reply = patiently(|| store.edit("five", &id(&members[client % 4]), &json!({"seat_tier": tier})));
            assert!(matches!(reply.status, 200 | 409), "{}", reply.text);
        });
        let [counted, held] = replicas.seats();
        assert_eq!((counted, held.0 + held.1), (held, 4));
        assert!(held.0 <= 2 && held.1 <= 3, "{held:?}");
    }
}

#[test]
fn a_member_is_linked_once() {
    let replicas = Replicas::start();
    for round in 0..6 {
        let email = format!("bea{round}@acme.example");
        patiently(|| replicas.any().add("jit", &json!({"email": email})));
        let answers = replicas.race(12, |store, client| {
            let changes = json!({"email": email, "subject": format!("r{round}c{client}")});
            store.patient_answer("jit", &with(&login("bea", 1, ensure()), changes)).0
        });
        assert_eq!(answers.iter().filter(|answer| *answer == "member").count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| *answer == "conflict").count(), 11);
    }
}

#[test]
fn a_directorys_member_is_linked_once_by_whatever_email_they_come() {
    let replicas = Replicas::start();
    for round in 0..8 {
        patiently(|| replicas.any().add("by-id", &json!({"email": format!("of-directory{round}@acme.example")})));
        let found = format!("UPDATE members SET external_id = 'x{round}', source = 'scim' WHERE external_id IS NULL");
        replicas.any().database.sql(&found);
        let answers = replicas.race(12, |store, client| {
            let changes = json!({
                "connection": "ids", "issuer": "https://ids.example", "external_id": format!("x{round}"),
                "email": format!("r{round}c{client}@acme.example"), "subject": format!("r{round}c{client}"),
            });
            store.patient_answer("by-id", &with(&login("bea", 1, require()), changes)).0
        });
        assert_eq!(answers.iter().filter(|answer| *answer == "member").count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| *answer == "conflict").count(), 11);
    }
}

#[test]
fn there_is_one_primary_owner() {
    let replicas = Replicas::start();
    let answers = replicas.race(12, |store, client| {
        store
            .patient_answer("mapped", &with(&login("ada", 1, assign("user")), json!({"subject": format!("c{client}")})))
    });
    let owners: Vec<_> = answers.iter().filter(|(answer, _)| answer == "member").collect();
    assert_eq!(owners.len(), 1, "{answers:?}");
    assert_eq!((&owners[0].1["primary_owner"], &owners[0].1["role"]), (&json!(true), &json!("owner")));
    assert_eq!(replicas.any().list("mapped", "")["members"].as_array().unwrap().len(), 1);
}

#[test]
fn one_owner_is_left_when_all_would_be_demoted_or_removed_at_once() {
    let replicas = Replicas::start();
    for round in 0..12_u64 {
        for name in ["a", "b", "c"] {
            replicas.any().patient_answer("mapped", &login(name, 10 * round + 1, assign("owner")));
        }
        let plan = || if round % 2 == 0 { assign("user") } else { leave() };
        replicas.race(3, |store, client| {
            store.patient_answer("mapped", &login(["a", "b", "c"][client], 10 * round + 2, plan()))
        });
        let owners = replicas.any().list("mapped", "?role=owner&status=active")["members"].as_array().unwrap().len();
        assert_eq!(owners, 1, "round {round}");
        // The hour in which removals are counted goes by.
        for store in &replicas.0 {
            store.clock.advance(3700);
        }
    }
}

#[test]
fn the_newest_ticket_decides_in_whatever_order_tickets_come() {
    let replicas = Replicas::start();
    for round in 0..8_u64 {
        let newest = 100 * round + 15;
        replicas.race(16, |store, client| {
            let iat = 100 * round + client as u64;
            let plan = if client % 2 == 0 { ensure() } else { unassigned() };
            store.patient_answer("jit", &login("bea", iat, plan));
        });
        assert_eq!(replicas.any().emails("jit", ""), [""; 0], "the newest removed, whoever came last");
        let last_iat = replicas.any().database.sql("SELECT last_iat FROM tickets WHERE organization = 'jit'");
        assert_eq!(last_iat, (NEW_YEAR + newest).to_string());
        for store in &replicas.0 {
            store.clock.advance(3700);
        }
    }
}

#[test]
fn no_more_are_removed_by_logins_than_the_guard_allows() {
    let replicas = Replicas::start();
    for n in 0..8 {
        replicas.any().patient_answer("mapped", &login(&format!("p{n}"), 1, assign("user")));
    }
    let answers = replicas.race(8, |store, n| store.patient_answer("mapped", &login(&format!("p{n}"), 2, leave())).0);
    assert_eq!(answers.iter().filter(|answer| *answer == "removed").count(), 2, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| *answer == "kept").count(), 6);
}

#[test]
fn what_is_changed_by_hand_is_not_overwritten_by_a_login() {
    let replicas = Replicas::start();
    for round in 0..8 {
        let (_, bea) = replicas.any().patient_answer("jit", &login(&format!("bea{round}"), 1, ensure()));
        replicas.race(9, |store, client| match client {
            0 => {
                let suspended = patiently(|| store.edit("jit", &id(&bea), &json!({"status": "suspended"})));
                assert_eq!(suspended.status, 200, "{}", suspended.text);
            }
            _ => {
                let name = json!({"name": format!("Bea {client}")});
                store.patient_answer("jit", &with(&login(&format!("bea{round}"), 2 + client as u64, ensure()), name));
            }
        });
        let after = replicas.any().member("jit", &id(&bea)).json;
        assert_eq!(after["status"], "suspended", "round {round}");
    }
}

/// Sets it to false in the end, also of a panic.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

#[test]
fn a_follower_sees_every_change_once_and_in_order_while_many_write() {
    const WRITERS: usize = 12;
    const EACH: u64 = 25;
    let replicas = Replicas::start();
    let writing = AtomicBool::new(true);
    let followed: Vec<Vec<Value>> = std::thread::scope(|scope| {
        let followers: Vec<_> = replicas
            .0
            .iter()
            .map(|store| {
                let writing = &writing;
                scope.spawn(move || {
                    let (mut seen, mut query) = (Vec::new(), "?wait=200ms&limit=7".to_owned());
                    loop {
                        let last = !writing.load(Ordering::SeqCst);
                        let reply = patiently(|| store.changes(&query));
                        assert_eq!(reply.status, 200, "{}", reply.text);
                        let changes = reply.json["changes"].as_array().unwrap();
                        if changes.is_empty() && last {
                            break seen;
                        }
                        seen.extend(changes.clone());
                        query = format!("?wait=200ms&limit=7&after={}", reply.json["position"].as_str().unwrap());
                    }
                })
            })
            .collect();
        // Also when a writer fails, followers come to an end.
        let ends = Ends(&writing);
        replicas.race(WRITERS, |store, client| {
            for n in 1..=EACH {
                let role = if n % 2 == 0 { "admin" } else { "user" };
                store.patient_answer("mapped", &login(&format!("w{client}"), n, assign(role)));
            }
        });
        drop(ends);
        followers.into_iter().map(|follower| follower.join().unwrap()).collect()
    });
    let all = patiently(|| replicas.any().changes("?limit=1000")).json["changes"].as_array().unwrap().clone();
    assert_eq!(all.len(), WRITERS * EACH as usize);
    for (n, change) in (1..).zip(&all) {
        let number: u64 = change["position"].as_str().unwrap().rsplit_once('-').unwrap().1.parse().unwrap();
        assert_eq!(number, n, "no gap");
    }
    for seen in followed {
        assert!(seen == all, "one saw {} of {}", seen.len(), all.len());
    }
}
