//! A push of one customer that holds the records of many: their logins wait for it, everybody else's do not.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{Connection, Executor};

use super::store_on;
use crate::suite::harness::{SCIM, Store, ensure, login, until, with};
use crate::suite::scim::USER;
use crate::suite::server;

/// Organizations of one customer.
const HELD: [&str; 2] = ["jit", "five"];

#[test]
fn a_push_that_holds_the_records_of_one_customer_keeps_nobody_else_from_logging_in() {
    const PEOPLE: usize = 60;
    let server = server::made();
    let store = store_on(&server);
    let person = |n: usize| (HELD[n % 2], format!("p{n}"));
    for (organization, name) in (0..PEOPLE).map(person) {
        store.answer(organization, &login(&name, 1, ensure()));
    }
    let (iat, is_over) = (AtomicU64::new(2), AtomicBool::new(false));
    let held = "BEGIN; SELECT count(*) FROM (SELECT 1 FROM members WHERE organization IN ('jit', 'five') FOR UPDATE) AS held; \
                SELECT pg_sleep(12); COMMIT";
    std::thread::scope(|scope| {
        let (store, server, iat, is_over) = (&store, &server, &iat, &is_over);
        let holds = scope.spawn(move || server.sql("postgres", held));
        let is_held = || {
            let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
            server.sql("postgres", asleep).trim() == "1"
        };
        until("the records are held", is_held);
        for (organization, name) in (0..PEOPLE).map(person) {
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let newer = iat.fetch_add(1, Ordering::Relaxed);
                    let reply = store.login(organization, &login(&name, newer, ensure()));
                    let code = reply.json["code"].as_str();
                    assert!(reply.status == 200 || code == Some("database_busy"), "{}", reply.text);
                }
            });
        }
        let waiting = "SELECT count(*) >= 5 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        until("as many wait for the records as may", || server.sql("postgres", waiting).trim() == "t");
        // Until no connection is kept for logins any more: they ask for one, like everybody.
        std::thread::sleep(Duration::from_millis(1_200));
        let of_globex = json!({"connection": "entra", "issuer": "https://globex.entra.example"});
        let answered = (0..20).map(|n| {
            let email = json!({"email": format!("g{n}@globex.example")});
            let newcomer = with(&with(&login(&format!("g{n}"), 1, ensure()), of_globex.clone()), email);
            let began = Instant::now();
            let status = store.login("globex-console", &newcomer).status;
            (status, is_held(), began.elapsed())
        });
        let answered: Vec<_> = answered.collect();
        is_over.store(true, Ordering::Relaxed);
        holds.join().unwrap();
        let is_let_in = |(status, is_held, _): &(u16, bool, Duration)| *status == 200 && *is_held;
        assert!(answered.iter().all(is_let_in), "status, still held, after: {answered:?}");
    });
    // Nobody keeps a place.
    for (organization, name) in (0..PEOPLE).map(person) {
        store.answer(organization, &login(&name, 1_000_000, ensure()));
    }
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

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut other = runtime.block_on(async {
        let mut other = sqlx::PgConnection::connect(&store.database.address()).await.unwrap();
        other.execute("BEGIN; SELECT 1 FROM members FOR UPDATE").await.unwrap();
        other
    });
    let gives_up = |iat| {
        let began = Instant::now();
        store.login("jit", &login("bea", iat, ensure())).is_problem(503, "database_busy");
        began.elapsed()
    };
    // The quickest of a few, for the machine may be slow.
    let waited = (2..5).map(gives_up).min().unwrap();
    let about_a_second = Duration::from_millis(900)..Duration::from_millis(1_700);
    assert!(about_a_second.contains(&waited), "{waited:?}");
    runtime.block_on(async { other.execute("ROLLBACK").await.unwrap() });
    assert_eq!(store.answer("jit", &login("bea", 5, ensure())).0, "member");
}
