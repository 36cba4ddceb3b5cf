//! The oracle's access rules: every one that matches must allow.

use super::super::history::{Entry, Login};
use super::Oracle;

impl Oracle {
    pub(super) fn access_denies(&self, entry: &Entry, login: &Login) -> Option<&'static str> {
        let matching: Vec<_> = self
            .policy
            .access
            .iter()
            .filter(|rule| match rule.path.strip_suffix('/') {
                Some(prefix) => login.path == prefix || login.path.starts_with(rule.path),
                None => login.path == rule.path,
            })
            .filter(|rule| rule.methods.as_ref().is_none_or(|methods| methods.contains(&login.method)))
            .collect();
        let tier = entry.tier.as_deref().unwrap_or("");
        if matching.iter().any(|rule| rule.roles.as_ref().is_some_and(|roles| !roles.contains(&entry.role.as_str()))) {
            return Some("role_not_allowed");
        }
        let tier_denied = matching.iter().any(|rule| rule.tiers.as_ref().is_some_and(|tiers| !tiers.contains(&tier)));
        tier_denied.then_some("seat_tier_not_allowed")
    }
}
