//! The rules of design §2 once more, as naively as they can be written: lists, loops and words; nothing of `src/rules`.

mod access;
mod by_hand;
mod directory;
mod linking;
mod seating;
mod tables;

use std::collections::HashMap;

pub(crate) use by_hand::Handled;

use super::history::{DirectoryUser, Entry, Groups, Login, Row, SeatsHeld, Verdict};
use super::policy::{Policy, issuer};

/// The store's reasons, of which the first is the answer ("Precedence").
const PRECEDENCE: [&str; 9] = [
    "not_assigned",
    "identity_conflict",
    "member_suspended",
    "session_revoked",
    "not_a_member",
    "not_provisioned",
    "no_mapped_group",
    "no_seat_available",
    "seat_unassigned",
];

/// One organization as the oracle sees it.
#[derive(Clone)]
pub(crate) struct Oracle {
    pub(crate) policy: Policy,
    pub(crate) now: u64,
    members: Vec<Member>,
    last_iat: HashMap<Identity, u64>,
    not_before: HashMap<Identity, u64>,
    not_before_by_email: HashMap<String, u64>,
    /// What the directory last said of each of its users.
    directory: Vec<DirectoryUser>,
    /// When logins removed somebody.
    removals: Vec<u64>,
    made: usize,
}

type Identity = (String, String);

#[derive(Clone, PartialEq)]
struct Member {
    id: String,
    email: String,
    external_id: Option<String>,
    /// The directory's user behind this member.
    directory_user: Option<&'static str>,
    identity: Option<Identity>,
    role: String,
    tier: Option<String>,
    status: &'static str,
    /// Since when they wait for a seat.
    pending_since: Option<u64>,
    source: &'static str,
    /// The `primary_owner` that this member once answered to.
    owner_as: Option<String>,
}

impl Oracle {
    pub(crate) fn new(policy: Policy, now: u64) -> Self {
        Self {
            policy,
            now,
            members: vec![],
            last_iat: HashMap::new(),
            not_before: HashMap::new(),
            not_before_by_email: HashMap::new(),
            directory: vec![],
            removals: vec![],
            made: 0,
        }
    }

    pub(crate) fn login(&mut self, login: &Login) -> Verdict {
        let (jit, mapped) = (self.policy.mode == "jit", self.policy.role_groups.is_some());
        // "Groups in a token are ignored in scim modes", and not looked at where nothing is mapped.
        let mut groups = &vec![];
        if login.assigned && jit && mapped {
            match &login.groups {
                Groups::Overage => return Err("groups_overage".to_owned()),
                Groups::Missing => return Err("missing_claim".to_owned()),
                Groups::Listed(listed) => groups = listed,
            }
        }
        // No plan tells the store of it, so that nothing at all is written.
        if !login.assigned && !jit {
            return Err("not_assigned".to_owned());
        }
        let role = self.policy.mapped_role(groups);
        let tier = self.policy.mapped_tier(groups);
        let in_no_group = role.is_none() || self.policy.default() == "remove" && tier.is_none();
        let turned_away = match (login.assigned, jit && mapped && in_no_group) {
            (false, _) => Some("not_assigned"),
            (true, true) => Some("no_mapped_group"),
            (true, false) => None,
        };

        let identity = self.identity(login);
        let iat = login.issued_at(self.now);
        let verdict = if iat < self.last_iat.get(&identity).copied().unwrap_or(0) {
            self.login_by_old_ticket(login, turned_away)
        } else {
            // The primary owner who is let in all the same: what removes gives neither role nor tier.
            let (role, tier) = if turned_away.is_some() { (None, None) } else { (role, tier) };
            let verdict = self.login_by_new_ticket(login, turned_away, role, tier);
            self.last_iat.insert(identity, iat);
            verdict
        };
        let entry = verdict?;
        match self.access_denies(&entry, login) {
            Some(reason) => Err(reason.to_owned()),
            None => Ok(entry),
        }
    }

