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

impl Effects {
    /// Revokes what was signed up to now: the larger of `last_iat` and the store's clock; by email for one who was never
    /// linked (design §2, "Old tickets": by hand and by the directory).
    pub(super) fn revoke(&mut self, member: &Member, ticket: Option<Ticket>, now: u64) {
        match &member.identity {
            Some(identity) => {
                let known = ticket.unwrap_or_default();
                let not_before = known.not_before.max(Some(known.last_iat.max(now)));
                self.ticket = Some((identity.clone(), Ticket { not_before, ..known }));
            }
            None => self.email_block = Some(EmailBlock::Set(member.email.clone(), now)),
        }
    }
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
    /// A directory's user got no membership: the email is another directory user's.
    EmailTaken,
    /// The last active member with the top role was kept.
    LastOwner,
    /// The member was linked to (issuer, subject).
    Linked,
    /// The member became the primary owner.
    PrimaryOwner,
    /// The primary owner was kept where another would have been removed.
    PrimaryOwnerKept,
    /// A removal was held back: too many by logins in the last hour.
    RemovalsLimited,
}

impl Note {
    /// The name in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EmailKept => "email_kept",
            Self::EmailTaken => "email_taken",
            Self::LastOwner => "last_owner",
            Self::Linked => "linked",
            Self::PrimaryOwner => "primary_owner",
            Self::PrimaryOwnerKept => "primary_owner_kept",
            Self::RemovalsLimited => "removals_limited",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Note;

    #[test]
    fn a_note_is_logged_under_its_name_in_snake_case() {
        for (note, name) in [
            (Note::EmailKept, "email_kept"),
            (Note::EmailTaken, "email_taken"),
            (Note::LastOwner, "last_owner"),
            (Note::Linked, "linked"),
            (Note::PrimaryOwner, "primary_owner"),
            (Note::PrimaryOwnerKept, "primary_owner_kept"),
            (Note::RemovalsLimited, "removals_limited"),
        ] {
            assert_eq!(note.name(), name);
        }
    }
}
