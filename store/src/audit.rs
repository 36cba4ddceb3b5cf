//! The audit: who changed what, when, why, by which request. It is appended to in the transaction of the change itself.

use serde_json::{Value, json};
use usher_policy::id::{MemberId, OrganizationId, ParentId};
use usher_policy::member::Member;
use usher_policy::model::Organization;
use usher_policy::rules::effects::{Change, Effects};

use crate::in_force::InForce;
use crate::token_use::{Attempts, Refused};

/// Most people whom one entry names; it tells the number of all.
pub(crate) const MAX_NAMED: usize = 100;

/// The longest part of why a policy was refused, in characters; the log has all of it.
const MAX_WHY: usize = 1_000;

/// Who made a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Actor {
    /// A person or tool with an administrator's token, by its name in the policy.
    Administrator(String),
    /// A parent's identity provider, by SCIM.
    Directory(ParentId),
    /// A login that the filter brought.
    Filter,
    /// The store itself, at its start or by a new policy file.
    Store,
    /// A reconciliation that an administrator asked for, by its name.
    Sync(String),
}

impl Actor {
    /// What kind of actor: stable, for filters and reports.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Administrator(_) => "administrator",
            Self::Directory(_) => "directory",
            Self::Filter => "filter",
            Self::Store => "store",
            Self::Sync(_) => "sync",
        }
    }

    /// Which of its kind.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Administrator(name) | Self::Sync(name) => name,
            Self::Directory(parent) => parent.as_str(),
            Self::Filter | Self::Store => "",
        }
    }
}

/// By whom and by which request a change came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) actor: Actor,
    /// The request's id; empty where there was none.
    pub(crate) request_id: String,
}

/// One entry, before it has a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) cause: Cause,
    /// Whose directory, members or organizations; nothing for what concerns all.
    pub(crate) parent: Option<ParentId>,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) member: Option<MemberId>,
    /// What was done: `member_created`, `policy_replaced` …
    pub(crate) action: &'static str,
    /// Why: the plan or the reason of a login, or what an operator asked for.
    pub(crate) reason: String,
    /// What the rules noted: `last_owner`, `linked` …
    pub(crate) notes: Vec<&'static str>,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
    /// Seconds since the Unix epoch.
    pub(crate) at: u64,
}

/// An entry as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Its place: later entries have greater ones.
    pub(crate) position: u64,
    pub(crate) actor: String,
    pub(crate) actor_name: String,
    pub(crate) request_id: String,
    pub(crate) parent: Option<String>,
    pub(crate) organization: Option<String>,
    pub(crate) member: Option<String>,
    pub(crate) action: String,
    pub(crate) reason: String,
    pub(crate) notes: Vec<String>,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
    pub(crate) at: u64,
}

/// Which entries are read; everything that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuditFilter {
    /// Entries of these parents alone.
    pub(crate) parents: Option<Vec<ParentId>>,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) member: Option<MemberId>,
    /// Not before this second since the Unix epoch.
    pub(crate) since: u64,
}

/// What a decision about a member leaves in the audit; nothing where only times changed and nothing is noted.
pub(crate) fn of_member(
    organization: &Organization,
    before: Option<&Member>,
    effects: &Effects,
    cause: &Cause,
    reason: &str,
    at: u64,
) -> Option<Entry> {
    let (action, before, after) = match &effects.change {
        Some(Change::Create(member)) => ("member_created", None, Some(member)),
        Some(Change::Remove(member)) => ("member_removed", Some(member), None),
        Some(Change::Update(member)) => ("member_changed", before, Some(member)),
        None => ("member_kept", before, before),
    };
    let member = after.or(before).map(|member| member.id.clone());
    let (seen_before, seen_after) = (before.map(seen), after.map(seen));
    if seen_before == seen_after && effects.notes.is_empty() {
        return None;
    }
    Some(Entry {
        member,
        reason: reason.to_owned(),
        notes: effects.notes.iter().map(|note| note.name()).collect(),
        before: seen_before,
        after: seen_after,
        ..of_organization(organization, action, cause, at)
    })
}

/// What removals that wait for an operator's word leave in the audit: how many, and who.
pub(crate) fn of_held(organization: &Organization, held: &[Member], cause: &Cause, reason: &str, at: u64) -> Entry {
    let emails: Vec<_> = held.iter().take(MAX_NAMED).map(|member| &member.email).collect();
    Entry {
        reason: reason.to_owned(),
        after: Some(json!({"removals": held.len(), "emails": emails})),
        ..of_organization(organization, "removals_held", cause, at)
    }
}

