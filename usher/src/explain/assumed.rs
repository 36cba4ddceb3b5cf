//! What the store is assumed to have, since none is asked: a member, and full tiers.

use std::str::FromStr;

use usher_policy::id::{Email, MemberId, Role, Subject, Tier};
use usher_policy::member::{Identity, Member, Source, Status};
use usher_policy::model::{Cap, Organization};
use usher_policy::rules::login::Facts;
use usher_policy::rules::seats::Taken;
use usher_policy::wire::Login;

use super::words::listed;

/// A member as the command line describes it: `role=admin,tier=premium,status=active`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AssumedMember {
    role: Option<String>,
    tier: Option<String>,
    status: Option<Status>,
    email: Option<Email>,
    source: Option<Source>,
    linked: Option<Linked>,
}

/// Whose (issuer, subject) the member has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Linked {
    /// None yet: added, and never logged in.
    No,
    /// Another one's.
    Other,
    /// The assertion's.
    Yes,
}

/// What is assumed cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AssumedError {
    /// A tier that has no limit cannot be full.
    #[error("--full {0}: the tier has no cap in the policy, so it is never full")]
    Endless(String),
    /// The text is not `key=value,…`.
    #[error(
        "must be `none` or some of role=ROLE, tier=TIER, status=active|pending|suspended, email=EMAIL, \
         source=manual|jit|scim and linked=yes|no|other, separated by commas"
    )]
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
    #[error("{flag}: unknown seat tier `{tier}`; product `{product}` has {known}")]
    Tier {
        /// Where it was written.
        flag: &'static str,
        /// What was written.
        tier: String,
        /// The organization's product.
        product: String,
        /// Its tiers.
        known: String,
    },
}

impl FromStr for AssumedMember {
    type Err = AssumedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut member = Self::default();
        for part in text.split(',') {
            let (key, value) = part.split_once('=').ok_or(AssumedError::Form)?;
            let fresh = match key {
                "role" => member.role.replace(value.to_owned()).is_none(),
                "tier" => member.tier.replace(value.to_owned()).is_none(),
                "status" => put(&mut member.status, Status::named(value)),
                "email" => put(&mut member.email, Email::parse(value)),
                "source" => put(&mut member.source, Source::named(value)),
                "linked" => put(&mut member.linked, Linked::named(value)),
                _ => false,
            };
            if !fresh || value.is_empty() {
                return Err(AssumedError::Form);
            }
        }
        Ok(member)
    }
}

/// Keeps a value that could be read, the first of its kind.
fn put<T>(field: &mut Option<T>, value: Option<T>) -> bool {
    field.is_none() && value.is_some_and(|value| field.replace(value).is_none())
}

impl Linked {
    fn named(name: &str) -> Option<Self> {
        match name {
            "no" => Some(Self::No),
            "other" => Some(Self::Other),
            "yes" => Some(Self::Yes),
            _ => None,
        }
    }
}

/// What is assumed, its names resolved in the organization's product.
#[derive(Clone, Debug)]
pub(super) struct Assumed {
    member: Option<(AssumedMember, Role, Option<Tier>)>,
    full: Vec<(Tier, u32)>,
}

impl Assumed {
    /// Names become the product's roles and tiers; without a role it is the default one.
    pub(super) fn resolve(
        member: Option<&AssumedMember>,
        full: &[String],
        organization: &Organization,
    ) -> Result<Self, AssumedError> {
        let member = member
            .map(|member| {
                let role = role(member.role.as_deref(), organization)?;
                let tier = member.tier.as_deref().map(|name| tier("--member", name, organization)).transpose()?;
                Ok((member.clone(), role, tier))
            })
            .transpose()?;
        let full = full.iter().map(|name| capped(name, organization)).collect::<Result<_, _>>()?;
        Ok(Self { member, full })
    }

    /// What the store would have read: this member or none, other owners, no earlier tickets, the named tiers full.
    pub(super) fn facts(&self, organization: &Organization, login: &Login, now: u64) -> Facts {
        let member = self.member.as_ref().map(|(assumed, role, tier)| {
            let linked = assumed.linked.unwrap_or(Linked::Yes);
            (linked, stored(assumed, role, tier.as_ref(), organization, login, now))
        });
        let same_email = |member: &Member| member.email == login.email;
        let of = |wanted: &dyn Fn(Linked, &Member) -> bool| {
            member.as_ref().filter(|(linked, member)| wanted(*linked, member)).map(|(_, member)| member.clone())
        };
        Facts {
            primary_owner_taken: of(&|_, member| member.primary_owner.is_some()).is_some(),
            linked: of(&|linked, _| linked == Linked::Yes),
            by_email: of(&|_, member| same_email(member)),
            by_external_id: Vec::from_iter(of(&|linked, member| linked == Linked::No && member.external_id.is_some())),
            ticket: None,
            email_not_before: None,
            active_owners: 2,
            taken: Taken::new(self.full.clone()),
            removals_last_hour: 0,
            new_id: MemberId::new("new"),
            now,
        }
    }

