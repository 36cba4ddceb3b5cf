//! The steps of a scenario as the file writes them. Unknown fields are errors.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use usher_policy::Reason;

use crate::token::{Forgery, KeyRing, Members};

/// One step: what happens, and what must hold after it.
#[derive(Clone, Debug)]
pub struct Step {
    /// What happens.
    pub action: Action,
    /// What must hold after it.
    pub after: After,
}

/// What happens in a step.
#[derive(Clone, Debug)]
pub enum Action {
    /// Something done by hand to a membership.
    ByHand(ByHand),
    /// Nothing; a look at members and seats.
    Look,
    /// The neighbours fall ill or recover.
    Neighbours(Neighbours),
    /// A request.
    Request(Box<Request>),
}

/// A request with or without a token, and what must come of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The credential.
    pub credential: Credential,
    /// Where and how it is sent.
    pub target: Target,
    /// What must come of it.
    pub outcome: Outcome,
}

/// The credential of a request.
#[derive(Clone, Debug)]
pub enum Credential {
    /// `again`: the person's last token once more, a session where the worker remembers it.
    Again(String),
    /// `login`: a new token.
    New(Box<Login>),
    /// `request`: none, but what `headers` hold.
    None,
    /// `token`: this text.
    Text(String),
}

/// A new token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The person: `ada` has the subject `ada` and the email `ada@` the parent's first domain.
    pub login: String,
    /// The `groups` claim.
    pub groups: Option<Vec<String>>,
    /// Further claims, or others in place of the usual ones.
    #[serde(default)]
    pub claims: Members,
    /// Claims that are left out.
    #[serde(default)]
    pub without: Vec<String>,
    /// `iat`, in seconds from now. Without it each step's is later than the one before, and all are past.
    pub iat: Option<i64>,
    /// `exp`, in seconds from now. Without it, an hour.
    pub exp: Option<i64>,
    /// `nbf`, in seconds from now. Without it, there is none.
    pub nbf: Option<i64>,
    /// The algorithm. Without it, EdDSA.
    pub alg: Option<String>,
    /// Whose key signs.
    #[serde(default)]
    pub key: KeyRing,
    /// Another `kid`; `null` for none.
    #[serde(default, deserialize_with = "nullable")]
    pub kid: Option<Option<String>>,
    /// A whole header in place of the usual one; the signature is Ed25519.
    pub header: Option<Members>,
    /// The connection by which the person comes. Without it, the organization's first.
    pub connection: Option<String>,
    /// What is done to the token.
    pub forge: Option<Forgery>,
}

/// Where and how a request is sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Target {
    /// The organization that is meant. Without it, the first.
    pub organization: Option<String>,
    /// The host. Without it, the organization's first.
    pub host: Option<String>,
    /// The path. Without it, `/`.
    pub path: Option<String>,
    /// The method. Without it, `GET`.
    pub method: Option<String>,
    /// Where the token goes: `bearer` (without it), `cookie NAME`, `header NAME`.
    pub via: Option<String>,
    /// Further headers, in order.
    pub headers: Vec<(String, String)>,
}

/// What must come of a request; exactly one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `allow`: let in with these tags.
    Allow(Tags),
    /// `deny`: turned away.
    Deny(Reason),
    /// `pass: true`: reaches the upstream without any tag.
    Pass,
}

/// What the upstream sees of who was let in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tags {
    /// The role.
    pub role: String,
    /// The seat tier; without it, there must be none.
    pub seat_tier: Option<String>,
    /// The email. Without it, the person's usual one.
    pub email: Option<String>,
    /// The subject. Without it, the person's name.
    pub subject: Option<String>,
}

/// Something done by hand.
#[derive(Clone, Debug)]
pub struct ByHand {
    /// What is done.
    pub deed: Deed,
    /// The organization. Without it, the first.
    pub organization: Option<String>,
    /// The code with which it must be refused, if it must.
    pub refused: Option<String>,
}

/// What is done by hand, and to whom: a person, or an email.
#[derive(Clone, Debug)]
pub enum Deed {
    /// `activate`
    Activate(String),
    /// `add`
    Add(Add),
    /// `change`
    Change(Change),
    /// `remove`
    Remove(String),
    /// `suspend`
    Suspend(String),
    /// `unlink`
    Unlink(String),
}

/// A member is added.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// The person, or an email.
    pub add: String,
    /// The role, if one is given.
    pub role: Option<String>,
    /// The tier, if one is given.
    pub seat_tier: Option<String>,
}

/// A member is changed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The person, or an email.
    pub change: String,
    /// The new role.
    pub role: Option<String>,
    /// The new tier; `null` takes the seat away.
    #[serde(default, deserialize_with = "nullable")]
    pub seat_tier: Option<Option<String>>,
}

/// How the neighbours are from now on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbours {
    /// The membership store.
    pub store: Option<StoreHealth>,
    /// The key server.
    pub keys: Option<KeyHealth>,
}

/// How the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreHealth {
    /// It answers 500.
    Down,
    /// It works.
    Up,
}

/// How the key server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyHealth {
    /// It answers 500.
    Down,
    /// It serves the keys after a rotation.
    Rotated,
    /// It serves the keys that the policy trusts.
    Up,
}