/// What a reconciliation that came to its end, or had to stop, leaves in the audit.
pub(crate) fn of_sync(parent: &ParentId, counts: Value, cause: &Cause, at: u64) -> Entry {
    let (reason, after) = ("sync".to_owned(), Some(counts));
    Entry { parent: Some(parent.clone()), reason, after, ..of_nobody("synced", cause.clone(), at) }
}

/// What a change of a directory leaves in the audit.
pub(crate) fn of_directory(
    parent: &ParentId,
    action: &'static str,
    before: Option<Value>,
    after: Option<Value>,
    cause: &Cause,
    at: u64,
) -> Entry {
    Entry { parent: Some(parent.clone()), before, after, ..of_nobody(action, cause.clone(), at) }
}

/// What a policy that comes in force leaves in the audit.
pub(crate) fn of_policy(before: Option<&InForce>, after: &InForce, at: u64) -> Entry {
    Entry {
        reason: if before.is_some() { "the policy file changed" } else { "start" }.to_owned(),
        before: before.map(seen_policy),
        after: Some(seen_policy(after)),
        ..of_nobody("policy_in_force", of_the_store(), at)
    }
}

/// What the first use of a token leaves in the audit.
pub(crate) fn of_token(cause: Cause, at: u64) -> Entry {
    let parent = match &cause.actor {
        Actor::Directory(parent) => Some(parent.clone()),
        Actor::Administrator(_) | Actor::Filter | Actor::Store | Actor::Sync(_) => None,
    };
    let reason = "the first time with this policy in this replica".to_owned();
    Entry { parent, reason, ..of_nobody("token_used", cause, at) }
}

/// What refused tokens leave in the audit. Who may see a parent's entries sees those of tokens that nobody has.
pub(crate) fn of_refused_tokens(refused: &Refused, attempts: &Attempts, at: u64) -> Entry {
    let cause = Cause { actor: Actor::Store, request_id: attempts.request_id.clone() };
    let holder = refused.holder.as_ref();
    let seen = json!({
        "attempts": attempts.count,
        "first_at": attempts.first,
        "last_at": attempts.last,
        "opens": refused.opens,
        "token_of": holder.map(Actor::kind),
        "token_name": holder.map(Actor::name).filter(|name| !name.is_empty()),
        "asked_for": refused.parent,
    });
    Entry {
        parent: refused.parent.clone().filter(|_| holder.is_none()),
        reason: if holder.is_some() { "another's token" } else { "unknown token" }.to_owned(),
        after: Some(seen),
        ..of_nobody("token_refused", cause, at)
    }
}

/// What a policy that could not be put in force leaves in the audit.
pub(crate) fn of_refused_policy(in_force: &InForce, why: &str, at: u64) -> Entry {
    let (reason, seen) = (why.chars().take(MAX_WHY).collect(), seen_policy(in_force));
    Entry { reason, before: Some(seen.clone()), after: Some(seen), ..of_nobody("policy_refused", of_the_store(), at) }
}

/// An entry about an organization.
fn of_organization(organization: &Organization, action: &'static str, cause: &Cause, at: u64) -> Entry {
    let (parent, id) = (organization.parent.id.clone(), organization.id.clone());
    Entry { parent: Some(parent), organization: Some(id), ..of_nobody(action, cause.clone(), at) }
}

/// An entry about nobody's directory, members or organizations.
fn of_nobody(action: &'static str, cause: Cause, at: u64) -> Entry {
    Entry {
        cause,
        parent: None,
        organization: None,
        member: None,
        action,
        reason: String::new(),
        notes: Vec::new(),
        before: None,
        after: None,
        at,
    }
}

/// What the store does by itself.
fn of_the_store() -> Cause {
    Cause { actor: Actor::Store, request_id: String::new() }
}

/// What of a policy the audit shows.
fn seen_policy(in_force: &InForce) -> Value {
    json!({"digest": in_force.digest, "organizations": in_force.policy.organizations.len()})
}

/// What of a member the audit shows: not its times.
fn seen(member: &Member) -> Value {
    let identity = member.identity.as_ref();
    json!({
        "email": member.email,
        "name": member.name,
        "issuer": identity.map(|identity| &identity.issuer),
        "subject": identity.map(|identity| &identity.subject),
        "external_id": member.external_id,
        "role": member.role,
        "seat_tier": member.seat_tier,
        "status": member.status,
        "source": member.source,
    })
}