    /// "A login with an older `iat` writes nothing; its claims can still deny it, else it is answered from what is stored".
    fn login_by_old_ticket(&self, login: &Login, turned_away: Option<&'static str>) -> Verdict {
        let member = self.members.iter().find(|member| member.identity == Some(self.identity(login)));
        let lets_owner_in =
            turned_away == Some("no_mapped_group") && member.is_some_and(|member| self.is_owner(member));
        let mut reasons = vec![];
        if self.is_revoked(login) {
            // "A plan to remove is answered with its own reason", the owner's too.
            reasons.push(turned_away.unwrap_or("session_revoked"));
        }
        reasons.extend(turned_away.filter(|_| !lets_owner_in));
        match member {
            Some(member) => {
                reasons.extend(self.standing_denies(member));
                if !self.counts(member) {
                    reasons.push("not_provisioned");
                }
            }
            None if turned_away.is_none() => reasons.push(self.nobody()),
            None => {}
        }
        answer(&reasons, member)
    }

    fn login_by_new_ticket(
        &mut self,
        login: &Login,
        turned_away: Option<&'static str>,
        role: Option<&'static str>,
        tier: Option<&'static str>,
    ) -> Verdict {
        let identity = self.identity(login);
        let linked = self.members.iter().position(|member| member.identity.as_ref() == Some(&identity));
        let becomes_owner = self.is_first_login_of_owner(login, linked);
        let is_owner = becomes_owner || linked.is_some_and(|at| self.is_owner(&self.members[at]));
        if let Some(reason) = turned_away
            && !(is_owner && reason == "no_mapped_group")
        {
            return Err(self.turn_away(linked, reason, login));
        }

        let mut reasons = vec![];
        if self.conflicts(login, linked) {
            reasons.push("identity_conflict");
        }
        let found = self.candidates(login, linked).first().copied();
        if found.is_some_and(|at| self.members[at].status == "suspended") {
            reasons.push("member_suspended");
        }
        if self.is_revoked(login) {
            // "A plan to remove is answered with its own reason", the owner's too.
            reasons.push(turned_away.unwrap_or("session_revoked"));
        }
        match found {
            Some(at) if !becomes_owner && !self.counts(&self.members[at]) => reasons.push("not_provisioned"),
            None if !becomes_owner && self.policy.mode != "jit" => reasons.push(self.nobody()),
            _ => {}
        }
        if !reasons.is_empty() {
            return answer(&reasons, None);
        }

        let at = match found {
            Some(at) => at,
            None => self.make(login.email, "jit"),
        };
        let before = self.members[at].clone();
        if before.identity.is_none() {
            self.members[at].identity = Some(identity);
            self.not_before_by_email.remove(&login.email.to_ascii_lowercase());
        }
        let is_anothers =
            (0..self.members.len()).any(|other| other != at && same(&self.members[other].email, login.email));
        if !is_anothers && !same(&before.email, login.email) {
            self.members[at].email = login.email.to_owned();
        }
        if becomes_owner {
            self.members[at].owner_as = Some(login.email.to_ascii_lowercase());
        }
        let is_last_owner = found.is_some() && self.is_last_owner(&before);
        let mut keeps_record = false;
        if self.is_owner(&self.members[at]) {
            self.members[at].role = self.policy.product.roles[0].to_owned();
        } else if let Some(role) = role {
            keeps_record = is_last_owner && role != before.role;
            if !keeps_record {
                self.members[at].role = role.to_owned();
            }
        }
        // "Role and tier from the directory's groups": no login gives a seat that they did not.
        let is_seated_by_directory =
            self.policy.mode == "scim" && !self.policy.tier_groups.is_empty() && self.members[at].source == "scim";
        if !is_seated_by_directory {
            self.seat(at, tier);
        }
        let denies = self.standing_denies(&self.members[at]);
        if keeps_record {
            // "Keeps record, role and seat …, but never access: what would deny them still denies".
            self.members[at].status = "active";
            self.members[at].pending_since = None;
        }
        answer(&denies, Some(&self.members[at]))
    }

    /// A denial that removes, "by (issuer, subject) only, never by an email".
    fn turn_away(&mut self, linked: Option<usize>, reason: &str, login: &Login) -> String {
        let iat = login.issued_at(self.now);
        let Some(at) = linked else { return reason.to_owned() };
        let member = self.members[at].clone();
        if member.status == "suspended" {
            return answer(&["member_suspended", reason], None).unwrap_err();
        }
        if self.is_revoked(login) {
            return reason.to_owned();
        }
        let an_hour_ago = self.now.saturating_sub(3_600);
        if self.is_owner(&member) || self.is_last_owner(&member) {
            self.not_before.insert(self.identity(login), iat);
        } else if self.removals.iter().filter(|at| **at > an_hour_ago).count() < self.policy.removals_by_login as usize
        {
            self.not_before.insert(self.identity(login), iat);
            self.members.remove(at);
            self.removals.push(self.now);
        }
        reason.to_owned()
    }

