//! A history as a scenario file, with what the oracle expects: to be read, played by the project's runner, and kept.

use serde_json::{Map, Value, json};

use super::history::{Edit, Groups, History, Login, Row, START, Step, Verdict};
use super::oracle::{Handled, Oracle};
use super::policy::Policy;
use super::yaml;

/// The file's text. Members and seats stand where a step changes them, and after the last.
pub(crate) fn file(history: &History, about: &str, name: &str) -> String {
    let writer = Writer::new(history);
    let policy = writer.policy(&history.policy);
    let mut text = format!("about: {about}\nbase: ../policies/claude.yaml\npolicy:\n");
    yaml::block(&mut text, 2, &policy);
    text += &format!("scenarios:\n- name: {name}\n");
    let mut oracle = Oracle::new(history.policy.clone(), START);
    let (before, steps) = history.steps.split_at(beginning(&history.steps));
    if !before.is_empty() {
        text += "  before:\n";
        yaml::block(&mut text, 4, &json!({"members": provisioned(&mut oracle, before)}));
    }
    text += "  steps:\n";
    for (at, step) in steps.iter().enumerate() {
        match writer.step(&mut oracle, step, at + 1 == steps.len()) {
            Some(step) => yaml::item(&mut text, 2, &step),
            // The format has no such step: what follows may not be played as it is meant.
            None => text += &format!("  # {step}\n"),
        }
    }
    text
}

/// Whether the format has every step of a history.
pub(crate) fn is_whole(history: &History) -> bool {
    history.steps.iter().skip(beginning(&history.steps)).all(|step| match step {
        Step::Edit { email, edit } => deed(email, edit).is_some(),
        Step::Add { .. } | Step::Login(_) | Step::Remove { .. } => true,
        Step::Directory(_) | Step::Policy(_) | Step::Provision { .. } | Step::Wait(_) => false,
    })
}

/// How many steps say who is there before anything happens.
fn beginning(steps: &[Step]) -> usize {
    steps.iter().take_while(|step| matches!(step, Step::Provision { .. })).count()
}

/// The members that the directory has made already.
fn provisioned(oracle: &mut Oracle, before: &[Step]) -> Value {
    let mut members = Map::new();
    for step in before {
        let Step::Provision { email, external_id } = step else { continue };
        oracle.provision(email, *external_id);
        let Some(row) = oracle.rows().pop().filter(|row| row.email == *email) else { continue };
        let mut member = json!({"role": row.role, "source": "scim", "subject": null});
        if row.status != "active" {
            member["status"] = json!(row.status);
        }
        if let Some(id) = external_id {
            member["external_id"] = json!(id);
        }
        members.insert(person(email).to_owned(), member);
    }
    Value::Object(members)
}

/// What of a history needs to be said.
struct Writer {
    asks_for_assignment: bool,
    links_by_id: bool,
}

impl Writer {
    fn new(history: &History) -> Self {
        let asks = |step: &Step| matches!(step, Step::Login(login) if !login.assigned);
        Self {
            asks_for_assignment: history.steps.iter().any(asks),
            links_by_id: history.policy.connections.iter().any(|(_, links_by)| *links_by == "external_id"),
        }
    }

    /// What the policy has other than the base.
    fn policy(&self, policy: &Policy) -> Value {
        let file = policy.file();
        let mut connections = Value::clone(&file["parents"][0]["connections"]);
        for connection in connections.as_array_mut().unwrap() {
            let connection = connection.as_object_mut().unwrap();
            connection.remove("jwks");
            connection.insert("clock_skew".to_owned(), json!("300s"));
            if !self.links_by_id {
                connection.remove("claims");
                connection.remove("scim_match");
            }
            if self.asks_for_assignment {
                connection.insert("assignment".to_owned(), json!({"claim": "roles", "any_of": ["usher"]}));
            }
        }
        let mut organization = Value::clone(&file["parents"][0]["organizations"][0]);
        let fields = organization.as_object_mut().unwrap();
        fields.remove("id");
        fields.remove("hosts");
        if policy.access.is_empty() {
            fields.remove("access");
        }
        if policy.removals_by_login == 100 {
            fields.remove("guards");
        }
        let mut changes = json!({"parent": {"plan": policy.plan, "connections": connections}});
        if policy.mode == "scim" {
            changes["parent"]["directory"] = json!({"scim": true, "token_env": "USHER_TEST_SCIM_TOKEN"});
        }
        changes["organization"] = organization;
        if let Some(products) = file.get("products") {
            changes["options"] = json!({"products": products});
        }
        changes
    }

