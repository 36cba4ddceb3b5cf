//! The `postgres:` address: read strictly, for what is not understood would be ignored, and logged with its value.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::database::OpenError;

/// What may follow the `?`.
const PARAMETERS: &[&str] = &[
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

pub(super) fn parse(address: &str) -> Result<PgConnectOptions, OpenError> {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or_default();
        if !PARAMETERS.contains(&name) {
            return Err(OpenError::UnknownParameter(name.to_owned()));
        }
    }
    let options = PgConnectOptions::from_str(address)?;
    let verified = matches!(options.get_ssl_mode(), PgSslMode::VerifyCa | PgSslMode::VerifyFull);
    if !verified && !is_near(&options) {
        tracing::warn!(
            host = options.get_host(),
            "the database's certificate is not verified: add `sslmode=verify-full`"
        );
    }
    match options.get_application_name() {
        Some(_) => Ok(options),
        None => Ok(options.application_name("usher")),
    }
}

/// Whether nobody can stand between: a socket, or this machine.
fn is_near(options: &PgConnectOptions) -> bool {
    options.get_socket().is_some() || matches!(options.get_host(), "localhost" | "127.0.0.1" | "::1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::{is_near, parse};
    use crate::database::OpenError;

    #[test]
    fn what_is_not_understood_is_refused_by_name_without_its_value() {
        let error = parse("postgres://db/usher?sslmode=require&pasword=sesame").unwrap_err();
        assert!(matches!(&error, OpenError::UnknownParameter(name) if name == "pasword"), "{error}");
        assert!(!error.to_string().contains("sesame"), "{error}");
        assert!(parse("postgres://usher:sesame@db/usher?sslmode=verify-full&sslrootcert=/ca.pem").is_ok());
        let error = parse("postgres://usher:sesame@db:port/usher").unwrap_err();
        assert!(!error.to_string().contains("sesame"), "{error}");
    }

    #[test]
    fn a_socket_and_this_machine_are_near() {
        for (address, near) in [
            ("postgres://localhost/usher", true),
            ("postgres://127.0.0.1:5433/usher", true),
            ("postgres://usher@%2Frun%2Fpostgresql/usher", true),
            ("postgres:///usher?host=/run/postgresql", true),
            ("postgres://db.example/usher", false),
        ] {
            assert_eq!(is_near(&parse(address).unwrap()), near, "{address}");
        }
    }
}
