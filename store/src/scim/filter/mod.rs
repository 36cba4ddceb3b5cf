//! Filters (RFC 7644, 3.4.2.2): parsed to a tree, evaluated over a resource, planned as a look-up.

mod evaluate;
mod parse;
mod plan;

pub(crate) use evaluate::folded;
pub(crate) use plan::{Lookup, Plan, members_selected};

use super::attribute_path::AttributePath;
use super::time::Moment;

/// A condition on a resource, or on one value of a multi-valued attribute.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    And(Vec<Filter>),
    Compare(Comparison),
    Not(Box<Filter>),
    Or(Vec<Filter>),
    Present(AttributePath),
    /// One value of the attribute for which the inner filter holds: `emails[type eq "work"]`.
    Values(AttributePath, Box<Filter>),
}

/// `userName eq "ada"`. The literal is of the attribute's type.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) path: AttributePath,
    pub(crate) operator: Operator,
    pub(crate) literal: Literal,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Co,
    Eq,
    Ew,
    Ge,
    Gt,
    Le,
    Lt,
    Ne,
    Sw,
}

/// What is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Boolean(bool),
    Moment(Moment),
    Null,
    Text(String),
}

/// The longest filter, in bytes.
pub(crate) const MAX_LENGTH: usize = 4096;

/// How deep parentheses and brackets may be.
const MAX_DEPTH: usize = 16;

/// The most comparisons in one filter.
const MAX_COMPARISONS: usize = 64;

#[cfg(test)]
mod tests;
