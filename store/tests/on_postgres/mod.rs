//! What only PostgreSQL can show: a server that is away, a database that will not do, replicas that start at once.

mod bulkhead;
mod held;
mod tickets;
mod unanalyzed;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use usher_store::{OpenError, StartError};

use self::held::{Held, Over};
use crate::suite::database::Database;
use crate::suite::harness::{
    ADMIN, GLOBEX_SCIM, NEW_YEAR, POLICY, SCIM, Store, assign, config, ensure, login, start_error, until,
};
use crate::suite::scim::{DIRECTORIES, Directory};
use crate::suite::server::{self, Postgres, postgres};

fn name(database: &Database) -> &str {
    match database {
        Database::Postgres(name) => name,
        Database::Sqlite(_) => panic!("not PostgreSQL"),
    }
}

/// Rows of the tables with such names (a regular expression) that were read so far, by indexes and without them.
fn rows_read(database: &str, tables: &str) -> u64 {
    let sum = format!(
        "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname ~ '{tables}') \
         + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname ~ '{tables}')"
    );
    postgres().sql(database, &sum).trim().parse().unwrap()
}

/// Stops the store: what a connection has read is counted for everyone to see when it ends.
fn stop_and_count(store: &mut Store, database: &str) {
    store.stop();
    let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    until("the connections are counted", || {
        std::thread::sleep(Duration::from_millis(100));
        postgres().sql(database, left).trim() == "0"
    });
}

fn set_reachable(database: &Database, reachable: bool) {
    let name = name(database);
    postgres().sql("postgres", &format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {reachable}"));
    if !reachable {
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        postgres().sql("postgres", &end);
    }
}

#[test]
fn a_database_that_is_away_is_503_and_comes_back_by_itself() {
    let store = Store::start();
    assert_eq!(store.answer("jit", &login("bea", 1, ensure())).0, "member");
    let position = store.changes("").json["position"].as_str().unwrap().to_owned();

    set_reachable(&store.database, false);
    let reply = store.login("jit", &login("cyd", 1, ensure()));
    reply.is_problem(503, "database_unavailable");
    assert_eq!(reply.header("retry-after"), "1");
    for secret in ["test_", "FATAL", "postgres", "sql"] {
        assert!(!reply.text.contains(secret), "{}", reply.text);
    }
    store.send("GET", "/readyz", &[], None).is_problem(503, "database_unavailable");
    store.changes(&format!("?after={position}&wait=1s")).is_problem(503, "database_unavailable");
    assert_eq!(store.send("GET", "/healthz", &[], None).status, 200);

    set_reachable(&store.database, true);
    assert_eq!(store.answer("jit", &login("cyd", 1, ensure())).0, "member", "at once");
    until("it is ready again", || store.send("GET", "/readyz", &[], None).status == 200);

    // The listening connection is there again, too: a poll wakes long before its time.
    let followed = store.changes(&format!("?after={position}")).json["position"].as_str().unwrap().to_owned();
    let writer = store.replica();
    let began = Instant::now();
    let woken = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| store.changes(&format!("?after={followed}&wait=30s")));
        writer.answer("jit", &login("dan", 1, ensure()));
        waiting.join().unwrap()
    });
    assert_eq!(woken.json["changes"].as_array().unwrap().len(), 1, "{}", woken.text);
    assert!(began.elapsed() < Duration::from_secs(28));
}

#[test]
fn connections_that_were_cut_are_not_used_again() {
    let store = Store::start();
    for n in 0..20 {
        assert_eq!(store.answer("jit", &login(&format!("p{n}"), 1, ensure())).0, "member");
    }
    set_reachable(&store.database, false);
    set_reachable(&store.database, true);
    for n in 0..20 {
        assert_eq!(store.answer("jit", &login(&format!("q{n}"), 1, ensure())).0, "member");
    }
}

/// A store on a server that one test has for itself.
fn store_on(server: &Postgres) -> Store {
    store_by(server, POLICY)
}

