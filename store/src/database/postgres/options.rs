//! The `postgres:` address: read strictly, for what is not understood would be ignored, and logged with its value.

use std::ffi::OsString;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::tls;
use crate::database::OpenError;

/// What may follow the `?`. Not `hostaddr`: the library would verify the certificate for it, and not for the host as libpq does.
const PARAMETERS: &[&str] = &[
    "application_name",
    "dbname",
    "host",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// What the library reads from the environment where the address leaves it out, and whom to trust.
const VARIABLES: &[&str] = &[
    "PGAPPNAME",
    "PGDATABASE",
    "PGHOST",
    "PGOPTIONS",
    "PGPASSFILE",
    "PGPASSWORD",
    "PGPORT",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "PGUSER",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

pub(super) fn parse(address: &str) -> Result<PgConnectOptions, OpenError> {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or_default();
        if !PARAMETERS.contains(&name) {
            return Err(OpenError::UnknownParameter(name.to_owned()));
        }
    }
    check(|name| std::env::var_os(name))?;
    let mut options = PgConnectOptions::from_str(address)?;
    if let Some(inside) = options.get_host().strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        // As an address writes IPv6, but nobody else.
        let host = inside.to_owned();
        options = options.host(&host);
    }
    tls::check_files(&options, query, |name| std::env::var_os(name))?;
    if let Some(doubt) = doubt(options.get_ssl_mode()).filter(|_| !is_near(&options)) {
        tracing::warn!(host = options.get_host(), "{doubt}: add `sslmode=verify-full`");
    }
    match options.get_application_name() {
        Some(_) => Ok(options),
        None => Ok(options.application_name("usher")),
    }
}

/// The library takes an empty value for one, and what it cannot read for the default: it would connect elsewhere, or verify less.
fn check(variable: impl Fn(&str) -> Option<OsString>) -> Result<(), OpenError> {
    let refuse = |variable, why| Err(OpenError::Variable { variable, why });
    if variable("PGHOSTADDR").is_some() {
        return refuse("PGHOSTADDR", "is set, and usher connects by name: unset it, and name the host in PGHOST");
    }
    if let Some(name) = VARIABLES.iter().copied().find(|name| variable(name).is_some_and(|value| value.is_empty())) {
        return refuse(name, "is set and empty: unset it");
    }
    let is_read = |name, reads: fn(&str) -> bool| variable(name).is_none_or(|value| value.to_str().is_some_and(reads));
    if !is_read("PGPORT", |value| value.parse::<u16>().is_ok()) {
        return refuse("PGPORT", "is not a port");
    }
    if !is_read("PGSSLMODE", |value| value.parse::<PgSslMode>().is_ok()) {
        return refuse("PGSSLMODE", "is not one of disable, allow, prefer, require, verify-ca and verify-full");
    }
    Ok(())
}

/// What is left open of who answers. An authority in the address is believed beside the system's, and not alone as by libpq.
fn doubt(mode: PgSslMode) -> Option<&'static str> {
    match mode {
        PgSslMode::VerifyFull => None,
        PgSslMode::VerifyCa => {
            Some("anyone with a certificate from any authority of this system passes for the database")
        }
        _ => Some("the database's certificate is not verified"),
    }
}

/// Whether nobody can stand between: a socket, or this machine.
fn is_near(options: &PgConnectOptions) -> bool {
    tls::is_socket(options) || matches!(options.get_host(), "localhost" | "127.0.0.1" | "::1")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use sqlx::postgres::PgSslMode;

    use super::{check, doubt, is_near, parse};
    use crate::database::OpenError;

    #[test]
    fn what_is_not_understood_is_refused_by_name_without_its_value() {
        let error = parse("postgres://db/usher?sslmode=require&pasword=sesame").unwrap_err();
        assert!(matches!(&error, OpenError::UnknownParameter(name) if name == "pasword"), "{error}");
        assert!(!error.to_string().contains("sesame"), "{error}");
        assert!(parse("postgres://usher:sesame@db/usher?sslmode=verify-full").is_ok());
        let error = parse("postgres://usher:sesame@db:port/usher").unwrap_err();
        assert!(!error.to_string().contains("sesame"), "{error}");
    }

    #[test]
    fn an_address_is_not_taken_for_the_host_whose_certificate_is_asked_for() {
        let error = parse("postgres://usher@db/usher?sslmode=verify-full&hostaddr=192.0.2.1").unwrap_err();
        assert!(matches!(&error, OpenError::UnknownParameter(name) if name == "hostaddr"), "{error}");
    }

    #[test]
    fn a_variable_that_would_be_misread_is_refused_by_name() {
        let with = |set: &'static [(&str, &str)]| {
            check(|name| set.iter().find(|(own, _)| *own == name).map(|(_, value)| OsString::from(value)))
        };
        for good in [
            &[][..],
            &[("PGHOST", "db.example"), ("PGPORT", "5433"), ("PGSSLMODE", "verify-full"), ("PGPASSWORD", "sesame")],
            &[("PGUSER", "usher"), ("PGSSLMODE", "Verify-Full"), ("SSL_CERT_FILE", "/ca.pem")],
        ] {
            assert!(with(good).is_ok(), "{good:?}");
        }
        let refused: [(&'static [(&str, &str)], &str); 6] = [
            (&[("PGHOSTADDR", "192.0.2.1")], "`PGHOSTADDR` is set, and"),
            (&[("PGPASSWORD", "")], "`PGPASSWORD` is set and empty"),
            (&[("PGHOST", "db.example"), ("PGSSLMODE", "")], "`PGSSLMODE` is set and empty"),
            (&[("SSL_CERT_FILE", "")], "`SSL_CERT_FILE` is set and empty"),
            (&[("PGPORT", "sesame")], "`PGPORT` is not a port"),
            (&[("PGSSLMODE", "verify_full")], "`PGSSLMODE` is not one of"),
        ];
        for (set, told) in refused {
            let error = with(set).unwrap_err().to_string();
            assert!(error.contains(told) && !error.contains("sesame"), "{error}");
        }
    }

    #[test]
    fn only_a_certificate_with_the_host_s_name_leaves_no_doubt() {
        assert_eq!(doubt(PgSslMode::VerifyFull), None);
        assert!(doubt(PgSslMode::VerifyCa).unwrap().contains("any authority"));
        for mode in [PgSslMode::Disable, PgSslMode::Allow, PgSslMode::Prefer, PgSslMode::Require] {
            assert!(doubt(mode).unwrap().contains("not verified"), "{mode:?}");
        }
    }

    #[test]
    fn an_ipv6_address_is_looked_up_and_verified_without_its_brackets() {
        assert_eq!(parse("postgres://usher@[2001:db8::1]:5433/usher").unwrap().get_host(), "2001:db8::1");
    }

    #[test]
    fn a_socket_and_this_machine_are_near() {
        for (address, near) in [
            ("postgres://localhost/usher", true),
            ("postgres://127.0.0.1:5433/usher", true),
            ("postgres://[::1]/usher", true),
            ("postgres://[2001:db8::1]/usher", false),
            ("postgres://usher@%2Frun%2Fpostgresql/usher", true),
            ("postgres:///usher?host=/run/postgresql", true),
            ("postgres://db.example/usher", false),
        ] {
            assert_eq!(is_near(&parse(address).unwrap()), near, "{address}");
        }
    }
}
