//! What a policy may say, but hardly means: lock-outs, dead mappings and rules, hosts that shadow one another, keys in the clear.

mod bypass;
mod code;
mod connections;
mod entry;
mod group_forms;
mod hosts;
mod mappings;
mod owners;
mod paths;
mod place;
mod reach;
mod seats;
mod spaces;

use std::collections::HashMap;

use serde_json::Value;
use usher_policy::model::{Organization, Parent, Policy};

use self::place::Place;
use super::field_path::FieldPath;

pub use self::code::WarningCode;

/// Something that is allowed and probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// A stable word for it.
    pub code: WarningCode,
    /// The field, as in a `Fault`.
    pub path: String,
    /// The line in the file, from 1, where it is known (YAML only).
    pub line: Option<usize>,
    /// What will happen and what to write instead.
    pub message: String,
}

/// Every warning of a policy that was read from this document: by line where lines are known, else in the order of the file.
pub(super) fn of(policy: &Policy, document: &Value, line_of: &dyn Fn(&FieldPath<'_>) -> Option<usize>) -> Vec<Warning> {
    let mut findings = Findings::default();
    let mut by_parent: HashMap<&str, Vec<&Organization>> = HashMap::new();
    for organization in &policy.organizations {
        by_parent.entry(organization.parent.id.as_str()).or_default().push(organization);
    }
    let parents = Place::root(document).member("parents");
    let mut placed = Vec::new();
    for (number, parent) in policy.parents.iter().enumerate() {
        let place = parents.item(number);
        of_parent(parent, &place, &mut findings);
        let organizations = by_parent.remove(parent.id.as_str()).unwrap_or_default();
        let places = (0..).map(|number| place.member("organizations").item(number));
        placed.extend(organizations.into_iter().zip(places));
    }
    for (organization, place) in &placed {
        of_organization(organization, place, &mut findings);
    }
    hosts::shadowed(&placed, &mut findings);
    findings.into_warnings(line_of)
}

fn of_parent<'d>(parent: &Parent, place: &Place<'d>, findings: &mut Findings<'d>) {
    connections::email_unvouched(parent, place, findings);
    connections::insecure_jwks(parent, place, findings);
    connections::issuer_no_url(parent, place, findings);
    spaces::of_connections(parent, place, findings);
}

fn of_organization<'d>(organization: &'d Organization, place: &Place<'d>, findings: &mut Findings<'d>) {
    owners::no_owner(organization, place, findings);
    mappings::no_directory(organization, place, findings);
    mappings::mapped_twice(organization, place, findings);
    mappings::overtaken(organization, place, findings);
    group_forms::display_names(organization, place, findings);
    seats::without_seats(organization, place, findings);
    entry::nobody(organization, place, findings);
    bypass::everything(organization, place, findings);
    paths::access_bypassed(organization, place, findings);
    paths::outside_prefix(organization, place, findings);
    spaces::of_groups(organization, place, findings);
}

/// The warnings found so far.
#[derive(Default)]
struct Findings<'d> {
    list: Vec<(WarningCode, FieldPath<'d>, String)>,
}

impl<'d> Findings<'d> {
    fn add(&mut self, code: WarningCode, place: &Place<'d>, message: impl Into<String>) {
        self.list.push((code, place.path().clone(), message.into()));
    }

    fn into_warnings(self, line_of: &dyn Fn(&FieldPath<'_>) -> Option<usize>) -> Vec<Warning> {
        let warning = |(code, path, message): (WarningCode, FieldPath<'d>, String)| Warning {
            code,
            line: line_of(&path),
            path: path.to_string(),
            message,
        };
        let mut warnings: Vec<_> = self.list.into_iter().map(warning).collect();
        warnings.sort_by_key(|warning| warning.line);
        warnings
    }
}