fn store_by(server: &Postgres, policy: &str) -> Store {
    let unused = Arc::new(Database::Sqlite(TempDir::new().unwrap()));
    Store::start_with(config(&server.address("postgres"), policy), unused, NEW_YEAR)
}

/// Freezes the server's side of every connection of a store, as a network does that swallows everything.
fn freeze(server: &Postgres) -> Vec<String> {
    let every = "SELECT pid FROM pg_stat_activity WHERE application_name = 'usher'";
    let processes: Vec<String> = server.sql("postgres", every).lines().map(str::to_owned).collect();
    signal("STOP", &processes);
    processes
}

fn signal(signal: &str, processes: &[String]) {
    assert!(std::process::Command::new("kill").args(["-s", signal]).args(processes).status().unwrap().success());
}

#[test]
fn connections_on_which_nobody_answers_any_more_are_given_up() {
    // Who is frozen may hold a lock that every other database of the server needs.
    let server = server::made();
    let store = store_on(&server);
    // More at once than there are connections: all of them are open, then all of them hang.
    let all_at_once = |round: &str| -> Vec<u16> {
        std::thread::scope(|scope| {
            let store = &store;
            let clients = (0..32)
                .map(|n| scope.spawn(move || store.login("jit", &login(&format!("{round}{n}"), 1, ensure())).status));
            let clients: Vec<_> = clients.collect();
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        })
    };
    assert!(all_at_once("a").iter().all(|status| *status == 200));
    let processes = freeze(&server);
    assert!(all_at_once("b").contains(&503));
    until("it is ready again, with other connections", || {
        store.send("GET", "/readyz", &[], None).status == 200
            && store.login("jit", &login("cyd", 1, ensure())).status == 200
    });
    signal("CONT", &processes);
    assert_eq!(store.answer("jit", &login("cyd", 1, ensure())).0, "member");
}

#[test]
fn a_known_login_that_changes_nothing_is_one_statement() {
    const LOGINS: usize = 40;
    let server = server::made();
    server.sql("postgres", "ALTER DATABASE postgres SET log_statement = 'all'");
    let store = store_on(&server);
    let log_in = || assert_eq!(store.answer("mapped", &login("bea", 1, assign("user"))).0, "member");
    log_in();
    let before = server.log().lines().count();
    (0..LOGINS).for_each(|_| log_in());
    let log = server.log();
    let count = |what: &str| log.lines().skip(before).filter(|line| line.contains(what)).count();
    for what in ["FROM tickets WHERE organization", "FROM members", "FROM seats"] {
        assert_eq!(count(what), LOGINS, "statements with `{what}`");
    }
    // The store itself looks after old entries once in a while.
    assert!(count("BEGIN") < LOGINS, "{} transactions", count("BEGIN"));

    // One that is written looks once more, with nobody in the way, and reads the feed's head along with everything else.
    let before = log.lines().count();
    for newer in 1..=LOGINS as u64 {
        assert_eq!(store.answer("mapped", &login("bea", 1 + newer, assign("user"))).0, "member");
    }
    let log = server.log();
    let count = |what: &str| log.lines().skip(before).filter(|line| line.contains(what)).count();
    assert_eq!(count("FROM tickets WHERE organization"), 2 * LOGINS);
    let heads = count("AS database, mark, position FROM feed_head");
    assert!(heads < 2 * LOGINS + LOGINS / 2, "the head was read {heads} times");
}

#[test]
fn a_lock_that_somebody_holds_is_waited_for_but_not_for_ever() {
    let store = Store::start();
    let held = Held::by(&store.database.address(), "LOCK TABLE members IN ACCESS EXCLUSIVE MODE");
    // A request that waits for longer than it may is `timed_out`.
    store.login("jit", &login("bea", 1, ensure())).is_problem(503, "database_busy");
    held.release();
    assert_eq!(store.answer("jit", &login("bea", 1, ensure())).0, "member");
}

