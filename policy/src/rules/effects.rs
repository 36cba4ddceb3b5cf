//! What a decision wants written: the one vocabulary between the rules and the store.

use crate::id::Email;
use crate::member::{Identity, Member};

/// Everything that one decision writes, in one transaction. Empty where nothing changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// What becomes of the member's record.
    pub change: Option<Change>,
    /// The identity's ticket as it shall be kept from now on.
    pub ticket: Option<(Identity, Ticket)>,
    /// The `not_before` that is kept by email for one who was removed before they were ever linked.
    pub email_block: Option<EmailBlock>,
    /// What an operator will want to know about it.
    pub notes: Vec<Note>,
}

/// What becomes of a member's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new record.
    Create(Member),
    /// The record goes, its seat is freed.
    Remove(Member),
    /// The record as it shall be.
    Update(Member),
}

/// What is kept about an identity's assertions in one organization, member or not (design §2, "Old tickets").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    /// The newest `iat` that any login showed.
    pub last_iat: u64,
    /// Assertions with an `iat` up to here are revoked.
    pub not_before: Option<u64>,
}

/// What happens to the `not_before` that is kept by email.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmailBlock {
    /// The first link came: it is no longer needed.
    Clear(Email),
    /// Assertions with an `iat` up to this second are revoked until the first link.
    Set(Email, u64),
}

/// What an operator will want to know about a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The member keeps the old email: the new one belongs to another member.
    EmailKept,
    /// The last active member with the top role was kept.
    LastOwner,
    /// The member was linked to (issuer, subject).
    Linked,
    /// The member became the primary owner.
    PrimaryOwner,
    /// A removal was held back: too many by logins in the last hour.
    RemovalsLimited,
}

impl Note {
    /// The name in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EmailKept => "email_kept",
            Self::LastOwner => "last_owner",
            Self::Linked => "linked",
            Self::PrimaryOwner => "primary_owner",
            Self::RemovalsLimited => "removals_limited",
        }
    }
}
