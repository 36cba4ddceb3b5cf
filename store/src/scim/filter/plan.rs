//! Which index answers a filter: the look-up that finds all candidates, among which the filter itself then decides.

use std::collections::BTreeSet;

use super::evaluate::folded;
use super::{Comparison, Filter, Literal, Operator};
use crate::scim::error::ScimError;

/// How the resources that match a filter are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What finds every resource that can match.
    pub(crate) lookup: Lookup,
    /// The look-up finds nothing else: the filter need not be asked again.
    pub(crate) exact: bool,
    /// The members whom the filter asks for. Members are not in a group's document: these alone must be looked up.
    pub(crate) members: BTreeSet<String>,
    /// Whether the filter asks for the groups of a user, which are not in the document either.
    pub(crate) groups: bool,
}

/// An index of the database, and what to find in it. Texts that are compared without case are folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// Every resource, in order.
    All,
    /// No resource.
    Nothing,
    DisplayName(String),
    /// Users with this among their emails.
    Email(String),
    ExternalId(String),
    Id(String),
    /// Users in this group.
    InGroup(String),
    /// Groups with this member.
    Member(String),
    UserName(String),
}

impl Plan {
    /// The plan of a filter.
    ///
    /// # Errors
    /// `invalidFilter` where it asks of members what would mean to read them all.
    pub(crate) fn of(filter: &Filter) -> Result<Self, ScimError> {
        let mut members = BTreeSet::new();
        gather_members(filter, &mut members)?;
        let lookup = lookup(filter);
        let exact = lookup.is_some() && matches!(filter, Filter::Compare(_));
        Ok(Self { lookup: lookup.unwrap_or(Lookup::All), exact, members, groups: asks_for_groups(filter) })
    }
}

/// An index that finds all that can match; one such part of a conjunction is enough.
fn lookup(filter: &Filter) -> Option<Lookup> {
    match filter {
        Filter::And(filters) => {
            let mut found: Vec<_> = filters.iter().filter_map(lookup).collect();
            found.sort_by_key(Lookup::breadth);
            found.into_iter().next()
        }
        Filter::Compare(comparison) => comparison.lookup(),
        // For members and emails, `[value eq "x"]` asks the same as `.value eq "x"` and more.
        Filter::Values(_, inner) => lookup(inner),
        Filter::Not(_) | Filter::Or(_) | Filter::Present(_) => None,
    }
}

impl Comparison {
    fn lookup(&self) -> Option<Lookup> {
        let (Operator::Eq, Literal::Text(text), None) = (self.operator, &self.literal, self.path.extension) else {
            return None;
        };
        // A text with NUL is in no resource, and PostgreSQL would not even compare it.
        if text.contains('\0') {
            return Some(Lookup::Nothing);
        }
        match (self.path.attribute.name, self.path.sub.map(|sub| sub.name)) {
            ("displayName", None) => Some(Lookup::DisplayName(folded(text))),
            ("emails", Some("value")) => Some(Lookup::Email(folded(text))),
            ("externalId", None) => Some(Lookup::ExternalId(text.clone())),
            ("groups", Some("value")) => Some(Lookup::InGroup(text.clone())),
            ("id", None) => Some(Lookup::Id(text.clone())),
            ("members", Some("value")) => Some(Lookup::Member(text.clone())),
            ("userName", None) => Some(Lookup::UserName(folded(text))),
            _ => None,
        }
    }
}

impl Lookup {
    /// How many it may find, roughly: the narrowest is asked first.
    fn breadth(&self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Id(_) => 1,
            Self::UserName(_) => 2,
            Self::ExternalId(_) => 3,
            Self::Email(_) => 4,
            Self::Member(_) => 5,
            Self::DisplayName(_) => 6,
            Self::InGroup(_) => 7,
            Self::All => 8,
        }
    }
}

fn asks_for_groups(filter: &Filter) -> bool {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().any(asks_for_groups),
        Filter::Not(filter) => asks_for_groups(filter),
        Filter::Compare(Comparison { path, .. }) | Filter::Present(path) | Filter::Values(path, _) => {
            path.is_core("groups")
        }
    }
}

/// The members that `members[value eq "x"]` selects in a path; with `or`, several.
///
/// # Errors
/// `invalidFilter` where they are not named by `value`.
pub(crate) fn members_selected(filter: &Filter) -> Result<BTreeSet<String>, ScimError> {
    match filter {
        Filter::Or(filters) => {
            let mut all = BTreeSet::new();
            for filter in filters {
                all.append(&mut members_selected(filter)?);
            }
            Ok(all)
        }
        Filter::Compare(Comparison { path, operator: Operator::Eq, literal: Literal::Text(member) })
            if path.sub.is_some_and(|sub| sub.name == "value") && !member.contains('\0') =>
        {
            Ok(BTreeSet::from([member.clone()]))
        }
        _ => Err(ScimError::invalid_filter("members are selected by `value eq`")),
    }
}

fn gather_members(filter: &Filter, members: &mut BTreeSet<String>) -> Result<(), ScimError> {
    let refused = || ScimError::invalid_filter("members can be asked for by `value` with `eq` or `ne` alone");
    match filter {
        Filter::And(filters) | Filter::Or(filters) => {
            filters.iter().try_for_each(|filter| gather_members(filter, members))
        }
        Filter::Not(filter) | Filter::Values(_, filter) => gather_members(filter, members),
        Filter::Present(path) if path.is_core("members") => Err(refused()),
        Filter::Present(_) => Ok(()),
        Filter::Compare(comparison) if comparison.path.is_core("members") => {
            let by_value = comparison.path.sub.is_some_and(|sub| sub.name == "value");
            match (comparison.operator, &comparison.literal) {
                (Operator::Eq | Operator::Ne, Literal::Text(member)) if by_value => {
                    members.extend((!member.contains('\0')).then(|| member.clone()));
                    Ok(())
                }
                _ => Err(refused()),
            }
        }
        Filter::Compare(_) => Ok(()),
    }
}