    /// Takes the step by the oracle, and says what came of it. Nothing for a step that the format does not have.
    fn step(&self, oracle: &mut Oracle, step: &Step, is_last: bool) -> Option<Value> {
        let (rows, seats) = (oracle.rows(), oracle.seats());
        let mut written = match step {
            Step::Add { email, role, tier } => {
                let handled = oracle.add(email, *role, *tier);
                refusable(json!({"add": person(email), "role": role, "seat_tier": tier}), handled)
            }
            Step::Edit { email, edit } => refusable(deed(email, edit)?, oracle.edit(email, edit)?),
            Step::Remove { email } => refusable(json!({"remove": person(email)}), oracle.remove(email)?),
            Step::Login(login) => self.login(login, oracle.now, oracle.login(login)),
            Step::Policy(policy) => {
                oracle.policy = (**policy).clone();
                return None;
            }
            Step::Directory(user) => {
                oracle.directory(user);
                return None;
            }
            Step::Provision { email, external_id } => {
                oracle.provision(email, *external_id);
                return None;
            }
            Step::Wait(seconds) => {
                oracle.now += seconds;
                return None;
            }
        };
        let fields = written.as_object_mut().unwrap();
        fields.retain(|_, value| !value.is_null());
        // To take the seat away is to say so.
        if matches!(step, Step::Edit { edit: Edit { tier: Some(None), .. }, .. }) {
            fields.insert("seat_tier".to_owned(), Value::Null);
        }
        if is_last || oracle.rows() != rows {
            fields.insert("members".to_owned(), members(oracle));
        }
        if !oracle.policy.product.tiers.is_empty() && (is_last || oracle.seats() != seats) {
            let held = oracle.seats();
            let used = oracle.policy.product.tiers.iter().map(|tier| (*tier).to_owned());
            let used: Map<String, Value> = used.zip(held.taken.into_iter().map(Value::from)).collect();
            fields.insert("seats".to_owned(), json!({"used": used, "pending": held.pending}));
        }
        Some(written)
    }

    fn login(&self, login: &Login, now: u64, verdict: Verdict) -> Value {
        let mut claims = Map::new();
        if !login.email.eq_ignore_ascii_case(&format!("{}@acme.example", login.subject)) {
            claims.insert("email".to_owned(), json!(login.email));
        }
        if self.links_by_id
            && let Some(id) = login.external_id
        {
            claims.insert("oid".to_owned(), json!(id));
        }
        // Without a word, the assertion shows the assignment that the connection asks for.
        if !login.assigned {
            claims.insert("roles".to_owned(), json!([]));
        }
        let groups = match &login.groups {
            Groups::Listed(groups) => json!(groups),
            Groups::Missing => Value::Null,
            Groups::Overage => {
                claims.insert("hasgroups".to_owned(), json!(true));
                Value::Null
            }
        };
        let mut step = json!({
            "login": login.subject,
            "groups": groups,
            "claims": if claims.is_empty() { Value::Null } else { Value::Object(claims) },
            "iat": i64::try_from(login.issued_at(now)).unwrap() - i64::try_from(START).unwrap(),
            "connection": if login.connection == 0 { None } else { Some("entra") },
            "method": Some(login.method).filter(|method| *method != "GET"),
            "path": Some(login.path).filter(|path| *path != "/"),
        });
        match verdict {
            Ok(entry) => {
                let usual = format!("{}@acme.example", login.subject);
                step["allow"] = json!({"role": entry.role});
                if let Some(tier) = entry.tier {
                    step["allow"]["seat_tier"] = json!(tier);
                }
                if entry.email != usual {
                    step["allow"]["email"] = json!(entry.email);
                }
            }
            Err(reason) => step["deny"] = json!(reason),
        }
        step
    }
}

/// The step, and the code with which it must be refused; where several would be right, the first.
fn refusable(mut step: Value, handled: Handled) -> Value {
    if let Err(right) = handled {
        step["refused"] = json!(right[0]);
    }
    step
}

/// What is done to a member by hand; nothing where it is more than the format has one step for.
fn deed(email: &str, edit: &Edit) -> Option<Value> {
    let person = person(email);
    match edit {
        Edit { role: None, tier: None, status: Some("active"), unlink: false } => Some(json!({"activate": person})),
        Edit { role: None, tier: None, status: Some("suspended"), unlink: false } => Some(json!({"suspend": person})),
        Edit { role: None, tier: None, status: None, unlink: true } => Some(json!({"unlink": person})),
        Edit { role, tier, status: None, unlink: false } => {
            Some(json!({"change": person, "role": role, "seat_tier": tier.flatten()}))
        }
        _ => None,
    }
}

fn members(oracle: &Oracle) -> Value {
    let row = |row: Row| {
        let mut looks = json!({"role": row.role});
        if row.status != "active" {
            looks["status"] = json!(row.status);
        }
        if !oracle.policy.product.tiers.is_empty() {
            looks["seat_tier"] = json!(row.tier);
        }
        looks["source"] = json!(row.source);
        looks["subject"] = json!(row.identity.map(|(_, subject)| subject));
        if oracle.policy.primary_owner.is_some() {
            looks["primary_owner"] = json!(row.primary_owner);
        }
        (person(&row.email).to_owned(), looks)
    };
    oracle.rows().into_iter().map(row).collect()
}

/// A person's name, where it says the email.
fn person(email: &str) -> &str {
    email.strip_suffix("@acme.example").unwrap_or(email)
}
