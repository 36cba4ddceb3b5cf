//! The store's part of a walk: its own rules on assumed facts, since no store is asked.

use std::str::FromStr;

use usher_policy::id::{MemberId, Role, Tier};
use usher_policy::member::{Identity, Member, Source, Status};
use usher_policy::model::Organization;
use usher_policy::rules::effects::Change;
use usher_policy::rules::login::{Facts, Outcome};
use usher_policy::rules::seats::Taken;
use usher_policy::wire::{Login, LoginAnswer, MemberFacts};

/// A member as the command line describes it: `role=admin,tier=premium,status=active`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AssumedMember {
    role: Option<String>,
    tier: Option<String>,
    status: Option<Status>,
}

/// The assumed member is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AssumedMemberError {
    /// The text is not `key=value,…`.
    #[error("must be `none` or some of role=ROLE, tier=TIER and status=active|pending|suspended, separated by commas")]
    Form,
    /// The product has no such role.
    #[error("--member: unknown role `{role}`; product `{product}` has {known}")]
    Role {
        /// What was written.
        role: String,
        /// The organization's product.
        product: String,
        /// Its roles.
        known: String,
    },
    /// The product has no such tier.
    #[error("--member: unknown seat tier `{tier}`; product `{product}` has {known}")]
    Tier {
        /// What was written.
        tier: String,
        /// The organization's product.
        product: String,
        /// Its tiers.
        known: String,
    },
}

impl FromStr for AssumedMember {
    type Err = AssumedMemberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut member = Self::default();
        for part in text.split(',') {
            let (key, value) = part.split_once('=').ok_or(AssumedMemberError::Form)?;
            let fresh = match key {
                "role" => member.role.replace(value.to_owned()).is_none(),
                "tier" => member.tier.replace(value.to_owned()).is_none(),
                "status" => {
                    let status = Status::named(value).ok_or(AssumedMemberError::Form)?;
                    member.status.replace(status).is_none()
                }
                _ => false,
            };
            if !fresh || value.is_empty() {
                return Err(AssumedMemberError::Form);
            }
        }
        Ok(member)
    }
}

/// An assumed member whose role and tier the organization's product has.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    role: Role,
    seat_tier: Option<Tier>,
    status: Status,
}

impl AssumedMember {
    /// Names become the product's roles and tiers; without a role it is the default one.
    pub(super) fn resolve(&self, organization: &Organization) -> Result<Resolved, AssumedMemberError> {
        let product = &organization.product;
        let role = match &self.role {
            Some(role) => Role::new(role),
            None => product.default_role.clone(),
        };
        if !product.has_role(&role) {
            let known = listed(product.roles().map(Role::as_str));
            return Err(AssumedMemberError::Role { role: role.to_string(), product: product.name.clone(), known });
        }
        let seat_tier = self.tier.as_ref().map(Tier::new);
        if let Some(tier) = seat_tier.as_ref().filter(|tier| !product.has_tier(tier)) {
            let known = listed(product.tiers.iter().map(Tier::as_str));
            return Err(AssumedMemberError::Tier { tier: tier.to_string(), product: product.name.clone(), known });
        }
        Ok(Resolved { role, seat_tier, status: self.status.unwrap_or(Status::Active) })
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// What the store is assumed to read: this member or none, free seats, other owners, no earlier tickets.
pub(super) fn facts(assumed: Option<&Resolved>, organization: &Organization, login: &Login, now: u64) -> Facts {
    let member = assumed.map(|assumed| member(assumed, organization, login, now));
    Facts {
        primary_owner_taken: member.as_ref().is_some_and(|member| member.primary_owner.is_some()),
        by_email: member.clone(),
        linked: member,
        by_external_id: None,
        ticket: None,
        email_not_before: None,
        active_owners: 2,
        taken: Taken::default(),
        removals_last_hour: 0,
        new_id: MemberId::new("new"),
        now,
    }
}

fn member(assumed: &Resolved, organization: &Organization, login: &Login, now: u64) -> Member {
    let provisioning = &organization.provisioning;
    let owner = organization.primary_owner.as_ref().filter(|owner| owner.email == login.email);
    let source = match (provisioning.is_scim(), provisioning.is_jit()) {
        (true, _) => Source::Scim,
        (_, true) => Source::Jit,
        _ => Source::Manual,
    };
    let (id, organization) = (MemberId::new("assumed"), organization.id.clone());
    Member {
        name: login.name.clone(),
        identity: Some(Identity { issuer: login.issuer.clone(), subject: login.subject.clone() }),
        external_id: login.external_id.clone(),
        seat_tier: assumed.seat_tier.clone(),
        status: assumed.status,
        primary_owner: owner.map(|owner| owner.email.clone()),
        ..Member::new(id, organization, login.email.clone(), assumed.role.clone(), source, now)
    }
}

/// What was assumed and what the store's rules make of it, in words.
pub(super) fn tell(facts: &Facts, outcome: &Outcome) -> String {
    let assumed = match &facts.linked {
        Some(member) => format!("assumed: a stored member, {}", described(member)),
        None => "assumed: nobody stored".to_owned(),
    };
    let change = match &outcome.effects.change {
        Some(Change::Create(member)) => format!("made a member, {}", described(member)),
        Some(Change::Remove(_)) => "the member is removed".to_owned(),
        Some(Change::Update(member)) => format!("the member becomes {}", described(member)),
        None => "no member changes".to_owned(),
    };
    let notes: String = outcome.effects.notes.iter().map(|note| format!(", {}", note.name())).collect();
    format!("{assumed}, free seats, no earlier logins; {change}{notes}")
}

fn described(member: &Member) -> String {
    let tier = member.seat_tier.as_ref().map_or_else(|| "no seat".to_owned(), |tier| format!("seat tier {tier}"));
    format!("role {}, {tier}, {}", member.role, member.status.name())
}

/// The answer that the filter would read.
pub(super) fn answer(outcome: Outcome) -> LoginAnswer {
    let member = outcome.member.map(|member| MemberFacts {
        id: member.id,
        email: member.email,
        role: member.role,
        seat_tier: member.seat_tier,
        status: member.status,
        source: member.source,
    });
    LoginAnswer { answer: outcome.answer, member, position: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assumed_member_is_read_strictly() {
        let member: AssumedMember = "role=admin,tier=premium,status=suspended".parse().unwrap();
        assert_eq!(member.role.as_deref(), Some("admin"));
        assert_eq!(member.tier.as_deref(), Some("premium"));
        assert_eq!(member.status, Some(Status::Suspended));
        for bad in ["", "admin", "role=", "role=a,role=b", "status=gone", "colour=red", "role=a,"] {
            assert_eq!(bad.parse::<AssumedMember>(), Err(AssumedMemberError::Form), "{bad}");
        }
    }
}
