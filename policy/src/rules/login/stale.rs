//! A login with an older `iat` than one before: it writes nothing and is answered from what is stored.

use super::{Case, Outcome};
use crate::member::Status;
use crate::rules::plan::Plan;
use crate::wire::Answer;

pub(super) fn decide(case: &Case<'_>) -> Outcome {
    let Some(member) = &case.facts.linked else {
        let revoked = case.is_revoked() && !matches!(case.login.plan, Plan::Remove { .. });
        return Outcome::plain(if revoked { Answer::Revoked } else { Answer::Absent }, None);
    };
    let denied_by_claims = match &case.login.plan {
        // The primary owner is let in where a plan would remove them; nobody becomes one by an old ticket.
        Plan::Remove { reason } => !(case.is_primary_owner(member) && case.lets_owner_in(*reason)),
        Plan::Assign { .. } | Plan::Ensure { .. } | Plan::Require => false,
    };
    match member.status {
        Status::Suspended => Outcome::plain(Answer::Suspended, Some(member.clone())),
        Status::Active | Status::Pending if denied_by_claims => Outcome::plain(Answer::Kept, None),
        Status::Active | Status::Pending if case.is_revoked() => Outcome::plain(Answer::Revoked, None),
        Status::Active | Status::Pending if !case.counts(member) => Outcome::plain(Answer::Absent, None),
        Status::Pending => Outcome::plain(Answer::Pending, Some(member.clone())),
        Status::Active => Outcome::plain(Answer::Member, Some(member.clone())),
    }
}
