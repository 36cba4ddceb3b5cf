//! Starting, and refusing to.

use std::net::TcpListener;

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;
use usher_store::{OpenError, Secrets, StartError};

use crate::harness::{ADMIN, FILTER, POLICY, Store, config, policy, start_error, variable};

const SMALL: &str = r"
version: 1
parents:
- id: acme
  plan: team
  domains: [acme.example]
  connections:
  - {id: okta, issuer: https://acme.okta.example, audiences: [usher], jwks: {uri: https://acme.okta.example/keys, cluster: okta}}
  organizations:
  - {id: chat, product: claude, hosts: [chat.acme.example]}
";

fn execute(file: &std::path::Path, statement: &'static str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut database = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
        sqlx::query(statement).execute(&mut database).await.unwrap();
        database.close().await.unwrap();
    });
}

#[test]
fn a_database_of_a_newer_store_is_refused_and_left_alone() {
    let mut store = Store::start();
    store.stop();
    let file = store.folder().join("usher.db");
    execute(
        &file,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99, 'the future', TRUE, x'00', 0)",
    );
    let error = start_error(config(store.folder(), POLICY));
    assert!(matches!(&error, StartError::Database { source: OpenError::Newer { found: 99, known: 2 }, .. }), "{error}");
    assert!(error.to_string().contains("newer usher"), "{error}");
}

#[test]
fn a_database_whose_history_is_another_is_refused() {
    let mut store = Store::start();
    store.stop();
    execute(&store.folder().join("usher.db"), "UPDATE _sqlx_migrations SET checksum = x'00'");
    let error = start_error(config(store.folder(), POLICY));
    assert!(matches!(&error, StartError::Database { source: OpenError::Foreign(1), .. }), "{error}");
}

#[test]
fn only_databases_that_keep_what_they_are_given() {
    let folder = TempDir::new().unwrap();
    let with_database = |database: &str| {
        let mut config = config(folder.path(), POLICY);
        config.database = database.to_owned();
        start_error(config)
    };
    for address in ["sqlite::memory:", "sqlite://x.db?mode=memory"] {
        let error = with_database(address);
        assert!(matches!(error, StartError::Database { source: OpenError::InMemory(_), .. }), "{error}");
    }
    let error = with_database("postgres://usher:sesame@db/usher");
    assert!(matches!(error, StartError::UnknownDatabase(_)), "{error}");
    assert!(!error.to_string().contains("sesame"), "no password in errors");
    let nowhere = format!("sqlite://{}", folder.path().join("no/such/folder/usher.db").display());
    let error = with_database(&nowhere);
    assert!(matches!(error, StartError::Database { source: OpenError::Create { .. }, .. }), "{error}");
}

#[test]
fn a_taken_address_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = TempDir::new().unwrap();
    let mut config = config(folder.path(), POLICY);
    config.listen = taken.local_addr().unwrap();
    let error = start_error(config);
    assert!(error.to_string().contains(&taken.local_addr().unwrap().to_string()), "{error}");
}

#[test]
fn every_missing_or_short_secret_is_named_at_once_and_none_is_shown() {
    let error = Secrets::from_env(&policy(POLICY), |name| match name {
        "ROOT_TOKEN" => Some(String::new()),
        "ACME_ADMIN_TOKEN" => Some("hunter2".to_owned()),
        _ => None,
    })
    .unwrap_err()
    .to_string();
    for expected in [
        "`USHER_STORE_TOKEN` is not set or empty",
        "`ROOT_TOKEN` is not set or empty",
        "`ACME_ADMIN_TOKEN` is shorter than 16 bytes",
        "`ACME_SCIM_TOKEN` is not set or empty",
    ] {
        assert!(error.contains(expected), "{error}");
    }
    assert!(!error.contains("hunter2"), "{error}");
    assert!(!error.contains("USHER_ADMIN_TOKEN"), "not needed where the policy names administrators");
}

#[test]
fn without_named_administrators_the_admin_token_is_needed() {
    let small = policy(SMALL);
    let error = Secrets::from_env(&small, |name| (name == "USHER_STORE_TOKEN").then(|| FILTER.to_owned())).unwrap_err();
    assert!(error.to_string().contains("`USHER_ADMIN_TOKEN` is not set or empty"), "{error}");
    let both = |name: &str| match name {
        "USHER_STORE_TOKEN" => Some(FILTER.to_owned()),
        "USHER_ADMIN_TOKEN" => Some(ADMIN.to_owned()),
        _ => None,
    };
    assert!(Secrets::from_env(&small, both).is_ok());
}

#[test]
fn secrets_of_sixteen_bytes_do_and_equal_ones_do_not() {
    let small = policy(SMALL);
    let with = |filter: &str, admin: &str| {
        Secrets::from_env(&small, |name| match name {
            "USHER_STORE_TOKEN" => Some(filter.to_owned()),
            "USHER_ADMIN_TOKEN" => Some(admin.to_owned()),
            _ => None,
        })
    };
    assert!(with("0123456789abcdef", "fedcba9876543210").is_ok());
    assert!(with("0123456789abcde", "fedcba9876543210").is_err());
    let error = with("0123456789abcdef", "0123456789abcdef").unwrap_err().to_string();
    assert!(error.contains("`USHER_STORE_TOKEN` and `USHER_ADMIN_TOKEN` are equal"), "{error}");
    assert!(!error.contains("0123456789abcdef"));
}

#[test]
fn secrets_are_not_shown_in_debug_output() {
    let secrets = Secrets::from_env(&policy(POLICY), variable).unwrap();
    let shown = format!("{secrets:?}");
    assert!(!shown.contains("0123456789") && shown.contains("acme-it"), "{shown}");
}
