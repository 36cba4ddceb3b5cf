//! The oracle's rules for what is done by hand, and what the directory puts in.

use super::super::history::Edit;
use super::{Member, Oracle, same};

/// Done (and whether the last owner went by it), or every refusal that would be right.
pub(crate) type Handled = Result<bool, Vec<&'static str>>;

impl Oracle {
    pub(crate) fn add(&mut self, email: &str, role: Option<&str>, tier: Option<&str>) -> Handled {
        let mut refusals = self.cannot_give(role, tier);
        if self.policy.mode == "scim" {
            refusals.push("managed_by_directory");
        }
        match email.split_once('@') {
            None => refusals.push("invalid_email"),
            Some((_, domain)) if !same(domain, "acme.example") => refusals.push("domain_not_verified"),
            Some(_) => {}
        }
        if self.find(email).is_some() {
            refusals.push("already_a_member");
        }
        refuse(refusals)?;
        let at = self.make(email, "manual");
        if let Some(role) = role {
            self.members[at].role = role.to_owned();
        }
        match tier {
            Some(tier) => self.members[at].tier = Some(tier.to_owned()),
            None => self.seat(at, None),
        }
        Ok(false)
    }

    pub(crate) fn edit(&mut self, email: &str, edit: &Edit) -> Option<Handled> {
        let at = self.find(email)?;
        Some(self.edit_at(at, edit))
    }

    fn edit_at(&mut self, at: usize, edit: &Edit) -> Handled {
        let before = self.members[at].clone();
        let owners = self.owners();
        let top = self.policy.product.roles[0];
        let given = edit.tier.flatten().filter(|tier| before.tier.as_deref() != Some(*tier));
        let mut refusals = self.cannot_give(edit.role, given);
        if edit.tier.is_some() && !self.policy.tier_groups.is_empty() {
            refusals.push("managed_by_group_mappings");
        }
        if edit.role.is_some_and(|role| role != top) && self.is_owner(&before) {
            refusals.push("primary_owner");
        }
        if edit.status == Some("pending") {
            refusals.push("invalid_status");
        }
        refuse(refusals)?;

        let member = &mut self.members[at];
        if let Some(role) = edit.role {
            member.role = role.to_owned();
        }
        if let Some(tier) = edit.tier {
            member.tier = tier.map(str::to_owned);
            if tier.is_some() && member.status == "pending" {
                member.status = "active";
            }
        }
        match edit.status {
            Some("suspended") => member.status = "suspended",
            Some("active") if member.tier.is_some() => member.status = "active",
            Some("active") => self.seat_again(at, &before),
            _ => {}
        }
        if edit.status == Some("suspended") && before.status != "suspended" || edit.unlink && before.identity.is_some()
        {
            self.revoke_by_hand(&before);
        }
        if edit.unlink {
            self.members[at].identity = None;
        }
        if self.members[at].status != "pending" {
            self.members[at].pending_since = None;
        }
        Ok(owners == 1 && self.owns(&before) && self.owners() == 0)
    }

    pub(crate) fn remove(&mut self, email: &str) -> Option<Handled> {
        let at = self.find(email)?;
        let mut refusals = vec![];
        if self.policy.mode == "scim" {
            refusals.push("managed_by_directory");
        }
        if self.is_owner(&self.members[at]) {
            refusals.push("primary_owner");
        }
        if let Err(refusals) = refuse(refusals) {
            return Some(Err(refusals));
        }
        let was_last = self.is_last_owner(&self.members[at]);
        let member = self.members.remove(at);
        self.revoke_by_hand(&member);
        Some(Ok(was_last))
    }

    /// A record of the directory's; it waits for a seat where one is needed.
    pub(crate) fn provision(&mut self, email: &str, external_id: Option<&str>) {
        let has_id = |at: &usize| external_id.is_some() && self.members[*at].external_id.as_deref() == external_id;
        if self.find(email).is_some() || (0..self.members.len()).any(|at| has_id(&at)) {
            return;
        }
        let at = self.make(email, "scim");
        self.members[at].external_id = external_id.map(str::to_owned);
        if !self.policy.product.tiers.is_empty() {
            self.members[at].status = "pending";
            self.members[at].pending_since = Some(self.now);
        }
    }

    fn find(&self, email: &str) -> Option<usize> {
        self.members.iter().position(|member| same(&member.email, email))
    }

    /// What stands against giving a role or a tier by hand.
    fn cannot_give(&self, role: Option<&str>, tier: Option<&str>) -> Vec<&'static str> {
        let mut refusals = vec![];
        if let Some(role) = role {
            if self.policy.role_groups.is_some() {
                refusals.push("managed_by_group_mappings");
            }
            if !self.policy.product.roles.contains(&role) {
                refusals.push("unknown_role");
            }
        }
        if let Some(tier) = tier {
            if !self.policy.tier_groups.is_empty() {
                refusals.push("managed_by_group_mappings");
            }
            if !self.policy.product.tiers.contains(&tier) {
                refusals.push("unknown_seat_tier");
            } else if !self.has_room(tier) {
                refusals.push("no_seat_available");
            }
        }
        refusals
    }

    /// `seats.default` at once, else `pending`. A seat taken away by the same edit is free only after it; where others are
    /// removed, the primary owner gets one at the next login.
    fn seat_again(&mut self, at: usize, before: &Member) {
        if self.policy.default() == "remove" {
            self.members[at].status = "pending";
            self.members[at].pending_since = Some(before.pending_since.unwrap_or(self.now));
            return;
        }
        self.members.push(before.clone());
        self.seat(at, None);
        self.members.pop();
    }

    /// "By hand or by the directory, the larger of `last_iat` and the store's clock"; by email before the first link.
    pub(super) fn revoke_by_hand(&mut self, member: &Member) {
        match &member.identity {
            Some(identity) => {
                let last_iat = self.last_iat.get(identity).copied().unwrap_or(0);
                let not_before = self.not_before.entry(identity.clone()).or_insert(0);
                *not_before = (*not_before).max(last_iat).max(self.now);
            }
            None => {
                self.not_before_by_email.insert(member.email.to_ascii_lowercase(), self.now);
            }
        }
    }
}

fn refuse(refusals: Vec<&'static str>) -> Result<(), Vec<&'static str>> {
    if refusals.is_empty() { Ok(()) } else { Err(refusals) }
}
