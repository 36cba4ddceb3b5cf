//! A push of one customer that holds the records of many: their logins wait for it, everybody else's do not.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::held::{Held, Over};
use super::{store_by, store_on};
use crate::suite::harness::{SCIM, Store, ensure, login, until, with};
use crate::suite::scim::USER;
use crate::suite::server::{self, Postgres};

/// Where somebody of a customer logs in, and what they come with.
struct Door {
    organization: String,
    connection: String,
    domain: String,
}

impl Door {
    fn new(organization: &str, connection: &str, domain: &str) -> Self {
        let [organization, connection, domain] = [organization, connection, domain].map(str::to_owned);
        Self { organization, connection, domain }
    }

    fn login(&self, name: &str, iat: u64) -> Value {
        let Self { connection, domain, .. } = self;
        let issuer = format!("https://{}.{connection}.example", domain.trim_end_matches(".example"));
        let person = json!({"connection": connection, "issuer": issuer, "email": format!("{name}@{domain}")});
        with(&login(name, iat, ensure()), person)
    }
}

/// Lets all members behind some doors log in over and over while something long holds their records, until as many of them
/// as may wait for these, and newcomers at another door.
fn while_records_are_held(store: &Store, server: &Postgres, held: &[Door], waiting: usize, other: &Door) {
    const PEOPLE: usize = 60;
    let person = |n: usize| (&held[n % held.len()], format!("p{n}"));
    for (door, name) in (0..PEOPLE).map(person) {
        store.answer(&door.organization, &door.login(&name, 1));
    }
    let (iat, is_over) = (AtomicU64::new(2), AtomicBool::new(false));
    let held_records = Held::by(&server.address("postgres"), "SELECT 1 FROM members FOR UPDATE");
    std::thread::scope(|scope| {
        let (iat, is_over) = (&iat, &is_over);
        for (door, name) in (0..PEOPLE).map(person) {
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let newer = iat.fetch_add(1, Ordering::Relaxed);
                    let reply = store.login(&door.organization, &door.login(&name, newer));
                    let code = reply.json["code"].as_str();
                    assert!(reply.status == 200 || code == Some("database_busy"), "{}", reply.text);
                }
            });
        }
        // Also when this fails, they come to an end.
        let over = Over(is_over);
        let wait = format!("SELECT count(*) >= {waiting} FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
        until("as many wait for the records as may", || server.sql("postgres", &wait).trim() == "t");
        // Until no connection is kept for logins any more: they ask for one, like everybody.
        std::thread::sleep(Duration::from_millis(1_200));
        let answered = (0..20).map(|n| {
            let newcomer = other.login(&format!("g{n}"), 1);
            let began = Instant::now();
            (store.login(&other.organization, &newcomer).status, began.elapsed())
        });
        let answered: Vec<_> = answered.collect();
        drop(over);
        held_records.release();
        assert!(answered.iter().all(|(status, _)| *status == 200), "status, after: {answered:?}");
    });
    // Nobody keeps a place.
    for (door, name) in (0..PEOPLE).map(person) {
        store.answer(&door.organization, &door.login(&name, 1_000_000));
    }
}

#[test]
fn a_push_that_holds_the_records_of_one_customer_keeps_nobody_else_from_logging_in() {
    let server = server::made();
    let store = store_on(&server);
    let held = ["jit", "five"].map(|organization| Door::new(organization, "okta", "acme.example"));
    let other = Door::new("globex-console", "entra", "globex.example");
    while_records_are_held(&store, &server, &held, 5, &other);
}

#[test]
fn pushes_of_as_many_customers_as_may_push_at_once_keep_nobody_else_from_logging_in() {
    // As many as there are connections for what takes long, and one who pushes nothing.
    let customers = (0..7).map(|n| {
        format!(
            "\n- id: c{n}\n  plan: team\n  domains: [c{n}.example]\n  connections:\n  - {{id: idp, issuer: \
             https://c{n}.idp.example, audiences: [usher], jwks: {{uri: https://c{n}.idp.example/keys, cluster: idp}}}}\n  \
             organizations:\n  - {{id: o{n}, product: console, hosts: [c{n}.example], provisioning: {{mode: jit}}}}"
        )
    });
    let policy = format!(
        "version: 1\nadmin_tokens: [{{name: root, token_env: ROOT_TOKEN}}]\nparents:{}\n",
        customers.collect::<String>()
    );
    let server = server::made();
    let store = store_by(&server, &policy);
    let mut doors: Vec<_> = (0..7).map(|n| Door::new(&format!("o{n}"), "idp", &format!("c{n}.example"))).collect();
    let other = doors.pop().unwrap();
    while_records_are_held(&store, &server, &doors, 8, &other);
}

#[test]
fn whoever_waits_for_a_record_that_a_push_holds_soon_gives_up() {
    let store = Store::start();
    // The store's own transactions tell how long they would wait.
    store.database.sql(
        "CREATE TABLE told (source TEXT, patience TEXT); \
         CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN INSERT INTO told VALUES (NEW.source, current_setting(''lock_timeout'')); RETURN NEW; END'; \
         CREATE TRIGGER tell AFTER INSERT ON members FOR EACH ROW EXECUTE FUNCTION tell()",
    );
    store.answer("jit", &login("bea", 1, ensure()));
    assert_eq!(store.add("manual", &json!({"email": "bea@acme.example"})).status, 201);
    let user = json!({"schemas": [USER], "userName": "bea@acme.example"});
    assert_eq!(store.call("POST", "/scim/v2/acme/Users", SCIM, Some(&user)).status, 201);
    let told = store.database.sql("SELECT source, patience FROM told ORDER BY source");
    assert_eq!(told, "jit|1s\nmanual|1s\nscim|1800ms");

    let held = Held::by(&store.database.address(), "SELECT 1 FROM members FOR UPDATE");
    let gives_up = |iat| {
        let began = Instant::now();
        store.login("jit", &login("bea", iat, ensure())).is_problem(503, "database_busy");
        began.elapsed()
    };
    // The first that is not slow, for the machine may be.
    let waited = (2..12).map(gives_up).find(|waited| *waited < Duration::from_millis(1_700));
    assert!(waited.is_some_and(|waited| waited >= Duration::from_millis(900)), "{waited:?}");
    held.release();
    assert_eq!(store.answer("jit", &login("bea", 12, ensure())).0, "member");
}