    /// The member that was assumed, as the command line has it; linked or not.
    pub(super) fn is_anybody(&self) -> bool {
        self.member.is_some()
    }

    /// The tiers that were assumed to be full.
    pub(super) fn full(&self) -> impl Iterator<Item = &str> {
        self.full.iter().map(|(tier, _)| tier.as_str())
    }
}

fn role(name: Option<&str>, organization: &Organization) -> Result<Role, AssumedError> {
    let product = &organization.product;
    let role = name.map_or_else(|| product.default_role.clone(), Role::new);
    if product.has_role(&role) {
        return Ok(role);
    }
    let known = listed(product.roles().map(Role::as_str));
    Err(AssumedError::Role { role: role.to_string(), product: product.name.clone(), known })
}

fn tier(flag: &'static str, name: &str, organization: &Organization) -> Result<Tier, AssumedError> {
    let product = &organization.product;
    let tier = Tier::new(name);
    if product.has_tier(&tier) {
        return Ok(tier);
    }
    let known = listed(product.tiers.iter().map(Tier::as_str));
    Err(AssumedError::Tier { flag, tier: tier.to_string(), product: product.name.clone(), known })
}

/// A tier with all its seats.
fn capped(name: &str, organization: &Organization) -> Result<(Tier, u32), AssumedError> {
    let tier = tier("--full", name, organization)?;
    let seats = organization.seats.iter().flat_map(|seats| &seats.tiers);
    match seats.filter(|seat| seat.tier == tier).map(|seat| seat.cap).next() {
        Some(Cap::Limited(cap)) => Ok((tier, cap)),
        Some(Cap::Unlimited) | None => Err(AssumedError::Endless(name.to_owned())),
    }
}

fn stored(
    assumed: &AssumedMember,
    role: &Role,
    tier: Option<&Tier>,
    organization: &Organization,
    login: &Login,
    now: u64,
) -> Member {
    let provisioning = &organization.provisioning;
    let source = assumed.source.unwrap_or(match (provisioning.is_scim(), provisioning.is_jit()) {
        (true, _) => Source::Scim,
        (_, true) => Source::Jit,
        _ => Source::Manual,
    });
    let email = assumed.email.clone().unwrap_or_else(|| login.email.clone());
    let owner = organization.primary_owner.as_ref().filter(|owner| owner.email == email);
    let linked = assumed.linked.unwrap_or(Linked::Yes);
    let subject = match linked {
        Linked::No => None,
        Linked::Other => Some(Subject::new("somebody else")),
        Linked::Yes => Some(login.subject.clone()),
    };
    let (id, organization) = (MemberId::new("assumed"), organization.id.clone());
    Member {
        name: login.name.clone(),
        identity: subject.map(|subject| Identity { issuer: login.issuer.clone(), subject }),
        external_id: login.external_id.clone().filter(|_| linked == Linked::Yes || source == Source::Scim),
        seat_tier: tier.cloned(),
        status: assumed.status.unwrap_or(Status::Active),
        // Who was never linked has not logged in, and only a first login makes the primary owner.
        primary_owner: owner.filter(|_| linked != Linked::No).map(|owner| owner.email.clone()),
        ..Member::new(id, organization, email, role.clone(), source, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assumed_member_is_read_strictly() {
        let member: AssumedMember =
            "role=admin,tier=premium,status=suspended,email=Ada@acme.example,source=scim,linked=no".parse().unwrap();
        assert_eq!(member.role.as_deref(), Some("admin"));
        assert_eq!(member.tier.as_deref(), Some("premium"));
        assert_eq!(member.status, Some(Status::Suspended));
        assert_eq!(member.email, Email::parse("ada@acme.example"));
        assert_eq!((member.source, member.linked), (Some(Source::Scim), Some(Linked::No)));
        for bad in [
            "",
            "admin",
            "role=",
            "role=a,role=b",
            "status=gone",
            "colour=red",
            "role=a,",
            "email=ada",
            "source=idp",
            "linked=maybe",
            "linked=yes,linked=yes",
        ] {
            assert_eq!(bad.parse::<AssumedMember>(), Err(AssumedError::Form), "{bad}");
        }
    }
}
