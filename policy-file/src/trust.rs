//! Whose assertion it is: no (issuer, audience) may open the doors of two parents.

use std::collections::HashMap;

use usher_policy::model::Requirement;

use super::field_path::FieldPath;

/// Every (issuer, audience) of the file.
#[derive(Default)]
pub(super) struct Trusts<'d> {
    shared: HashMap<(&'d str, &'d str), Tenants<'d>>,
}

/// One connection's claim to an (issuer, audience).
pub(super) struct Tenant<'d> {
    /// The number of its parent in the file.
    pub(super) parent: usize,
    /// Where the connection stands.
    pub(super) place: FieldPath<'d>,
    /// What its assertions must say besides.
    pub(super) require: Vec<Requirement>,
}

/// Why a tenant cannot be let in beside an earlier one.
pub(super) enum Conflict<'d> {
    /// Another parent's connection could take the same assertion.
    Parents(FieldPath<'d>),
    /// The same parent has it twice.
    Twice(FieldPath<'d>),
}

impl<'d> Trusts<'d> {
    /// Adds a tenant, unless it cannot be told from an earlier one. Parents come in the order of the file.
    pub(super) fn enter(&mut self, issuer: &'d str, audience: &'d str, tenant: Tenant<'d>) -> Result<(), Conflict<'d>> {
        self.shared.entry((issuer, audience)).or_default().enter(tenant)
    }
}

/// The tenants of one (issuer, audience), at most one of each parent.
#[derive(Default)]
struct Tenants<'d> {
    list: Vec<Tenant<'d>>,
    /// By the claims that they require, sorted: comparing a thousand tenants in pairs would take too long.
    kins: Vec<(Vec<String>, Kin)>,
}

/// Tenants that require the same claims.
#[derive(Default)]
struct Kin {
    first: usize,
    /// Who requires this value of this claim.
    holders: HashMap<(String, String), Vec<usize>>,
}

impl<'d> Tenants<'d> {
    fn enter(&mut self, tenant: Tenant<'d>) -> Result<(), Conflict<'d>> {
        if let Some(last) = self.list.last().filter(|last| last.parent == tenant.parent) {
            return Err(Conflict::Twice(last.place.clone()));
        }
        if let Some(other) = self.kins.iter().find_map(|(claims, kin)| self.indistinct(claims, kin, &tenant)) {
            return Err(Conflict::Parents(other.place.clone()));
        }
        let number = self.list.len();
        let mut claims: Vec<String> =
            tenant.require.iter().map(|required| required.claim.as_str().to_owned()).collect();
        claims.sort_unstable();
        let mut kin = match self.kins.iter().position(|(own, _)| *own == claims) {
            Some(at) => self.kins.swap_remove(at).1,
            None => Kin { first: number, holders: HashMap::new() },
        };
        for required in &tenant.require {
            for value in &required.any_of {
                let key = (required.claim.as_str().to_owned(), value.clone());
                kin.holders.entry(key).or_default().push(number);
            }
        }
        self.kins.push((claims, kin));
        self.list.push(tenant);
        Ok(())
    }

    /// A tenant of this kin that no claim keeps apart from the new one.
    fn indistinct(&self, claims: &[String], kin: &Kin, tenant: &Tenant<'d>) -> Option<&Tenant<'d>> {
        // Any claim that both require narrows the search; without one nothing keeps them apart.
        let Some(common) =
            tenant.require.iter().find(|required| claims.iter().any(|claim| required.claim.as_str() == claim))
        else {
            return self.list.get(kin.first);
        };
        common
            .any_of
            .iter()
            .filter_map(|value| kin.holders.get(&(common.claim.as_str().to_owned(), value.clone())))
            .flatten()
            .filter_map(|number| self.list.get(*number))
            .find(|other| !are_apart(&other.require, &tenant.require))
    }
}

/// Whether some claim is required by both with no value in common.
fn are_apart(one: &[Requirement], other: &[Requirement]) -> bool {
    one.iter().any(|left| {
        other
            .iter()
            .filter(|right| right.claim == left.claim)
            .any(|right| !left.any_of.iter().any(|value| right.any_of.contains(value)))
    })
}
