//! The top role: whether anybody can have it.

use usher_policy::model::Organization;

use super::place::Place;
use super::{Findings, WarningCode};
use crate::field_path::quoted;

/// With mappings on, nobody can be given a role by hand: what no group gives, nobody ever has.
pub(super) fn no_owner<'d>(organization: &Organization, place: &Place<'d>, findings: &mut Findings<'d>) {
    let Some(mappings) = organization.provisioning.mappings() else {
        return;
    };
    let top = organization.top_role();
    if mappings.roles.iter().any(|mapping| mapping.role == *top) {
        return;
    }
    let place = place.member("provisioning").member("group_mappings").member("roles");
    let top = quoted(top.as_str());
    match &organization.primary_owner {
        None => findings.add(
            WarningCode::NoOwner,
            &place,
            format!("no group gives {top}, so nobody can have it. Map a group to it, or write `primary_owner`"),
        ),
        Some(owner) => findings.add(
            WarningCode::TopRoleUnmapped,
            &place,
            format!(
                "no group gives {top}: the primary owner {} alone has it, and nobody once they are gone. \
                 Map a group to it, like `{{group: owners, role: {}}}`",
                quoted(owner.email.as_str()),
                organization.top_role()
            ),
        ),
    }
}
