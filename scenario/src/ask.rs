//! From a step to the request as it is sent: the policy says who signs for whom, and under which host.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::step::{Credential, Login, Request, Target};
use crate::token::Members;

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
    unsettled: bool,
}

/// The people of a scenario, under a policy, at a time.
#[derive(Debug)]
pub struct Cast<'a> {
    policy: &'a Value,
    now: u64,
    memory: &'a mut Memory,
}

impl<'a> Cast<'a> {
    /// `now` is in seconds since the Unix epoch.
    pub fn new(policy: &'a Value, now: u64, memory: &'a mut Memory) -> Self {
        Self { policy, now, memory }
    }

    /// Something happened behind the back of live sessions.
    pub fn unsettle(&mut self) {
        self.memory.unsettled = true;
    }

    /// Whether live sessions may not know yet what happened.
    pub fn unsettled(&self) -> bool {
        self.memory.unsettled
    }

    /// The id of an organization: the one that is named, or the first.
    ///
    /// # Errors
    /// There is none.
    pub fn organization(&self, named: Option<&String>) -> Result<String> {
        text(self.place(named)?.1, "/id")
    }

    /// The email of a person: the person is one already, or has one under the first parent's first domain.
    ///
    /// # Errors
    /// The policy has no domain.
    pub fn email(&self, person: &str) -> Result<String> {
        if person.contains('@') {
            return Ok(person.to_owned());
        }
        Ok(format!("{person}@{}", text(self.policy, "/parents/0/domains/0")?))
    }

    /// The request of a step.
    ///
    /// # Errors
    /// The step names what the policy or the story does not have.
    pub fn ask(&mut self, request: &Request) -> Result<Ask> {
        let target = &request.target;
        let (token, name) = match &request.credential {
            Credential::None => (None, None),
            Credential::Text(text) => (Some(text.clone()), None),
            Credential::Again(person) => {
                let token =
                    self.memory.last_tokens.get(person).with_context(|| format!("{person} has no token yet"))?;
                (Some(token.clone()), Some(person))
            }
            Credential::New(login) => {
                let token = self.token(login, target)?;
                self.memory.last_tokens.insert(login.login.clone(), token.clone());
                (Some(token), Some(&login.login))
            }
        };
        let (_, organization) = self.place(target.organization.as_ref())?;
        let host = match &target.host {
            Some(host) => host.clone(),
            None => text(organization, "/hosts/0")?,
        };
        let mut headers = target.headers.clone();
        if let Some(token) = &token {
            headers.push(placed(token, target.via.as_deref())?);
        }
        let person = match name {
            Some(name) => Some(Person { email: self.email(name)?, subject: name.clone() }),
            None => None,
        };
        Ok(Ask {
            method: target.method.clone().unwrap_or_else(|| "GET".to_owned()),
            host,
            path: target.path.clone().unwrap_or_else(|| "/".to_owned()),
            headers,
            token,
            may_be_session: matches!(request.credential, Credential::Again(_)),
            organization: text(organization, "/id")?,
            person,
        })
    }

    fn token(&mut self, login: &Login, target: &Target) -> Result<String> {
        let claims = self.claims(login, target)?;
        if let Some(forgery) = login.forge {
            return forgery.make(&claims);
        }
        if let Some(header) = &login.header {
            return Ok(login.key.sign_under(header, &json!(claims)));
        }
        let algorithm = login.alg.as_deref().unwrap_or("EdDSA");
        let kid = match &login.kid {
            Some(kid) => kid.clone(),
            None => Some(login.key.kid(algorithm)?),
        };
        login.key.sign(algorithm, kid.as_deref(), &claims)
    }

    fn claims(&mut self, login: &Login, target: &Target) -> Result<Members> {
        self.memory.count += 1;
        let (parent, organization) = self.place(target.organization.as_ref())?;
        let connection = connection(parent, organization, login.connection.as_deref())?;
        let from_now = |offset: i64| self.now.saturating_add_signed(offset);
        let usual = json!({
            "iss": text(connection, "/issuer")?,
            "aud": text(connection, "/audiences/0")?,
            "sub": login.login,
            "email": self.email(&login.login)?,
            "email_verified": true,
            "iat": from_now(login.iat.unwrap_or(5 * self.memory.count - 400)),
            "exp": from_now(login.exp.unwrap_or(3600)),
            // Equal claims under EdDSA are the same token, and the same session.
            "jti": format!("{}-{}", std::process::id(), UNIQUE.fetch_add(1, Ordering::Relaxed)),
        });
        let mut claims = usual.as_object().cloned().unwrap_or_default();
        if let Some(nbf) = login.nbf {
            claims.insert("nbf".to_owned(), json!(from_now(nbf)));
        }
        if let Some(groups) = &login.groups {
            claims.insert("groups".to_owned(), json!(groups));
        }
        claims.extend(login.claims.clone());
        claims.retain(|name, _| !login.without.contains(name));
        Ok(claims)
    }

    /// A parent and one of its organizations.
    fn place(&self, named: Option<&String>) -> Result<(&'a Value, &'a Value)> {
        for parent in list(self.policy, "parents") {
            for organization in list(parent, "organizations") {
                if named.is_none_or(|name| organization.get("id").and_then(Value::as_str) == Some(name)) {
                    return Ok((parent, organization));
                }
            }
        }
        bail!("the policy has no organization {named:?}")
    }
}

fn connection<'a>(parent: &'a Value, organization: &Value, named: Option<&str>) -> Result<&'a Value> {
    let first = organization.pointer("/connections/0").and_then(Value::as_str);
    let wanted = named.or(first);
    list(parent, "connections")
        .find(|connection| wanted.is_none_or(|id| connection.get("id").and_then(Value::as_str) == Some(id)))
        .with_context(|| format!("the parent has no connection {wanted:?}"))
}

fn placed(token: &str, via: Option<&str>) -> Result<(String, String)> {
    match via.unwrap_or("bearer").split_once(' ') {
        None => Ok(("authorization".to_owned(), format!("Bearer {token}"))),
        Some(("cookie", name)) => Ok(("cookie".to_owned(), format!("theme=dark; {name}={token}"))),
        Some(("header", name)) => Ok((name.to_owned(), token.to_owned())),
        Some(_) => bail!("`via` is `bearer`, `cookie NAME` or `header NAME`"),
    }
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    Ok(found.with_context(|| format!("the policy has no {pointer}"))?.to_owned())
}
