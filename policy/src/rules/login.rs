//! What a login does to the membership: the store's decision, pure; it reads facts and answers effects.

use super::effects::{Effects, Ticket};
use super::seats::Taken;
use crate::id::MemberId;
use crate::member::Member;
use crate::model::Organization;
use crate::wire::{Answer, Login};

/// What the store read, in the transaction in which it will write.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The member linked to this (issuer, subject).
    pub linked: Option<Member>,
    /// The member with the assertion's email, linked or not.
    pub by_email: Option<Member>,
    /// The member with the assertion's external id, where the connection links by it.
    pub by_external_id: Option<Member>,
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

/// Decides one login. The plan must fit the organization (`plan::fits`).
pub fn decide(_organization: &Organization, _login: &Login, _facts: &Facts) -> Outcome {
    Outcome { answer: Answer::Absent, member: None, effects: Effects::default() }
}
