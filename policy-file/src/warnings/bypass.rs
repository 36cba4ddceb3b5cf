//! Bypasses that leave nothing to protect.

use usher_policy::model::Organization;

use super::place::Place;
use super::{Findings, WarningCode, entry};

/// A bypass of every path, for more than a CORS preflight.
pub(super) fn everything<'d>(organization: &Organization, place: &Place<'d>, findings: &mut Findings<'d>) {
    for (number, rule) in organization.bypass.iter().enumerate() {
        let more_than_preflight =
            rule.methods.as_ref().is_none_or(|methods| methods.iter().any(|method| method != "OPTIONS"));
        if more_than_preflight && entry::covers_all(organization, &rule.path) {
            findings.add(
                WarningCode::BypassEverything,
                &place.member("bypass").item(number).member("path"),
                "everybody reaches every path without a credential check. Write the intended paths, like `/healthz` or \
                 `/assets/`",
            );
        }
    }
}
