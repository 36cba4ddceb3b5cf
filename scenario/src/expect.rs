//! What a step expects, as the file writes it, and what was seen, in the same words: where they are equal, it holds.

use serde_json::{Map, Value, json};
use usher_policy::Reason;

use crate::ask::Ask;

/// What must come of a step: the fields as they are written, all of them known and possible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected(pub(crate) Map<String, Value>);

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Let in; all that the upstream saw of it.
    Allow {
        /// The organization.
        organization: String,
        /// The other tags, none left out.
        tags: Tags,
    },
    /// Turned away.
    Deny(Reason),
    /// Reached the upstream without any tag.
    Pass,
}

/// What the upstream sees of who was let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// The role.
    pub role: String,
    /// The seat tier, if there is one.
    pub seat_tier: Option<String>,
    /// The email.
    pub email: String,
    /// The subject.
    pub subject: String,
}

/// The fields that say what must come of a request; a request has exactly one of them.
pub const OUTCOMES: [&str; 3] = ["allow", "deny", "pass"];

impl Expected {
    /// A field, where the file has it.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All fields, by name.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The reason with which a request must be denied, if it must.
    pub fn denied(&self) -> Option<Reason> {
        Reason::from_code(self.field("deny")?.as_str()?)
    }
}

/// What came of a request, told in the fields in which `expected` tells it.
pub fn outcome(expected: &Expected, seen: &Seen, ask: &Ask) -> Map<String, Value> {
    let mut fields = Map::new();
    match seen {
        Seen::Pass => fields.insert("pass".to_owned(), json!(true)),
        Seen::Deny(reason) => fields.insert("deny".to_owned(), json!(reason.code())),
        Seen::Allow { organization, tags } => {
            let written = expected.field("allow").and_then(Value::as_object);
            fields.insert("allow".to_owned(), Value::Object(told_tags(written, organization, tags, ask)))
        }
    };
    fields
}

fn told_tags(written: Option<&Map<String, Value>>, organization: &str, tags: &Tags, ask: &Ask) -> Map<String, Value> {
    let is_written = |name: &str| written.is_some_and(|written| written.contains_key(name));
    let usual = ask.person.as_ref();
    let mut told = Map::new();
    told.insert("role".to_owned(), json!(tags.role));
    if tags.seat_tier.is_some() || is_written("seat_tier") {
        told.insert("seat_tier".to_owned(), json!(tags.seat_tier));
    }
    if is_written("email") || usual.is_none_or(|person| person.email != tags.email) {
        told.insert("email".to_owned(), json!(tags.email));
    }
    if is_written("subject") || usual.is_none_or(|person| person.subject != tags.subject) {
        told.insert("subject".to_owned(), json!(tags.subject));
    }
    // No file can expect this: the request reached another organization than the one that was meant.
    if organization != ask.organization {
        told.insert("organization".to_owned(), json!(organization));
    }
    told
}

/// The members, told as `written` tells them. `email` names a person's email, `person` the other way round.
pub fn members(
    written: &Map<String, Value>,
    members: &[Value],
    email: impl Fn(&str) -> String,
    person: impl Fn(&str) -> String,
) -> Map<String, Value> {
    let mut told = Map::new();
    for member in members {
        let their_email = member.get("email").and_then(Value::as_str).unwrap_or_default();
        let entry = written.iter().find(|(name, _)| email(name).eq_ignore_ascii_case(their_email));
        let (name, looks) = match entry {
            Some((name, looks)) => (name.clone(), told_member(looks, member)),
            None => (person(their_email), told_stranger(member)),
        };
        told.insert(name, looks);
    }
    told
}

fn told_member(written: &Value, member: &Value) -> Value {
    let mut told = Map::new();
    for name in written.as_object().into_iter().flat_map(Map::keys) {
        told.insert(name.clone(), member.get(name).cloned().unwrap_or_default());
    }
    tell_status(member, &mut told);
    Value::Object(told)
}

