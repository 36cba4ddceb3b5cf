//! For tests: a key set behind a URL.

use std::time::Duration;

use usher_policy::model::{JwksUri, RemoteJwks};

/// One that is fetched every five minutes, and kept for a day.
pub(super) fn jwks() -> RemoteJwks {
    RemoteJwks {
        uri: JwksUri { tls: true, host: "idp.example".to_owned(), port: 443, path: "/keys".to_owned() },
        cluster: "idp".to_owned(),
        insecure: false,
        timeout: Duration::from_secs(2),
        refresh: Duration::from_secs(300),
        min_interval: Duration::from_secs(10),
        max_stale: Duration::from_secs(86_400),
    }
}
