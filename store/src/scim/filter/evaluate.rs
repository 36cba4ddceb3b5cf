//! Whether a filter holds for a resource: the meaning of filters, which every faster way must agree with.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{Comparison, Filter, Literal, Operator};
use crate::scim::attribute_path::AttributePath;
use crate::scim::time::Moment;

impl Filter {
    /// Whether it holds for a whole resource.
    pub(crate) fn matches(&self, resource: &Map<String, Value>) -> bool {
        self.holds(&|path| path.values(resource))
    }

    /// Whether an inner filter holds for one value of its attribute.
    pub(crate) fn matches_value(&self, value: &Value) -> bool {
        self.holds(&|path| path.sub.and_then(|sub| value.get(sub.name)).into_iter().collect())
    }

    fn holds<'a>(&self, values: &dyn Fn(&AttributePath) -> Vec<&'a Value>) -> bool {
        match self {
            Self::And(filters) => filters.iter().all(|filter| filter.holds(values)),
            Self::Compare(comparison) => comparison.holds(&values(&comparison.path)),
            Self::Not(filter) => !filter.holds(values),
            Self::Or(filters) => filters.iter().any(|filter| filter.holds(values)),
            Self::Present(path) => values(path).into_iter().any(is_present),
            Self::Values(path, inner) => values(path).into_iter().any(|value| inner.matches_value(value)),
        }
    }
}

impl Comparison {
    /// Some value must fit; `ne` is the opposite of `eq`.
    fn holds(&self, values: &[&Value]) -> bool {
        match self.operator {
            Operator::Ne => !self.equals(values),
            Operator::Eq => self.equals(values),
            operator => values.iter().any(|value| self.fits(operator, value)),
        }
    }

    fn equals(&self, values: &[&Value]) -> bool {
        match &self.literal {
            // "If the attribute is null or absent": unassigned is all the same (RFC 7643, 2.5).
            Literal::Null => !values.iter().any(|value| is_present(value)),
            _ => values.iter().any(|value| self.fits(Operator::Eq, value)),
        }
    }

    fn fits(&self, operator: Operator, value: &Value) -> bool {
        match (&self.literal, value) {
            (Literal::Boolean(literal), Value::Bool(value)) => operator == Operator::Eq && value == literal,
            (Literal::Moment(literal), Value::String(value)) => {
                Moment::parse(value).is_some_and(|value| operator.accepts(value.cmp(literal)))
            }
            (Literal::Text(literal), Value::String(value)) if self.path.last().case_exact => {
                operator.compares(value, literal)
            }
            (Literal::Text(literal), Value::String(value)) => operator.compares(&folded(value), &folded(literal)),
            _ => false,
        }
    }
}

impl Operator {
    fn compares(self, value: &str, literal: &str) -> bool {
        match self {
            Self::Co => value.contains(literal),
            Self::Ew => value.ends_with(literal),
            Self::Sw => value.starts_with(literal),
            _ => self.accepts(value.cmp(literal)),
        }
    }

    fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Ge => ordering.is_ge(),
            Self::Gt => ordering.is_gt(),
            Self::Le => ordering.is_le(),
            Self::Lt => ordering.is_lt(),
            Self::Ne => ordering.is_ne(),
            Self::Co | Self::Ew | Self::Sw => false,
        }
    }
}

/// A text for comparing without case. Also what the database's indices hold.
pub(crate) fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// Whether there is anything in a value (`pr`: "has a non-empty or non-null value").
fn is_present(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(is_present),
        Value::Null => false,
        Value::Object(members) => members.values().any(is_present),
        Value::String(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}
