//! Old tickets beside what PostgreSQL does at the same time, and without reading everything.

use std::time::Duration;

use sqlx::{Connection, Executor};

use super::{name, rows_read, stop_and_count};
use crate::suite::harness::{NEW_YEAR, Store, ensure, login, require, until};
use crate::suite::server::postgres;

const DAY: u64 = 24 * 60 * 60;

#[test]
fn a_ticket_that_is_renewed_as_it_would_be_forgotten_is_kept() {
    let store = Store::start();
    for stranger in ["ada", "eva", "zoe"] {
        assert_eq!(store.answer("manual", &login(stranger, 5, require())).0, "absent");
    }
    store.database.sql("UPDATE tickets SET not_before = 1");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let renewed = NEW_YEAR + 99 * DAY;
    let mut other = runtime.block_on(async {
        let mut other = sqlx::PgConnection::connect(&store.database.address()).await.unwrap();
        other.execute("BEGIN").await.unwrap();
        let renew = sqlx::query("UPDATE tickets SET last_iat = $1 WHERE subject = 'sub-ada'");
        renew.bind(i64::try_from(renewed).unwrap()).execute(&mut other).await.unwrap();
        let revoke = sqlx::query("UPDATE tickets SET not_before = $1 WHERE subject = 'sub-eva'");
        revoke.bind(i64::try_from(renewed).unwrap()).execute(&mut other).await.unwrap();
        other
    });
    store.pass(100 * DAY);
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("it is waited for", || store.database.sql(waits) != "0");
    runtime.block_on(async { other.execute("COMMIT").await.unwrap() });
    let kept = || store.database.sql("SELECT subject, last_iat, not_before FROM tickets ORDER BY subject");
    until("the other is forgotten", || !kept().contains("zoe"));
    assert_eq!(kept(), format!("sub-ada|{renewed}|1\nsub-eva|{}|{renewed}", NEW_YEAR + 5));
}

/// A login as old as the newest that the ticket knows writes no ticket: nothing tells of it but the member, who is not seen
/// before the commit.
#[test]
fn who_becomes_a_member_as_the_ticket_is_forgotten_is_not_let_in_by_what_was_revoked() {
    let store = Store::start();
    store.database.sql(&format!(
        "INSERT INTO tickets (organization, issuer, subject, last_iat, not_before) \
         VALUES ('jit', 'https://acme.okta.example', 'sub-ada', {}, {})",
        NEW_YEAR + 5,
        NEW_YEAR + 3,
    ));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut other = runtime.block_on(async {
        let mut other = sqlx::PgConnection::connect(&store.database.address()).await.unwrap();
        other.execute("BEGIN").await.unwrap();
        let created = "INSERT INTO members (organization, id, email, email_key, issuer, subject, role, status, source, \
                       seat_tier, created_at, updated_at) VALUES ('jit', 'm-1', 'ada@acme.example', 'ada@acme.example', \
                       'https://acme.okta.example', 'sub-ada', 'user', 'active', 'jit', 'premium', 0, 0)";
        other.execute(created).await.unwrap();
        other
    });
    store.pass(100 * DAY);
    until("the ticket is forgotten", || store.database.sql("SELECT subject FROM tickets").is_empty());
    runtime.block_on(async { other.execute("COMMIT").await.unwrap() });
    for (iat, expected) in [(3, "revoked"), (4, "member"), (5, "member"), (6, "member"), (3, "revoked")] {
        assert_eq!(store.answer("jit", &login("ada", iat, ensure())).0, expected, "{iat}");
    }
}

#[test]
fn a_replica_whose_clock_is_ahead_forgets_nothing_while_another_contradicts_it() {
    let store = Store::start();
    assert_eq!(store.answer("manual", &login("eva", 5, require())).0, "absent");
    let ahead = store.replica();
    ahead.clock.advance(100 * DAY);
    for leaps in 1..=3 {
        until("the leap is counted", || ahead.metric("usher_store_clock_leaps_total") == leaps);
        if leaps < 3 {
            store.clock.advance(DAY);
            until("the other is there", || store.upkeep_was_there(1));
            ahead.clock.advance(DAY);
        }
    }
    assert_eq!(
        (store.database.sql("SELECT subject FROM tickets").as_str(), store.metric("usher_store_clock_leaps_total")),
        ("sub-eva", 0)
    );
}

/// Members who have not come for long, and one stranger among the first of them; nobody tells the planner.
const FILL: &str = "
    ALTER TABLE members SET (autovacuum_enabled = false);
    ALTER TABLE tickets SET (autovacuum_enabled = false);
    INSERT INTO members (organization, id, email, email_key, issuer, subject, role, status, source, created_at, updated_at)
        SELECT 'jit', 'm-' || n, 'm' || n || '@acme.example', 'm' || n || '@acme.example', 'i', 's' || 100000 + n, 'user',
        'active', 'jit', 0, 0 FROM generate_series(1, 20000) AS n;
    INSERT INTO tickets (organization, issuer, subject, last_iat)
        SELECT 'jit', 'i', 's' || 100000 + n, 1 FROM generate_series(1, 20000) AS n;
    INSERT INTO tickets (organization, issuer, subject, last_iat) VALUES ('jit', 'i', 's100500-stranger', 1);
";

#[test]
fn old_tickets_are_found_without_reading_all_members() {
    let mut store = Store::start();
    let database = name(&store.database).to_owned();
    postgres().sql(&database, FILL);
    let theirs =
        "SELECT count(*) FROM tickets WHERE (organization, issuer, subject) = ('jit', 'i', 's100500-stranger')";
    let stranger = || postgres().sql(&database, theirs);
    let before = rows_read(&database, "^(members|tickets)$");
    store.pass(100 * DAY);
    until("the stranger is forgotten", || {
        std::thread::sleep(Duration::from_millis(100));
        stranger().trim() == "0"
    });
    stop_and_count(&mut store, &database);
    let rows = rows_read(&database, "^(members|tickets)$") - before;
    assert!((1_000..12_000).contains(&rows), "{rows} rows were read");
    assert_eq!(
        postgres().sql(&database, "SELECT count(*) FROM tickets").trim(),
        "20000",
        "of members none is forgotten"
    );
}
