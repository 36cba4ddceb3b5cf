//! A client of the demo: takes tickets from the provider, goes through Envoy, and says in a few words what it saw.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::calls::{Call, Ticket};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

/// Someone at a terminal, with no browser.
#[derive(Clone, Debug)]
pub(super) struct Client {
    agent: ureq::Agent,
    provider: SocketAddr,
    envoy: SocketAddr,
}

impl Client {
    pub(super) fn new(provider: SocketAddr, envoy: SocketAddr) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(TIMEOUT))
            .build()
            .new_agent();
        Self { agent, provider, envoy }
    }

    /// Makes a call with a fresh ticket.
    pub(super) fn call(&self, call: &Call) -> anyhow::Result<String> {
        let token = match call.ticket {
            Ticket::Forged(person) => Some(self.ticket("forged", person)?),
            Ticket::None => None,
            Ticket::Of(person) => Some(self.ticket("token", person)?),
        };
        self.present(token.as_deref(), call)
    }

    /// A ticket of a person, from the provider's `token` or `forged` page.
    pub(super) fn ticket(&self, page: &str, person: &str) -> anyhow::Result<String> {
        let url = format!("http://{}/{page}?person={person}", self.provider);
        let mut answer = self.agent.get(&url).call().context("the identity provider does not answer")?;
        if answer.status() != 200 {
            bail!("{url}: {}", answer.status());
        }
        Ok(answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string()?)
    }

    /// Goes through Envoy with this ticket: the status, then role and seat tier as the upstream saw them, or the reason.
    pub(super) fn present(&self, token: Option<&str>, call: &Call) -> anyhow::Result<String> {
        let mut request = self.agent.get(format!("http://{}{}", self.envoy, call.path)).header("host", call.host);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some((name, value)) = call.header {
            request = request.header(name, value);
        }
        let mut answer = request.call().context("Envoy does not answer")?;
        let mut seen = vec![answer.status().as_u16().to_string()];
        let reason = answer.headers().get("x-usher-reason").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec()?;
        seen.extend(reason);
        if answer.status() == 200 {
            let echo: Value = serde_json::from_slice(&body).context("the upstream's answer is not readable")?;
            seen.extend(as_seen_upstream(&echo));
        }
        Ok(seen.join(" "))
    }
}

fn as_seen_upstream(echo: &Value) -> Vec<String> {
    let header = |name: &str| echo.get("headers")?.get(name)?.as_str().map(str::to_owned);
    let mut seen: Vec<String> = ["x-usher-role", "x-usher-seat-tier"].into_iter().filter_map(header).collect();
    // The credential must not get there; where it does, nothing is as expected.
    if echo.get("authorization").and_then(Value::as_str) != Some("absent") {
        seen.push("with the credential".to_owned());
    }
    seen
}
