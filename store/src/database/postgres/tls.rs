//! TLS to the server: the files that it is checked with, and why a server is not believed.

use std::ffi::OsString;
use std::path::Path;

use axum::extract::Query;
use axum::http::Uri;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CertificateError, Error};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::database::OpenError;

/// What the library says of a server that answers that it has no TLS.
const NO_TLS: &str = "server does not support TLS";

/// What rustls calls a certificate that is an authority's own.
const OF_AN_AUTHORITY: &str = "CaUsedAsEndEntity";

/// Looks at the files that the library will read for each connection. It would tell of one that cannot be read as of a
/// server that cannot be reached, and pass over one that has nothing in it.
pub(super) fn check_files(
    options: &PgConnectOptions,
    query: &str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<(), OpenError> {
    let mode = options.get_ssl_mode();
    if matches!(mode, PgSslMode::Disable | PgSslMode::Allow) || is_socket(options) {
        return Ok(());
    }
    let pairs = pairs(query);
    let named = |parameter: &'static str, name: &'static str| {
        let given = pairs.iter().rev().find(|(key, _)| key == parameter);
        let of_environment = || Some((name, variable(name)?.into_string().ok()?));
        given.map(|(_, file)| (parameter, file.clone())).or_else(of_environment)
    };
    if is_verified(mode)
        && let Some((name, file)) = named("sslrootcert", "PGSSLROOTCERT")
    {
        has_certificates(&file).map_err(|why| unusable(name, &file, &why))?;
    }
    match (named("sslcert", "PGSSLCERT"), named("sslkey", "PGSSLKEY")) {
        (None, None) => Ok(()),
        (Some((name, certificate)), Some((key_name, key))) => {
            has_certificates(&certificate).map_err(|why| unusable(name, &certificate, &why))?;
            has_key(&key).map_err(|why| unusable(key_name, &key, &why))
        }
        _ => Err(OpenError::Tls("`sslcert` and `sslkey` go together: name both, or none".to_owned())),
    }
}

/// Why a connection cannot be had however long one waits, and what to do; none where it is not because of TLS.
pub(super) fn refusal(options: &PgConnectOptions, error: &sqlx::Error) -> Option<String> {
    match error {
        sqlx::Error::Tls(source) if source.to_string() == NO_TLS && is_socket(options) => {
            Some("there is no TLS over a socket, and `sslmode` asks for it: write `sslmode=disable`".to_owned())
        }
        sqlx::Error::Tls(source) if source.to_string() == NO_TLS => {
            Some("the server does not speak TLS, but `sslmode` requires it: turn `ssl` on at the server".to_owned())
        }
        sqlx::Error::Io(source) => {
            let error = source.get_ref()?.downcast_ref::<Error>()?;
            Some(told(error, options.get_host()))
        }
        _ => None,
    }
}

fn told(error: &Error, host: &str) -> String {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the server's certificate is of no authority that is trusted here: name the file of its authority in \
             `sslrootcert`, or in `SSL_CERT_FILE` to trust no other"
                .to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            format!("the server's certificate is not for `{host}`: connect by a name that it has ({error})")
        }
        Error::InvalidCertificate(CertificateError::Other(other)) if format!("{other:?}").contains(OF_AN_AUTHORITY) => {
            "the server's certificate is an authority's own: let the authority sign one for the server".to_owned()
        }
        Error::InvalidCertificate(_) => format!("the server's certificate cannot be believed: {error}"),
        Error::AlertReceived(_) => format!(
            "the server refused TLS ({error}): where it asks for a certificate, name yours in `sslcert` and `sslkey`"
        ),
        _ => format!("TLS with the server fails: {error}"),
    }
}

fn is_verified(mode: PgSslMode) -> bool {
    matches!(mode, PgSslMode::VerifyCa | PgSslMode::VerifyFull)
}

/// Whether the server is reached over a socket of this machine.
pub(super) fn is_socket(options: &PgConnectOptions) -> bool {
    options.get_socket().is_some() || options.get_host().starts_with('/')
}

/// The parameters as the library reads them; what it cannot read, it says itself.
fn pairs(query: &str) -> Vec<(String, String)> {
    let read = format!("/?{query}").parse::<Uri>().ok();
    let read = read.and_then(|uri| Query::<Vec<(String, String)>>::try_from_uri(&uri).ok());
    read.map(|Query(pairs)| pairs).unwrap_or_default()
}

fn unusable(name: &str, file: &str, why: &str) -> OpenError {
    // A variable may hold the text itself, which is nobody's to read.
    let file = if is_text(file) { "text" } else { file };
    OpenError::Tls(format!("`{name}` names `{file}`, and {why}"))
}

/// Whether it is no file's name, but what would be in it.
fn is_text(file: &str) -> bool {
    file.trim_start().starts_with("-----BEGIN")
}

fn has_certificates(file: &str) -> Result<(), String> {
    let found: Result<Vec<_>, _> = match is_text(file) {
        true => CertificateDer::pem_slice_iter(file.as_bytes()).collect(),
        false => CertificateDer::pem_file_iter(Path::new(file)).and_then(Iterator::collect),
    };
    match found {
        Ok(found) if found.is_empty() => Err("there is no certificate in it, as PEM".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(because(&error)),
    }
}

fn has_key(file: &str) -> Result<(), String> {
    let found = match is_text(file) {
        true => PrivateKeyDer::from_pem_slice(file.as_bytes()),
        false => PrivateKeyDer::from_pem_file(Path::new(file)),
    };
    match found {
        Ok(_) => Ok(()),
        Err(pem::Error::NoItemsFound) => Err("there is no private key in it, as PEM without a passphrase".to_owned()),
        Err(error) => Err(because(&error)),
    }
}

fn because(error: &pem::Error) -> String {
    format!("it cannot be read: {error}")
}
