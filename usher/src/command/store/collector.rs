//! An OpenTelemetry collector, spoken to over HTTP. One that does not answer costs the store nothing but the traces.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use ureq::http::Uri;
use ureq::tls::TlsConfig;

use crate::store_client;

/// How long a collector may take for what it is sent at once.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The longest answer that is read, in bytes: what a collector has to say of what it did not take.
const MAX_ANSWER: u64 = 64 * 1024;

/// Where a collector at this address takes traces (OTLP/HTTP); `None` where it is no address.
pub(super) fn traces_at(base: &str) -> Option<String> {
    let uri: Uri = base.parse().ok()?;
    let authority = uri.authority()?.as_str();
    let is_address = matches!(uri.scheme_str(), Some("http" | "https")) && !authority.contains('@');
    let is_plain = uri.query().is_none() && !base.contains('#');
    (is_address && is_plain).then(|| format!("{}/v1/traces", base.trim_end_matches('/')))
}

/// The connection to a collector.
#[derive(Debug)]
pub(super) struct Collector {
    agent: ureq::Agent,
    /// Whether the last attempt came to nothing: the log hears of the first of a row, and of the end of it.
    is_away: AtomicBool,
}

impl Collector {
    pub(super) fn new() -> Self {
        Self { agent: store_client::agent(TlsConfig::default()), is_away: AtomicBool::new(false) }
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, body.to_vec());
        let request = self.agent.configure_request(request).timeout_global(Some(TIMEOUT)).build();
        let (head, mut body) = self.agent.run(request)?.into_parts();
        let answer = body.with_config().limit(MAX_ANSWER).read_to_vec()?;
        Ok(Response::from_parts(head, answer.into()))
    }

    fn note(&self, sent: Result<u16, &HttpError>) {
        let failure = match sent {
            Ok(status) if (200..300).contains(&status) => None,
            Ok(status) => Some(format!("it answers {status}")),
            Err(error) => Some(error.to_string()),
        };
        let was_away = self.is_away.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(failure) if !was_away => {
                tracing::warn!(failure, "the collector does not take traces; they are dropped")
            }
            None if was_away => tracing::info!("the collector takes traces again"),
            Some(_) | None => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    /// Waits in place: it is asked on a thread that has nothing else to do.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.send(request);
        self.note(sent.as_ref().map(|answer| answer.status().as_u16()));
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::traces_at;

    #[test]
    fn a_collector_is_an_http_address_perhaps_with_a_path() {
        for (base, traces) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://otel.example/", "https://otel.example/v1/traces"),
            ("https://otel.example/otlp", "https://otel.example/otlp/v1/traces"),
        ] {
            assert_eq!(traces_at(base).as_deref(), Some(traces));
        }
        for bad in
            ["", "otel:4318", "/v1", "ftp://otel", "http://", "http://u:p@otel", "http://otel?x=1", "http://otel#x"]
        {
            assert_eq!(traces_at(bad), None, "{bad}");
        }
    }
}
