//! Rules of paths that protect nothing: outside the organization's `path_prefix`, or behind a bypass.

use usher_policy::model::{AccessRule, BypassRule, Organization, PathRule};

use super::place::Place;
use super::{Findings, WarningCode};
use crate::field_path::quoted;

/// Rules for paths at which the organization does not answer: nothing is added to the prefix, paths are whole.
pub(super) fn outside_prefix<'d>(organization: &Organization, place: &Place<'d>, findings: &mut Findings<'d>) {
    let Some(prefix) = organization.path_prefix.as_deref() else {
        return;
    };
    let access = organization.access.iter().map(|rule| &rule.path);
    let bypass = organization.bypass.iter().map(|rule| &rule.path);
    let mut check = |field, number, path: &PathRule| {
        if !is_within(path, prefix) {
            findings.add(
                WarningCode::PathOutsidePrefix,
                &place.member(field).item(number).member("path"),
                format!(
                    "the rule is for no request: the organization has only what is under {}, and a rule's path is the \
                     whole path. Write {}",
                    quoted(prefix),
                    quoted(&format!("{prefix}{}", written(path)))
                ),
            );
        }
    };
    access.enumerate().for_each(|(number, path)| check("access", number, path));
    bypass.enumerate().for_each(|(number, path)| check("bypass", number, path));
}

/// Access rules that are never asked, because a bypass lets everybody pass before.
pub(super) fn access_bypassed<'d>(organization: &Organization, place: &Place<'d>, findings: &mut Findings<'d>) {
    for (number, rule) in organization.access.iter().enumerate() {
        if let Some(bypass) = organization.bypass.iter().position(|bypass| passes_all(bypass, rule)) {
            findings.add(
                WarningCode::AccessBypassed,
                &place.member("access").item(number).member("path"),
                format!(
                    "the rule is never asked: `bypass[{bypass}]` lets everybody pass there without a credential. \
                     Narrow the bypass, or remove the rule"
                ),
            );
        }
    }
}

fn is_within(path: &PathRule, prefix: &str) -> bool {
    let below = format!("{prefix}/");
    match path {
        PathRule::Exact(rule) => rule == prefix || rule.starts_with(&below),
        PathRule::Prefix(rule) => rule.starts_with(&below) || below.starts_with(rule.as_str()),
    }
}

fn passes_all(bypass: &BypassRule, rule: &AccessRule) -> bool {
    let methods = match (&bypass.methods, &rule.methods) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(bypassed), Some(asked)) => asked.iter().all(|method| bypassed.contains(method)),
    };
    let path = match (&bypass.path, &rule.path) {
        (PathRule::Exact(bypassed), PathRule::Exact(asked)) => bypassed == asked,
        (PathRule::Exact(_), PathRule::Prefix(_)) => false,
        (PathRule::Prefix(bypassed), PathRule::Exact(asked)) => format!("{asked}/").starts_with(bypassed.as_str()),
        (PathRule::Prefix(bypassed), PathRule::Prefix(asked)) => asked.starts_with(bypassed.as_str()),
    };
    methods && path
}

fn written(path: &PathRule) -> &str {
    match path {
        PathRule::Exact(path) | PathRule::Prefix(path) => path,
    }
}
