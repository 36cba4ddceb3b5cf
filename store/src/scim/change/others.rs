//! What a change of some users means for others: an email that a member no longer has may be theirs, and who was kept as the
//! last owner is one no longer when there is another.

use std::collections::{BTreeMap, BTreeSet};

use usher_policy::id::Email;
use usher_policy::rules::directory::DirectoryUser;

use super::{Change, Failure};
use crate::database::DatabaseError;
use crate::membership::{self, Followed, Guarded};
use crate::scim::filter::folded;

/// Most other users with the same email who are looked at when a member no longer has it.
const MAX_NAMESAKES: u32 = 10;

/// Of how many emails the users are in memory at once.
const MAX_EMAILS: usize = 1_000;

/// Most owners who are looked at when there are new ones. Who was kept as the last is the oldest of the others.
const MAX_OWNERS: u32 = 10;

/// How often something is handed on by one change: who gets an email may leave another behind.
const MAX_HANDED_ON: u32 = 10;

impl Change<'_> {
    /// Lets memberships follow those for whom what was done means something, as long as that means something for others.
    pub(super) async fn hand_on(&mut self, mut followed: Vec<Followed>) -> Result<(), Failure> {
        for _ in 0..MAX_HANDED_ON {
            let mut next = Vec::new();
            for followed in &followed {
                let organization = &followed.organization;
                // What a guard holds back is not done by the next request about somebody else.
                for emails in followed.freed_emails().chunks(MAX_EMAILS) {
                    let namesakes = self.namesakes(emails).await?;
                    next.extend(
                        self.followed_in(std::slice::from_ref(organization), &namesakes, Guarded::Never).await?,
                    );
                }
                let new = followed.new_owners();
                if !new.is_empty() {
                    let owners = membership::owners(&mut *self.transaction, organization, &new, MAX_OWNERS).await?;
                    next.extend(self.followed_in(std::slice::from_ref(organization), &owners, Guarded::Never).await?);
                }
            }
            self.followed.append(&mut followed);
            followed = next;
            if followed.is_empty() {
                break;
            }
        }
        self.followed.append(&mut followed);
        Ok(())
    }

    /// The users who are known by one of these emails, in the order of their ids.
    async fn namesakes(&mut self, emails: &[Email]) -> Result<Vec<DirectoryUser>, DatabaseError> {
        let parent = &self.request.parent;
        let keys: Vec<_> = emails.iter().map(|email| folded(email.as_str())).collect();
        let found = self.transaction.users_with_emails(parent, &keys, MAX_NAMESAKES).await?;
        // By `emails` and by `userName`, or by two emails, the same one may be found twice.
        let found: BTreeMap<_, _> = found.into_iter().map(|user| (user.id.clone(), user)).collect();
        let found: Vec<_> = found.into_values().collect();
        let mut users = membership::with_groups(&mut *self.transaction, parent, &found).await?;
        let freed: BTreeSet<_> = emails.iter().map(Email::key).collect();
        users.retain(|user| user.email.as_ref().is_some_and(|email| freed.contains(&email.key())));
        Ok(users)
    }
}