    fn make(&mut self, email: &str, source: &'static str) -> usize {
        self.members.push(Member {
            id: format!("m{}", self.made),
            email: email.to_owned(),
            external_id: None,
            directory_user: None,
            identity: None,
            role: self.policy.product.default_role.to_owned(),
            tier: None,
            status: "active",
            pending_since: None,
            source,
            owner_as: None,
        });
        self.made += 1;
        self.members.len() - 1
    }

    fn is_owner(&self, member: &Member) -> bool {
        let owner = self.policy.primary_owner;
        owner.is_some_and(|(email, _)| member.owner_as.as_ref().is_some_and(|answered| same(answered, email)))
    }

    fn is_first_login_of_owner(&self, login: &Login, linked: Option<usize>) -> bool {
        let Some((email, connection)) = self.policy.primary_owner else { return false };
        let is_anothers = linked.is_some()
            && (0..self.members.len()).any(|at| Some(at) != linked && same(&self.members[at].email, login.email));
        same(email, login.email)
            && connection == login.connection % self.policy.connections.len()
            && !is_anothers
            && !self.conflicts(login, linked)
            && !self.members.iter().any(|member| self.is_owner(member))
    }

    fn is_last_owner(&self, member: &Member) -> bool {
        self.owners() == 1 && self.owns(member)
    }

    fn owners(&self) -> usize {
        self.members.iter().filter(|member| self.owns(member)).count()
    }

    fn owns(&self, member: &Member) -> bool {
        member.status == "active" && member.role == self.policy.product.roles[0]
    }

    /// "In scim modes, members that did not come from the directory are `not_provisioned`".
    fn counts(&self, member: &Member) -> bool {
        self.policy.mode != "scim" || member.source == "scim" || self.is_owner(member)
    }

    fn nobody(&self) -> &'static str {
        if self.policy.mode == "scim" { "not_provisioned" } else { "not_a_member" }
    }

    fn is_revoked(&self, login: &Login) -> bool {
        let iat = login.issued_at(self.now);
        let identity = self.identity(login);
        let is_linked = self.members.iter().any(|member| member.identity.as_ref() == Some(&identity));
        let by_email = self.not_before_by_email.get(&login.email.to_ascii_lowercase());
        self.not_before.get(&identity).is_some_and(|not_before| iat <= *not_before)
            || !is_linked && by_email.is_some_and(|not_before| iat <= *not_before)
    }

    fn standing_denies(&self, member: &Member) -> Vec<&'static str> {
        match member.status {
            "suspended" => vec!["member_suspended"],
            "pending" => vec!["no_seat_available"],
            _ if !self.policy.product.tiers.is_empty() && member.tier.is_none() => vec!["seat_unassigned"],
            _ => vec![],
        }
    }

    fn identity(&self, login: &Login) -> Identity {
        let connection = self.policy.connections[login.connection % self.policy.connections.len()].0;
        (issuer(connection), login.subject.to_owned())
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let row = |member: &Member| Row {
            id: member.id.clone(),
            email: member.email.clone(),
            role: member.role.clone(),
            tier: member.tier.clone(),
            status: member.status.to_owned(),
            source: member.source.to_owned(),
            identity: member.identity.clone(),
            primary_owner: self.is_owner(member),
        };
        self.members.iter().map(row).collect()
    }

    pub(crate) fn seats(&self) -> SeatsHeld {
        let mut held = SeatsHeld { taken: vec![0; self.policy.product.tiers.len()], pending: 0 };
        for member in &self.members {
            if let Some(tier) = &member.tier {
                let at = self.policy.product.tiers.iter().position(|known| known == tier).unwrap();
                held.taken[at] += 1;
            }
            if member.status == "pending" {
                held.pending += 1;
            }
        }
        held
    }
}

/// The first reason of the list, or who comes in.
fn answer(reasons: &[&str], member: Option<&Member>) -> Verdict {
    let first = PRECEDENCE.iter().find(|reason| reasons.contains(reason));
    match (first, member) {
        (Some(reason), _) => Err((*reason).to_owned()),
        (None, Some(member)) => Ok(Entry {
            member: member.id.clone(),
            email: member.email.clone(),
            role: member.role.clone(),
            tier: member.tier.clone(),
        }),
        (None, None) => panic!("the oracle has neither a reason nor a member"),
    }
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
