//! White space around what is compared to the letter: nobody sees it, and nothing equals it.

use usher_policy::model::{Organization, Parent};

use super::place::Place;
use super::{Findings, WarningCode};
use crate::field_path::quoted;

/// In what a connection compares.
pub(super) fn of_connections<'d>(parent: &Parent, place: &Place<'d>, findings: &mut Findings<'d>) {
    for (number, connection) in parent.connections.iter().enumerate() {
        let place = place.member("connections").item(number);
        check(connection.issuer.as_str(), &place.member("issuer"), findings);
        for (number, audience) in connection.audiences.iter().enumerate() {
            check(audience, &place.member("audiences").item(number), findings);
        }
        for (number, value) in connection.assignment.iter().flat_map(|assignment| &assignment.any_of).enumerate() {
            check(value, &place.member("assignment").member("any_of").item(number), findings);
        }
    }
}

/// In the groups that are mapped.
pub(super) fn of_groups<'d>(organization: &Organization, place: &Place<'d>, findings: &mut Findings<'d>) {
    let Some(mappings) = organization.provisioning.mappings() else {
        return;
    };
    let place = place.member("provisioning").member("group_mappings");
    for (number, mapping) in mappings.roles.iter().enumerate() {
        check(mapping.group.as_str(), &place.member("roles").item(number).member("group"), findings);
    }
    for (number, mapping) in mappings.seat_tiers.iter().enumerate() {
        check(mapping.group.as_str(), &place.member("seat_tiers").item(number).member("group"), findings);
    }
}

fn check<'d>(value: &str, place: &Place<'d>, findings: &mut Findings<'d>) {
    if value.trim() != value {
        findings.add(
            WarningCode::StraySpace,
            place,
            format!(
                "{} begins or ends with white space, and is compared to the letter: what the provider sends hardly \
                 has any. Write {}",
                quoted(value),
                quoted(value.trim())
            ),
        );
    }
}