/// What must hold after a step.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct After {
    /// All members of the organization, by person or email.
    pub members: Option<BTreeMap<String, MemberLooks>>,
    /// The seats of the organization.
    pub seats: Option<SeatsLook>,
    /// The organization that is looked at. Without it, the first.
    pub of: Option<String>,
}

/// What is looked at in a member; what is not written is not looked at, but the status.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberLooks {
    /// The status; `active`.
    #[serde(default = "active")]
    pub status: String,
    /// The role.
    pub role: Option<String>,
    /// The tier; `null` for none.
    #[serde(default, deserialize_with = "nullable")]
    pub seat_tier: Option<Option<String>>,
    /// How they came.
    pub source: Option<String>,
    /// The subject they are linked to; `null` for not linked.
    #[serde(default, deserialize_with = "nullable")]
    pub subject: Option<Option<String>>,
    /// Whether they are the primary owner.
    pub primary_owner: Option<bool>,
}

/// The seats in use.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatsLook {
    /// Used seats, by tier.
    #[serde(default)]
    pub used: BTreeMap<String, u64>,
    /// Members who wait for one.
    #[serde(default)]
    pub pending: u64,
}

const TARGET: [&str; 6] = ["organization", "host", "path", "method", "via", "headers"];
const OUTCOME: [&str; 3] = ["allow", "deny", "pass"];
const AFTER: [&str; 3] = ["members", "seats", "of"];

impl Step {
    /// Reads one step.
    ///
    /// # Errors
    /// It is none: an unknown field, two actions, or an outcome that is missing.
    pub fn read(step: &Value) -> Result<Self> {
        let Value::Object(step) = step else { bail!("a step is a map") };
        let mut step = step.clone();
        let after = typed(split(&mut step, &AFTER))?;
        Ok(Self { action: Action::read(step)?, after })
    }
}

impl Action {
    fn read(mut step: Members) -> Result<Self> {
        if step.is_empty() {
            return Ok(Self::Look);
        }
        if step.contains_key("store") || step.contains_key("keys") {
            return Ok(Self::Neighbours(typed(step)?));
        }
        for verb in ["login", "again", "request", "token"] {
            if step.contains_key(verb) {
                return Ok(Self::Request(Box::new(Request {
                    target: typed(split(&mut step, &TARGET))?,
                    outcome: Outcome::read(split(&mut step, &OUTCOME))?,
                    credential: Credential::read(verb, step)?,
                })));
            }
        }
        let mut rest = split(&mut step, &["organization", "refused"]);
        Ok(Self::ByHand(ByHand {
            deed: Deed::read(step)?,
            organization: text(&mut rest, "organization")?,
            refused: text(&mut rest, "refused")?,
        }))
    }
}

impl Credential {
    fn read(verb: &str, mut step: Members) -> Result<Self> {
        if verb == "login" {
            return Ok(Self::New(Box::new(typed(step)?)));
        }
        let value = step.remove(verb);
        if let Some(unknown) = step.keys().next() {
            bail!("unknown field `{unknown}`");
        }
        match (verb, value) {
            ("again", Some(Value::String(person))) => Ok(Self::Again(person)),
            ("token", Some(Value::String(text))) => Ok(Self::Text(text)),
            ("request", Some(Value::String(text))) if text == "without token" => Ok(Self::None),
            _ => bail!("`again` names a person, `token` is a text, `request` says `without token`"),
        }
    }
}

impl Outcome {
    fn read(fields: Members) -> Result<Self> {
        let mut fields = fields.into_iter();
        let outcome = match fields.next() {
            Some((name, value)) if name == "allow" => Self::Allow(serde_json::from_value(value)?),
            Some((name, value)) if name == "deny" => Self::Deny(serde_json::from_value(value)?),
            Some((name, Value::Bool(true))) if name == "pass" => Self::Pass,
            _ => bail!("a request has one of `allow: {{…}}`, `deny: reason`, `pass: true`"),
        };
        if fields.next().is_some() {
            bail!("a request has only one of `allow`, `deny`, `pass`");
        }
        Ok(outcome)
    }
}

impl Deed {
    fn read(mut step: Members) -> Result<Self> {
        if step.contains_key("add") {
            return Ok(Self::Add(typed(step)?));
        }
        if step.contains_key("change") {
            return Ok(Self::Change(typed(step)?));
        }
        for verb in ["activate", "remove", "suspend", "unlink"] {
            let Some(person) = text(&mut step, verb)? else { continue };
            if let Some(unknown) = step.keys().next() {
                bail!("unknown field `{unknown}`");
            }
            return Ok(match verb {
                "activate" => Self::Activate(person),
                "remove" => Self::Remove(person),
                "suspend" => Self::Suspend(person),
                _ => Self::Unlink(person),
            });
        }
        bail!("no action: {}", Value::Object(step))
    }
}

/// Takes some fields out of a step.
fn split(step: &mut Members, names: &[&str]) -> Members {
    names.iter().filter_map(|name| step.remove_entry(*name)).collect()
}

fn typed<T: DeserializeOwned>(fields: Members) -> Result<T> {
    Ok(serde_json::from_value(Value::Object(fields))?)
}

fn text(fields: &mut Members, name: &str) -> Result<Option<String>> {
    fields.remove(name).map(|value| serde_json::from_value(value).with_context(|| format!("`{name}`"))).transpose()
}

/// Tells a field that is `null` from one that is absent.
fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

fn active() -> String {
    "active".to_owned()
}