#[test]
fn a_database_of_another_encoding_is_refused() {
    postgres().sql("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
    let error = start_error(config(&postgres().address("latin"), POLICY));
    assert!(matches!(&error, StartError::Database { source: OpenError::Encoding(found), .. } if found == "LATIN1"));
    assert!(error.to_string().contains("UTF8"), "{error}");
    assert_eq!(postgres().sql("latin", "SELECT count(*) FROM pg_class WHERE relname = 'members'").trim(), "0");
}

#[test]
fn a_database_that_can_only_be_read_is_refused_and_not_ready() {
    let store = Store::start();
    let name = name(&store.database);
    postgres().sql("postgres", &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let error = start_error(config(&store.database.address(), POLICY));
    assert!(matches!(&error, StartError::Database { source: OpenError::ReadOnly, .. }), "{error}");
}

#[test]
fn who_cannot_come_in_is_told_at_once_and_the_password_is_not() {
    let address = postgres().address("nowhere").replace("usher@", "usher:sesame@");
    let error = start_error(config(&address, POLICY));
    assert!(matches!(&error, StartError::Database { source: OpenError::Database(_), .. }), "{error}");
    // Whoever is waited for is `Unreachable` in the end.
    assert!(error.to_string().contains("nowhere") && !error.to_string().contains("sesame"), "{error}");
}

#[test]
fn a_server_that_does_not_answer_is_given_up_in_bounded_time() {
    // Nobody accepts here, and nobody refuses either.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let began = Instant::now();
    let error = start_error(config(&format!("postgres://usher:sesame@127.0.0.1:{port}/usher"), POLICY));
    assert!(matches!(&error, StartError::Database { source: OpenError::Unreachable { .. }, .. }), "{error}");
    assert!(!error.to_string().contains("sesame"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn replicas_may_start_and_migrate_at_once() {
    let database = Arc::new(Database::new());
    std::thread::scope(|scope| {
        let starting: Vec<_> = (0..4).map(|_| scope.spawn(|| Store::start_on(Arc::clone(&database)))).collect();
        for store in starting {
            let store = store.join().unwrap();
            assert_eq!(store.send("GET", "/readyz", &[], None).status, 200);
        }
    });
}

#[test]
fn a_feed_is_not_followed_over_a_failover_that_may_have_lost_its_end() {
    let store = Store::start();
    store.answer("jit", &login("bea", 1, ensure()));
    let before = store.changes("").json["position"].as_str().unwrap().to_owned();
    let folder = postgres().run("psql", &["-X", "-At", "-d", "postgres", "-c", "SHOW unix_socket_directories"]);
    let from = ["-h", folder.trim(), "-U", "usher", "-R", "-c", "fast"];
    let standby = server::start("pg_basebackup", &from, &[]);

    let address = standby.address(name(&store.database));
    let error = start_error(config(&address, POLICY));
    assert!(matches!(&error, StartError::Database { source: OpenError::ReadOnly, .. }), "{error}");

    standby.sql("postgres", "SELECT pg_promote()");
    let promoted = Store::start_with(config(&address, POLICY), Arc::clone(&store.database), NEW_YEAR);
    assert_eq!(promoted.emails("jit", ""), ["bea@acme.example"]);
    assert_eq!(promoted.changes("").json["changes"].as_array().unwrap().len(), 1);
    promoted.changes(&format!("?after={before}")).is_problem(410, "gone");
    assert_eq!(store.changes(&format!("?after={before}")).status, 200, "the old one is what it was");
}

#[test]
fn a_commit_is_on_disk_also_where_the_servers_default_is_otherwise() {
    let database = Arc::new(Database::new());
    let name = name(&database).to_owned();
    postgres().sql("postgres", &format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    let store = Store::start_on(database);
    // The store's own transaction tells how it will be committed.
    store.database.sql(
        "CREATE TABLE told (how TEXT); \
         CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN INSERT INTO told VALUES (current_setting(''synchronous_commit'')); RETURN NEW; END'; \
         CREATE TRIGGER tell AFTER INSERT ON members FOR EACH ROW EXECUTE FUNCTION tell()",
    );
    assert_eq!(store.answer("jit", &login("bea", 1, ensure())).0, "member");
    assert_eq!(store.database.sql("SELECT how FROM told"), "on");
}

#[test]
fn lists_that_hang_do_not_keep_anybody_from_logging_in() {
    let server = server::made();
    let store = store_by(&server, DIRECTORIES);
    assert_eq!(store.answer("jit", &login("bea", 1, ensure())).0, "member");
    let is_over = AtomicBool::new(false);
    let held = Held::by(&server.address("postgres"), "LOCK TABLE audit, directory_users");
    std::thread::scope(|scope| {
        let (store, is_over) = (&store, &is_over);
        // Also when this fails, they come to an end.
        let over = Over(is_over);
        let lists = [
            ("/scim/v2/acme/Users?filter=title%20eq%20%22x%22", SCIM),
            ("/scim/v2/globex/Users?filter=title%20eq%20%22x%22", GLOBEX_SCIM),
            ("/v1/audit", ADMIN),
        ];
        for (path, token) in lists {
            for n in 0..40 {
                scope.spawn(move || {
                    // One after the other: who begins together gives up together.
                    std::thread::sleep(Duration::from_millis(25 * n));
                    while !is_over.load(Ordering::Relaxed) {
                        let code = store.call("GET", path, token, None).json["code"].clone();
                        assert_ne!(code, "database_unavailable", "it is busy, and not away");
                    }
                });
            }
        }
        let waiting = "SELECT count(*) >= 6 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        until("as many wait for the lock as may", || server.sql("postgres", waiting).trim() == "t");
        // Until no connection is kept for logins any more: they ask for one, like everybody.
        std::thread::sleep(Duration::from_millis(1_200));
        let answered: Vec<_> = (0..10).map(|_| store.login("jit", &login("bea", 1, ensure())).status).collect();
        drop(over);
        held.release();
        assert!(answered.iter().all(|status| *status == 200), "{answered:?}");
    });
}

#[test]
fn a_mapped_group_of_many_is_followed_in_a_few_statements() {
    const MANY: usize = 60;
    let server = server::made();
    server.sql("postgres", "ALTER DATABASE postgres SET log_statement = 'all'");
    let directory = Directory { store: store_by(&server, DIRECTORIES) };
    let users: Vec<_> = (0..MANY).map(|n| directory.user(&format!("p{n}"))).collect();
    let users: Vec<_> = users.iter().map(String::as_str).collect();
    let staff = directory.group("staff", &users);
    let statements = |during: &dyn Fn()| {
        let before = server.log().lines().count();
        during();
        let log = server.log();
        let executed = log.lines().skip(before).filter(|line| line.contains("execute") || line.contains("statement:"));
        executed.map(str::to_owned).collect::<Vec<_>>()
    };
    let named = |name: &'static str| {
        let path = format!("/Groups/{staff}");
        let directory = &directory;
        move || drop(directory.patch(&path, json!({"op": "replace", "path": "displayName", "value": name})))
    };

    // Everybody's role is another: one write each, and what is read is read of all together.
    let all = statements(&named("admins"));
    assert_eq!(all.iter().filter(|line| line.contains("UPDATE members")).count(), MANY);
    let others = all.len() - MANY;
    assert!(others < MANY, "{others} statements beside the writes:\n{}", all.join("\n"));
    let roles = directory.members("mapped", "role");
    assert!(roles.as_object().unwrap().values().all(|role| *role == json!("admin")), "{roles}");
    assert_eq!(roles.as_object().unwrap().len(), MANY);
}

#[test]
fn whoever_asks_how_the_store_is_asks_the_database_rarely() {
    const ASKED: usize = 40;
    let server = server::made();
    server.sql("postgres", "ALTER DATABASE postgres SET log_statement = 'all'");
    let store = store_on(&server);
    let before = server.log().lines().count();
    for path in ["/metrics", "/readyz"] {
        (0..ASKED).for_each(|_| assert_eq!(store.send("GET", path, &[], None).status, 200));
    }
    let log = server.log();
    let count = |what: &str| log.lines().skip(before).filter(|line| line.contains(what)).count();
    for what in ["GROUP BY organization", "default_transaction_read_only"] {
        assert!((1..ASKED).contains(&count(what)), "{} statements with `{what}`", count(what));
    }
}
