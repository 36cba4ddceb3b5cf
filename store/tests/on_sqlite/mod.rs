//! What only SQLite can show: a file, its mode, its lock.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use serde_json::json;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;
use usher_store::{OpenError, StartError};

use crate::suite::database::Database;
use crate::suite::harness::{POLICY, Store, config, ensure, login, start_error, until};

#[test]
fn an_acknowledged_write_survives_a_crash() {
    let store = Store::start();
    for n in 0..20 {
        assert_eq!(store.answer("jit", &login(&format!("p{n}"), 1, ensure())).0, "member");
        // What a crash at this moment would leave: the files as they are, and no goodbye.
        let crashed = TempDir::new().unwrap();
        for file in ["usher.db", "usher.db-wal"] {
            std::fs::copy(store.database.file().with_file_name(file), crashed.path().join(file)).unwrap();
        }
        let recovered = Store::start_on(Arc::new(Database::Sqlite(crashed)));
        assert_eq!(recovered.emails("jit", "").len(), n + 1);
    }
}

#[test]
fn the_database_is_its_owners_alone() {
    let store = Store::start();
    store.answer("jit", &login("bea", 1, ensure()));
    for file in ["usher.db", "usher.db-wal", "usher.db-shm", "usher.db-lock"] {
        let mode = std::fs::metadata(store.database.file().with_file_name(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn a_file_is_for_one_store_and_free_again_when_that_has_stopped() {
    let store = Store::start();
    store.answer("jit", &login("bea", 1, ensure()));
    let error = start_error(config(&store.database.address(), POLICY));
    assert!(matches!(error, StartError::Database { source: OpenError::InUse, .. }), "{error}");
    assert_eq!(store.emails("jit", ""), ["bea@acme.example"], "the first goes on");
    assert_eq!(store.restart().emails("jit", ""), ["bea@acme.example"]);
}

#[test]
fn only_databases_that_keep_what_they_are_given() {
    for address in ["sqlite::memory:", "sqlite://x.db?mode=memory"] {
        let error = start_error(config(address, POLICY));
        assert!(matches!(error, StartError::Database { source: OpenError::InMemory(_), .. }), "{error}");
    }
    let folder = TempDir::new().unwrap();
    let nowhere = format!("sqlite://{}", folder.path().join("no/such/folder/usher.db").display());
    let error = start_error(config(&nowhere, POLICY));
    assert!(matches!(error, StartError::Database { source: OpenError::Create { .. }, .. }), "{error}");
}

#[test]
fn a_database_that_another_process_locks_is_503_and_says_nothing_of_itself() {
    let store = Store::start();
    let bea = login("bea", 1, ensure());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut other = runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(store.database.file());
        let mut other = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
        other
    });
    // Not for ever: a request that waits for longer than it may is `timed_out`.
    let reply = store.login("jit", &bea);
    reply.is_problem(503, "database_busy");
    assert_eq!(reply.header("retry-after"), "1");
    assert!(!reply.text.contains("SQL") && !reply.text.contains("locked") && !reply.text.contains("usher.db"));
    assert_eq!(store.send("GET", "/healthz", &[], None).status, 200);
    assert_eq!(store.send("GET", "/readyz", &[], None).status, 503);
    assert!(store.metric("usher_store_database_failures_total") >= 1);

    runtime.block_on(async { sqlx::query("ROLLBACK").execute(&mut other).await.unwrap() });
    assert_eq!(store.login("jit", &bea).json["answer"], json!("member"), "and comes back by itself");
    until("it is ready again", || store.send("GET", "/readyz", &[], None).status == 200);
}

#[test]
fn a_database_of_the_first_version_is_counted_when_it_is_migrated() {
    let mut newest = Store::start();
    newest.stop();
    let history = newest.database.sql("SELECT sql FROM sqlite_master WHERE name = '_sqlx_migrations'");
    let applied = newest.database.sql("SELECT hex(checksum) FROM _sqlx_migrations WHERE version = 1");

    let first = Arc::new(Database::new());
    std::fs::File::create(first.file()).unwrap();
    first.sql(include_str!("../../migrations/sqlite/0001_members.sql"));
    first.sql(&history);
    first.sql(&format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (1, 'members', TRUE, x'{applied}', 0)"
    ));
    for (n, tier) in ["premium", "standard", "standard"].iter().enumerate() {
        first.sql(&format!(
            "INSERT INTO members (organization, id, email, email_key, role, seat_tier, status, source, created_at, \
             updated_at) VALUES ('five', 'm{n}', 'm{n}@acme.example', 'm{n}@acme.example', 'user', '{tier}', 'active', \
             'manual', 0, 0)"
        ));
        first.sql(&format!(
            "INSERT INTO changes (organization, member, status, role, seat_tier, at) \
             VALUES ('five', 'm{n}', 'active', 'user', '{tier}', 0)"
        ));
    }

    let migrated = Store::start_on(first);
    let used = |tier: usize| migrated.seats("five")["tiers"][tier]["used"].clone();
    assert_eq!((used(0), used(1)), (json!(1), json!(2)));
    let marks = migrated.database.sql("SELECT count(DISTINCT mark), min(length(mark)), count(*) FROM changes");
    assert_eq!(marks, "3|16|3");
    let changes = migrated.changes("").json;
    assert_eq!(changes["changes"].as_array().unwrap().len(), 3);
    assert_eq!(migrated.changes(&format!("?after={}", changes["position"].as_str().unwrap())).status, 200);
}
