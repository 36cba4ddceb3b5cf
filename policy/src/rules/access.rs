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
        if !rule.path.matches(path) || !protects(rule.methods.as_deref(), request.method) {
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

/// Whether an access rule is for a method: `GET` for `HEAD` as well, which servers answer with what `GET` does (RFC 9110, 9.3.2),
/// and in any case of letters, as some upstreams read them.
fn protects(methods: Option<&[String]>, method: &str) -> bool {
    let is = |listed: &String| {
        listed.eq_ignore_ascii_case(method) || (listed == "GET" && method.eq_ignore_ascii_case("HEAD"))
    };
    methods.is_none_or(|methods| methods.iter().any(is))
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
    use super::{bypasses, check};
    use crate::id::Role;
    use crate::model::{AccessRule, BypassRule, PathRule, Provisioning};
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
        for method in ["HEAD", "get", "Get"] {
            assert!(!bypasses(&organization, Request { method, path: Some(&path("/healthz")) }), "{method}");
        }
    }

    #[test]
    fn a_rule_for_get_is_for_head_too_and_for_any_case_of_letters() {
        let mut organization = organization(Provisioning::Manual);
        organization.access = vec![AccessRule {
            path: PathRule::parse("/admin/"),
            methods: Some(vec!["GET".to_owned(), "DELETE".to_owned()]),
            roles: Some(vec![Role::new("owner")]),
            seat_tiers: None,
        }];
        let at = path("/admin/export");
        for (method, is_let_in) in [
            ("GET", false),
            ("HEAD", false),
            ("get", false),
            ("hEaD", false),
            ("delete", false),
            ("POST", true),
            ("HEADER", true),
        ] {
            let request = Request { method, path: Some(&at) };
            let verdict = check(&organization, &Role::new("user"), None, request);
            assert_eq!(verdict.is_ok(), is_let_in, "{method}");
            assert!(check(&organization, &Role::new("owner"), None, request).is_ok(), "{method}");
        }
    }
}
