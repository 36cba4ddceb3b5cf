//! A login that is denied and removes: by (issuer, subject) only, never by email.

use super::{Case, Outcome};
use crate::member::{Member, Status};
use crate::rules::effects::{Change, Effects, Note, Ticket};
use crate::wire::Answer;

pub(super) fn decide(case: &Case<'_>) -> Outcome {
    let Some(member) = &case.facts.linked else {
        return Outcome::plain(Answer::Absent, None);
    };
    // A revoked or suspended identity is never removed by a login.
    if member.status == Status::Suspended {
        return Outcome::plain(Answer::Suspended, Some(member.clone()));
    }
    if case.is_revoked() {
        return Outcome::plain(Answer::Kept, None);
    }
    if case.is_primary_owner(member) {
        return kept(case, None);
    }
    if case.is_last_owner(member) {
        return kept(case, Some(Note::LastOwner));
    }
    if case.facts.removals_last_hour >= case.organization.guards.removals_by_login {
        let effects = Effects { notes: vec![Note::RemovalsLimited], ..Effects::default() };
        return Outcome { answer: Answer::Kept, member: None, effects };
    }
    removed(case, member)
}

/// Record, role and seat stay, but what was signed up to now opens nothing any more.
fn kept(case: &Case<'_>, note: Option<Note>) -> Outcome {
    let effects = Effects { ticket: Some(revoking(case)), notes: note.into_iter().collect(), ..Effects::default() };
    Outcome { answer: Answer::Kept, member: None, effects }
}

fn removed(case: &Case<'_>, member: &Member) -> Outcome {
    let effects =
        Effects { change: Some(Change::Remove(member.clone())), ticket: Some(revoking(case)), ..Effects::default() };
    Outcome { answer: Answer::Removed, member: None, effects }
}

/// The `not_before` of a removal by a denied login: the larger of `last_iat` and this `iat`.
fn revoking(case: &Case<'_>) -> (crate::member::Identity, Ticket) {
    let known = case.facts.ticket.unwrap_or_default();
    let last_iat = known.last_iat.max(case.login.issued_at);
    (case.identity(), Ticket { not_before: known.not_before.max(Some(last_iat)), ..known })
}
