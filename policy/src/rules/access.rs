//! `access` and `bypass`: what a path asks for, and what is passed without a look at the credential.

use super::conclude::Request;
use crate::Reason;
use crate::id::{Role, Tier};
use crate::model::Organization;

/// Checks every access rule that matches; all must allow. Roles are reported before tiers (design §2, "Precedence").
///
/// # Errors
/// `role_not_allowed`, `seat_tier_not_allowed`; `ambiguous_request` where the path is needed and missing.
pub fn check(
    organization: &Organization,
    role: &Role,
    seat_tier: Option<&Tier>,
    request: Request<'_>,
) -> Result<(), Reason> {
    if organization.access.is_empty() {
        return Ok(());
    }
    let path = request.path.ok_or(Reason::AmbiguousRequest)?;
    let mut denial = None;
    for rule in &organization.access {
        if !rule.path.matches(path) || !applies(rule.methods.as_deref(), request.method) {
            continue;
        }
        if rule.roles.as_ref().is_some_and(|roles| !roles.contains(role)) {
            return Err(Reason::RoleNotAllowed);
        }
        if rule.seat_tiers.as_ref().is_some_and(|tiers| !seat_tier.is_some_and(|tier| tiers.contains(tier))) {
            denial = Some(Reason::SeatTierNotAllowed);
        }
    }
    match denial {
        Some(reason) => Err(reason),
        None => Ok(()),
    }
}

/// Whether the request passes without a look at the credential.
pub fn bypasses(organization: &Organization, request: Request<'_>) -> bool {
    match request.path {
        Some(path) => organization
            .bypass
            .iter()
            .any(|rule| rule.path.matches(path) && applies(rule.methods.as_deref(), request.method)),
        None => false,
    }
}

fn applies(methods: Option<&[String]>, method: &str) -> bool {
    methods.is_none_or(|methods| methods.iter().any(|listed| listed == method))
}

#[cfg(test)]
mod tests {
    use super::bypasses;
    use crate::model::{BypassRule, PathRule, Provisioning};
    use crate::rules::conclude::Request;
    use crate::rules::testing::{organization, path};

    #[test]
    fn a_bypass_is_for_its_path_and_its_methods_only() {
        let mut organization = organization(Provisioning::Manual);
        let get = Some(vec!["GET".to_owned()]);
        organization.bypass = vec![
            BypassRule { path: PathRule::parse("/healthz"), methods: get },
            BypassRule { path: PathRule::parse("/assets/"), methods: None },
        ];
        for (method, at, expected) in [
            ("GET", "/healthz", true),
            ("POST", "/healthz", false),
            ("GET", "/healthz/", false),
            ("GET", "/healthz/x", false),
            ("GET", "/assets", true),
            ("PUT", "/assets/a/b", true),
            ("GET", "/assetsx", false),
            ("GET", "/", false),
        ] {
            let at = path(at);
            assert_eq!(bypasses(&organization, Request { method, path: Some(&at) }), expected, "{method} {at:?}");
        }
        assert!(!bypasses(&organization, Request { method: "GET", path: None }));
    }
}
