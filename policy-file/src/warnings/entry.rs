//! Organizations that nobody new can enter.

use usher_policy::id::{Role, Tier};
use usher_policy::model::{AccessRule, Organization, PathRule};

use super::place::Place;
use super::{Findings, WarningCode, connections, reach};
use crate::field_path::quoted;

/// Each cause for itself: without mending all of them nobody comes in.
pub(super) fn nobody<'d>(organization: &Organization, place: &Place<'d>, findings: &mut Findings<'d>) {
    let mut add = |place: Place<'d>, message: String| findings.add(WarningCode::NobodyCanEnter, &place, message);
    if let Some(why) = no_connection(organization) {
        add(place.member("connections"), why);
    }
    if !can_have_members(organization) {
        add(
            place.member("provisioning").member("mode"),
            "nobody can enter: members come only from the directory, and the parent has none. \
             Write `directory: {scim: true, token_env: …}` for the parent, or another mode"
                .to_owned(),
        );
    }
    let tiers = reach::tiers(organization);
    if tiers.as_ref().is_some_and(Vec::is_empty) {
        add(
            place.member("seats"),
            "nobody new can enter: everyone needs a seat, and nobody can get a tier that has any. \
             Raise `caps`, or map groups to tiers that have seats"
                .to_owned(),
        );
    } else if !somebody_is_allowed(organization, tiers.as_deref()) {
        add(
            place.member("access"),
            "nobody can enter: the rules for every path admit no role and seat tier that anybody can have. \
             Allow more roles or tiers, or write narrower paths"
                .to_owned(),
        );
    }
}

/// Whether a rule's path holds for every path of the organization.
pub(super) fn covers_all(organization: &Organization, path: &PathRule) -> bool {
    match path {
        PathRule::Exact(_) => false,
        PathRule::Prefix(rule) => {
            let prefix = organization.path_prefix.as_deref().unwrap_or_default();
            format!("{prefix}/").starts_with(rule.as_str())
        }
    }
}

/// Why no connection lets anybody in, where none does.
fn no_connection(organization: &Organization) -> Option<String> {
    let causes: Option<Vec<_>> = organization
        .connections
        .iter()
        .map(|connection| {
            let why = connections::lets_nobody_in(&organization.parent, connection)?;
            Some(format!("connection {} lets nobody in: {why}", quoted(connection.id.as_str())))
        })
        .collect();
    causes.map(|causes| format!("nobody can enter: {}. Fix one, or add another", causes.join("; ")))
}

/// In scim modes, members of another source do not count, save for the primary owner.
fn can_have_members(organization: &Organization) -> bool {
    let served = organization.parent.directory.as_ref().is_some_and(|directory| directory.scim);
    !organization.provisioning.is_scim() || served || organization.primary_owner.is_some()
}

fn somebody_is_allowed(organization: &Organization, tiers: Option<&[&Tier]>) -> bool {
    let everywhere = |rule: &&AccessRule| rule.methods.is_none() && covers_all(organization, &rule.path);
    let rules: Vec<_> = organization.access.iter().filter(everywhere).collect();
    let role_passes =
        |role: &&Role| rules.iter().all(|rule| rule.roles.as_ref().is_none_or(|allowed| allowed.contains(role)));
    let tier_passes =
        |tier: &&&Tier| rules.iter().all(|rule| rule.seat_tiers.as_ref().is_none_or(|allowed| allowed.contains(tier)));
    reach::roles(organization).iter().any(role_passes)
        && tiers.is_none_or(|tiers| tiers.iter().any(|tier| tier_passes(&tier)))
}
