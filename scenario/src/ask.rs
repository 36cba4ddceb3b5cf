//! From a step to the request as it is sent: the policy says who signs for whom, and under which host.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use usher_policy::Policy;
use usher_policy::model::{Algorithm, Connection, CredentialSource, HostPattern, Organization};

use crate::cast::Cast;
use crate::claims;
use crate::step::{Credential, Login, Request, Via};
use crate::token::KeyRing;

static UNIQUE: AtomicU64 = AtomicU64::new(0);

/// A request, ready to be sent.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The method.
    pub method: String,
    /// The host.
    pub host: String,
    /// The path.
    pub path: String,
    /// The headers, the credential's among them.
    pub headers: Vec<(String, String)>,
    /// The token among the headers, if there is one.
    pub token: Option<String>,
    /// Whether a worker may hold a session for it.
    pub may_be_session: bool,
    /// The organization that is meant.
    pub organization: String,
    /// The person's usual email and subject.
    pub person: Option<Person>,
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Person {
    /// The usual email.
    pub email: String,
    /// The usual subject.
    pub subject: String,
}

/// What a playing of a scenario remembers.
#[derive(Debug, Default)]
pub struct Memory {
    last_tokens: HashMap<String, String>,
    count: i64,
    /// Whether live sessions may not know yet what happened.
    pub(crate) unsettled: bool,
}

/// The request of a step, at `now`, seconds since the Unix epoch.
///
/// # Errors
/// The step names what the policy or the story does not have.
pub fn ask(
    request: &Request,
    organization: Option<&str>,
    policy: &Policy,
    now: u64,
    memory: &mut Memory,
) -> Result<Ask> {
    let organization = Cast::new(policy).organization(organization)?;
    let target = &request.target;
    let (token, name) = match &request.credential {
        Credential::None => (None, None),
        Credential::Text(text) => (Some(text.clone()), None),
        Credential::Again(person) => {
            let token = memory.last_tokens.get(person).with_context(|| format!("{person} has no token yet"))?;
            (Some(token.clone()), Some(person))
        }
        Credential::New(login) => {
            let token = token(login, organization, now, memory)?;
            memory.last_tokens.insert(login.person.clone(), token.clone());
            (Some(token), Some(&login.person))
        }
    };
    let mut headers = target.headers.clone();
    if let Some(token) = &token {
        headers.push(placed(token, target.via.as_ref(), policy));
    }
    Ok(Ask {
        method: target.method.clone().unwrap_or_else(|| "GET".to_owned()),
        host: target.host.clone().unwrap_or_else(|| host(organization)),
        path: target.path.clone().unwrap_or_else(|| organization.path_prefix.clone().unwrap_or_else(|| "/".to_owned())),
        headers,
        token,
        may_be_session: matches!(request.credential, Credential::Again(_)),
        organization: organization.id.to_string(),
        person: name.map(|name| Person { email: Cast::email(organization, name), subject: name.clone() }),
    })
}

fn token(login: &Login, organization: &Organization, now: u64, memory: &mut Memory) -> Result<String> {
    memory.count += 1;
    let connection = Cast::connection(organization, login.connection.as_deref())?;
    let id = format!("{}-{}", std::process::id(), UNIQUE.fetch_add(1, Ordering::Relaxed));
    let iat = login.iat.unwrap_or(5 * memory.count - 400);
    let claims = claims::of(login, connection, &Cast::email(organization, &login.person), now, iat, id);
    if let Some(forgery) = login.forge {
        return forgery.make(&claims);
    }
    if let Some(header) = &login.header {
        return Ok(login.key.sign_under(header, &serde_json::json!(claims)));
    }
    let algorithm = login.alg.as_deref().unwrap_or_else(|| usual_algorithm(connection).name());
    let kid = match &login.kid {
        Some(kid) => kid.clone(),
        None => Some(KeyRing::kid(login.key, algorithm)?),
    };
    login.key.sign(algorithm, kid.as_deref(), &claims)
}

/// The fastest, where it is allowed.
fn usual_algorithm(connection: &Connection) -> Algorithm {
    let allowed = &connection.algorithms;
    let first = allowed.first().copied().unwrap_or(Algorithm::EdDsa);
    if allowed.contains(&Algorithm::EdDsa) { Algorithm::EdDsa } else { first }
}

fn host(organization: &Organization) -> String {
    match organization.hosts.first() {
        Some(HostPattern::Exact(host)) => host.clone(),
        Some(HostPattern::Suffix(suffix)) => format!("any.{suffix}"),
        None => String::new(),
    }
}

fn placed(token: &str, via: Option<&Via>, policy: &Policy) -> (String, String) {
    let sources = &policy.credentials.sources;
    let usual = match sources.first() {
        Some(CredentialSource::Cookie(name)) => Via::Cookie(name.clone()),
        Some(CredentialSource::Header(name)) => Via::Header(name.clone()),
        Some(CredentialSource::Authorization) | None => Via::Bearer,
    };
    let usual = if sources.contains(&CredentialSource::Authorization) { Via::Bearer } else { usual };
    match via.unwrap_or(&usual) {
        Via::Bearer => ("authorization".to_owned(), format!("Bearer {token}")),
        Via::Cookie(name) => ("cookie".to_owned(), format!("theme=dark; {name}={token}")),
        Via::Header(name) => (name.clone(), token.to_owned()),
    }
}