/// One whom the file does not expect: what one would write about them.
fn told_stranger(member: &Value) -> Value {
    let mut told = Map::new();
    for name in ["role", "seat_tier"] {
        if let Some(value) = member.get(name).filter(|value| !value.is_null()) {
            told.insert(name.to_owned(), value.clone());
        }
    }
    tell_status(member, &mut told);
    Value::Object(told)
}

/// Who is active needs no word about it.
fn tell_status(member: &Value, told: &mut Map<String, Value>) {
    match member.get("status") {
        Some(status) if status != "active" => {
            told.insert("status".to_owned(), status.clone());
        }
        _ => {}
    }
}

/// The seats, told as `written` tells them.
pub fn seats(written: &Map<String, Value>, seats: &Value) -> Map<String, Value> {
    let mut told = Map::new();
    if let Some(used) = written.get("used").and_then(Value::as_object) {
        let rows: Vec<&Value> = seats.get("tiers").and_then(Value::as_array).into_iter().flatten().collect();
        let used_of = |tier: &String| {
            let row = rows.iter().find(|row| row.get("tier").and_then(Value::as_str) == Some(tier));
            row.and_then(|row| row.get("used")).cloned().unwrap_or_default()
        };
        let used = used.keys().map(|tier| (tier.clone(), used_of(tier))).collect();
        told.insert("used".to_owned(), Value::Object(used));
    }
    let pending = seats.get("pending").cloned().unwrap_or_default();
    if written.contains_key("pending") || pending != json!(0) {
        told.insert("pending".to_owned(), pending);
    }
    told
}

/// What a step changed, told as `written` tells it: the members before it and after it, compared by id.
pub fn writes(
    written: &Value,
    before: &[Value],
    after: &[Value],
    email: impl Fn(&str) -> String,
    person: impl Fn(&str) -> String,
) -> Value {
    let find = |members: &[Value], member: &Value| {
        members.iter().find(|known| known.get("id") == member.get("id")).map(record)
    };
    let in_order = |field: &str, emails: Vec<&str>| -> Value {
        let mut rest: Vec<&str> = emails;
        let mut names = Vec::new();
        // Who is written stands where they are written.
        for name in written.get(field).and_then(Value::as_array).into_iter().flatten() {
            let wanted = email(name.as_str().unwrap_or_default());
            if let Some(index) = rest.iter().position(|known| known.eq_ignore_ascii_case(&wanted)) {
                rest.remove(index);
                names.push(name.clone());
            }
        }
        rest.sort_unstable();
        names.extend(rest.into_iter().map(|email| json!(person(email))));
        Value::Array(names)
    };
    let emails = |members: &[Value], wanted: &dyn Fn(&Value) -> bool| -> Vec<String> {
        let chosen = members.iter().filter(|member| wanted(member));
        chosen.filter_map(|member| Some(member.get("email")?.as_str()?.to_owned())).collect()
    };
    let created = emails(after, &|member| find(before, member).is_none());
    let changed = emails(after, &|member| find(before, member).is_some_and(|was| was != record(member)));
    let removed = emails(before, &|member| find(after, member).is_none());
    let mut told = Map::new();
    for (field, emails) in [("created", created), ("changed", changed), ("removed", removed)] {
        let is_written_empty = written.get(field).and_then(Value::as_array).is_some_and(Vec::is_empty);
        if !emails.is_empty() || is_written_empty {
            told.insert(field.to_owned(), in_order(field, emails.iter().map(String::as_str).collect()));
        }
    }
    if told.is_empty() { json!("nothing") } else { Value::Object(told) }
}

/// What is written about a member, without the times at which it was.
fn record(member: &Value) -> Map<String, Value> {
    const FIELDS: [&str; 9] =
        ["email", "name", "issuer", "subject", "role", "seat_tier", "status", "source", "primary_owner"];
    FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), member.get(*name)?.clone()))).collect()
}
