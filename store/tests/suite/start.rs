//! Starting, and refusing to.

use std::net::TcpListener;

use usher_store::{OpenError, Secrets, StartError};

use crate::suite::database::Database;
use crate::suite::harness::{ADMIN, FILTER, POLICY, Store, config, policy, start_error, variable};

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

#[test]
fn a_database_of_a_newer_store_is_refused_and_left_alone() {
    let mut store = Store::start();
    store.stop();
    store.database.sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         SELECT 99, 'the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
    );
    let before = store.database.sql("SELECT version FROM _sqlx_migrations ORDER BY version");
    let error = start_error(config(&store.database.address(), POLICY));
    assert!(matches!(&error, StartError::Database { source: OpenError::Newer { found: 99, .. }, .. }), "{error}");
    assert!(error.to_string().contains("newer usher"), "{error}");
    assert_eq!(store.database.sql("SELECT version FROM _sqlx_migrations ORDER BY version"), before);
}

#[test]
fn a_database_whose_history_is_another_is_refused() {
    let mut store = Store::start();
    store.stop();
    store.database.sql("UPDATE _sqlx_migrations SET checksum = substr(checksum, 2)");
    let error = start_error(config(&store.database.address(), POLICY));
    assert!(matches!(&error, StartError::Database { source: OpenError::Foreign(1), .. }), "{error}");
}

#[test]
fn an_address_of_no_database_is_refused_and_its_password_not_shown() {
    for address in ["mysql://usher:sesame@db/usher", "usher:sesame", "", "Postgres:sesame"] {
        let error = start_error(config(address, POLICY));
        assert!(matches!(error, StartError::UnknownDatabase(_)), "{error}");
        assert!(!error.to_string().contains("sesame"), "{error}");
        assert!(error.to_string().contains("sqlite://FILE"), "{error}");
    }
}

#[test]
fn a_taken_address_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let database = Database::new();
    let mut config = config(&database.address(), POLICY);
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
fn an_empty_admin_token_beside_named_administrators_is_as_good_as_none() {
    let with = |admin: &str| {
        Secrets::from_env(&policy(POLICY), |name| match name {
            "USHER_ADMIN_TOKEN" => Some(admin.to_owned()),
            name => variable(name),
        })
    };
    assert!(with("").is_ok());
    assert!(with("short-one").unwrap_err().to_string().contains("`USHER_ADMIN_TOKEN` is shorter than 16 bytes"));
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
fn a_secret_that_was_is_held_to_the_same_as_one_that_is() {
    let small = policy(SMALL);
    let with = |previous: &str| {
        Secrets::from_env(&small, |name| match name {
            "USHER_STORE_TOKEN" => Some(FILTER.to_owned()),
            "USHER_ADMIN_TOKEN" => Some(ADMIN.to_owned()),
            "USHER_STORE_TOKEN_PREVIOUS" => Some(previous.to_owned()),
            _ => None,
        })
    };
    assert!(with("").is_ok() && with("0123456789abcdef").is_ok());
    let error = with("hunter2").unwrap_err().to_string();
    assert!(error.contains("`USHER_STORE_TOKEN_PREVIOUS` is shorter than 16 bytes"), "{error}");
    for equal in [FILTER, ADMIN] {
        let error = with(equal).unwrap_err().to_string();
        assert!(error.contains("`USHER_STORE_TOKEN_PREVIOUS`") && error.contains("are equal"), "{error}");
        assert!(!error.contains(equal));
    }
}

#[test]
fn secrets_are_not_shown_in_debug_output() {
    let secrets = Secrets::from_env(&policy(POLICY), variable).unwrap();
    let shown = format!("{secrets:?}");
    assert!(!shown.contains("0123456789") && shown.contains("acme-it"), "{shown}");
}
