//! What a login does to the membership: the store's decision, pure; it reads facts and answers effects (design §2).

mod case;
#[cfg(test)]
mod tests;
mod write;

pub(super) use self::case::is_last_owner;
pub use self::case::is_primary_owner;
use self::case::{Case, Found};
use super::effects::{Effects, Note, Ticket};
use super::plan::Plan;
use super::seats::Taken;
use crate::id::{MemberId, Role};
use crate::member::{Member, Status};
use crate::model::Organization;
use crate::wire::{Answer, Login, LoginAnswer, MemberFacts};

/// What the store read, in the transaction in which it will write.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The member linked to this (issuer, subject).
    pub linked: Option<Member>,
    /// The member with the assertion's email, linked or not.
    pub by_email: Option<Member>,
    /// The members with the assertion's external id, where the connection links by it (never more than 2 need be read).
    pub by_external_id: Vec<Member>,
    /// What is kept about this identity's assertions.
    pub ticket: Option<Ticket>,
    /// The `not_before` kept for the assertion's email.
    pub email_not_before: Option<u64>,
    /// Active members with the top role (never more than 2 need be counted).
    pub active_owners: u32,
    /// Whether some member already answers to the policy's `primary_owner`.
    pub primary_owner_taken: bool,
    /// Seats taken, by tier.
    pub taken: Taken,
    /// Removals by logins in the last hour.
    pub removals_last_hour: u32,
    /// The id that a new member gets.
    pub new_id: MemberId,
    /// The store's clock, whole seconds since the Unix epoch.
    pub now: u64,
}

/// What came of a login, and what is written for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The answer to the filter.
    pub answer: Answer,
    /// The member after this login, where the answer has one.
    pub member: Option<Member>,
    /// What is written.
    pub effects: Effects,
}

impl Outcome {
    /// The answer as the filter reads it, where there is no change feed that it could have a position in.
    pub fn into_answer(self) -> LoginAnswer {
        let member = self.member.map(|member| MemberFacts {
            id: member.id,
            email: member.email,
            role: member.role,
            seat_tier: member.seat_tier,
            status: member.status,
            source: member.source,
        });
        LoginAnswer { answer: self.answer, member, position: String::new() }
    }
}

/// Decides one login. The plan must fit the organization (`plan::fits`).
pub fn decide(organization: &Organization, login: &Login, facts: &Facts) -> Outcome {
    let case = Case { organization, login, facts };
    let outcome = match course(&case) {
        Course::Answer(answer) => Outcome { answer, member: None, effects: Effects::default() },
        Course::Create { role, primary_owner } => write::create(&case, role, primary_owner),
        Course::HoldBack => write::hold_back(),
        Course::Keep(note) => write::keep(&case, note),
        Course::Remove(member) => write::remove(&case, member),
        Course::Renew { member, primary_owner } => write::renew(&case, member, primary_owner),
        Course::Stored(member) => {
            Outcome { answer: write::answer(member), member: Some(member.clone()), effects: Effects::default() }
        }
    };
    write::with_last_iat(&case, outcome)
}

/// What becomes of a login.
enum Course<'a> {
    /// Only the answer.
    Answer(Answer),
    /// A new member.
    Create { role: &'a Role, primary_owner: bool },
    /// No removal, and no session ends either.
    HoldBack,
    /// No removal, but what was signed up to now opens nothing any more.
    Keep(Option<Note>),
    /// The record goes, the seat is freed, what was signed up to now opens nothing any more.
    Remove(&'a Member),
    /// Linked, where it is not yet; person, role and seat renewed.
    Renew { member: &'a Member, primary_owner: bool },
    /// The member as it is stored.
    Stored(&'a Member),
}

/// Design §2 for one login: the first line that holds, in the order of the reasons ("Precedence").
fn course<'a>(case: &'a Case<'_>) -> Course<'a> {
    let is_older = case.is_older();
    let turned_away = case.turns_away();
    let becomes_owner = case.is_first_login_of_primary_owner();
    // "`remove` matches (issuer, subject) only, never an email: it links nothing and conflicts with nobody"; an older login
    // links nobody either.
    let found = if turned_away || is_older { case.linked() } else { case.find() };
    match found {
        // "Another subject with that email is `identity_conflict`, as are two candidates for one link."
        Found::Conflict => Course::Answer(Answer::Conflict),
        // "A revoked or suspended identity is never removed by a login."
        Found::Member(member) if member.status == Status::Suspended => Course::Stored(member),

        // A plan to remove, "answered with its own reason, however often it comes".
        Found::Nobody if turned_away => Course::Answer(Answer::Absent),
        // "A login with an older `iat` writes nothing: no … removal …; its claims can still deny it."
        Found::Member(_) if turned_away && (is_older || case.is_revoked()) => Course::Answer(Answer::Kept),
        // "No sync, mapping, group claim or `not_assigned` removes or demotes" the primary owner.
        Found::Member(member) if turned_away && case.is_primary_owner(member) => Course::Keep(None),
        // "The last active member holding the top role keeps record, role and seat …, but never access."
        Found::Member(member) if turned_away && case.is_last_owner(member) => Course::Keep(Some(Note::LastOwner)),
        // "After `removals_by_login` removals in an hour denied logins still deny (`kept`) but no longer remove."
        Found::Member(_) if turned_away && case.has_removed_enough() => Course::HoldBack,
        // "Removed by the denied login attempt, seat freed."
        Found::Member(member) if turned_away => Course::Remove(member),

        // "An assertion with `iat <= not_before` is `session_revoked`."
        Found::Member(_) | Found::Nobody if case.is_revoked() => Course::Answer(Answer::Revoked),
        // "In scim modes, members that did not come from the directory are `not_provisioned`."
        Found::Member(member) if !becomes_owner && !case.counts(member) => Course::Answer(Answer::Absent),
        // "Else it is answered from what is stored (nobody stored: `not_a_member`, in scim modes `not_provisioned`)."
        Found::Member(member) if is_older => Course::Stored(member),
        Found::Nobody if is_older => Course::Answer(Answer::Absent),
        // "Linked once to (issuer, subject)"; role and tier "renewed at every login", where they are mapped.
        Found::Member(member) => Course::Renew { member, primary_owner: becomes_owner },
        // "Their first login makes them a member with the top role, in any mode."
        Found::Nobody if becomes_owner => Course::Create { role: case.organization.top_role(), primary_owner: true },
        Found::Nobody => match &case.login.plan {
            // "Made a member with the default role if not yet one", or "if in at least one role-mapped group".
            Plan::Assign { role, .. } | Plan::Ensure { role } => Course::Create { role, primary_owner: false },
            // "Must be a member already"; "must have been provisioned by the directory".
            Plan::Remove { .. } | Plan::Require => Course::Answer(Answer::Absent),
        },
    }
}
