//! The oracle's rules for what the directory says ("SCIM", and scim in the table of modes).

use super::super::history::DirectoryUser;
use super::{Oracle, same};

impl Oracle {
    /// The directory speaks of one user; then freed seats go to who waits.
    pub(crate) fn directory(&mut self, user: &DirectoryUser) {
        self.directory.retain(|known| known.id != user.id);
        self.directory.push(user.clone());
        if self.policy.mode == "scim" {
            self.follow(user);
            self.give_freed_seats();
        }
    }

    fn follow(&mut self, user: &DirectoryUser) {
        let entitled = self.members.iter().position(|member| member.directory_user == Some(user.id));
        let of_email = self.members.iter().position(|member| same(&member.email, user.email));
        match (entitled, of_email) {
            (Some(at), _) if self.is_provisioned(user) => self.renew(at, user),
            (Some(at), _) => self.end(at, user),
            (None, _) if !self.is_provisioned(user) => {}
            (None, None) => {
                let at = self.make(user.email, "scim");
                if let Some(role) = self.policy.mapped_role(&user.groups) {
                    self.members[at].role = role.to_owned();
                }
                self.renew(at, user);
            }
            // Who was a member before is the same member; whom another user entitles stays theirs.
            (None, Some(at)) if self.members[at].directory_user.is_none() => self.renew(at, user),
            (None, Some(_)) => {}
        }
    }

    /// "Every active directory user …; with mappings, only into the organizations whose role mappings name one of the
    /// user's groups. Directory users outside the verified domains … get no membership."
    fn is_provisioned(&self, user: &DirectoryUser) -> bool {
        let in_no_group = self.policy.role_groups.is_some()
            && (self.policy.mapped_role(&user.groups).is_none()
                || self.policy.default() == "remove" && self.policy.mapped_tier(&user.groups).is_none());
        let of_verified_domain = user.email.split_once('@').is_some_and(|(_, domain)| same(domain, "acme.example"));
        user.active && of_verified_domain && !in_no_group
    }

    fn renew(&mut self, at: usize, user: &DirectoryUser) {
        let before = self.members[at].clone();
        let is_last_owner = self.is_last_owner(&before);
        let id_is_anothers = (0..self.members.len()).any(|other| {
            other != at && user.external_id.is_some() && self.members[other].external_id.as_deref() == user.external_id
        });
        let email_is_anothers =
            (0..self.members.len()).any(|other| other != at && same(&self.members[other].email, user.email));
        let role = if self.is_owner(&before) {
            Some(self.policy.product.roles[0])
        } else {
            self.policy.mapped_role(&user.groups)
        };
        let tier = self.policy.mapped_tier(&user.groups);

        let member = &mut self.members[at];
        member.directory_user = Some(user.id);
        member.source = "scim";
        member.external_id = user.external_id.filter(|_| !id_is_anothers).map(str::to_owned);
        if !email_is_anothers && !same(&before.email, user.email) {
            member.email = user.email.to_owned();
        }
        if before.status != "suspended" {
            self.seat(at, tier);
        }
        let Some(role) = role.filter(|role| *role != before.role) else { return };
        let member = &mut self.members[at];
        if !is_last_owner {
            member.role = role.to_owned();
        } else if member.status == "pending" {
            member.status = "active";
            member.pending_since = None;
        }
    }

    /// "Automatic, when the directory deactivates, deletes or unassigns", but for the owners, who keep record, role and seat.
    fn end(&mut self, at: usize, user: &DirectoryUser) {
        let before = self.members[at].clone();
        let is_primary = self.is_owner(&before);
        if is_primary || self.is_last_owner(&before) {
            self.members[at].directory_user = None;
            self.members[at].source = "manual";
            // "A directory deactivation ends their sessions"; the last owner's end with every removal.
            if !is_primary || !user.active {
                self.revoke_by_hand(&before);
            }
            return;
        }
        self.members.remove(at);
        self.revoke_by_hand(&before);
    }

    /// "In scim modes a freed seat goes at once to the one pending longest."
    fn give_freed_seats(&mut self) {
        let mut waiting: Vec<usize> =
            (0..self.members.len()).filter(|at| self.members[*at].status == "pending").collect();
        waiting.sort_by_key(|at| self.members[*at].pending_since.unwrap_or(0));
        for at in waiting {
            let id = self.members[at].directory_user;
            match self.directory.iter().find(|user| Some(user.id) == id).cloned() {
                Some(user) if self.is_provisioned(&user) => self.seat(at, self.policy.mapped_tier(&user.groups)),
                None if self.is_owner(&self.members[at]) => self.seat(at, None),
                _ => {}
            }
        }
    }
}
