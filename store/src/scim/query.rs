//! What a request asks for beside the resource: filter, page and attributes, from the query string or from `.search`.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde_json::Value;

use super::error::ScimError;
use super::filter::{Filter, Plan};
use super::list::Page;
use super::projection::Projection;
use super::resource::ResourceType;
use crate::http::Problem;

/// The parameters, as they came. What is not known is ignored: Entra marks its requests by one of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScimQuery {
    attributes: Option<String>,
    count: Option<String>,
    excluded_attributes: Option<String>,
    filter: Option<String>,
    start_index: Option<String>,
}

/// What of a list is wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) filter: Option<(Filter, Plan)>,
    pub(super) page: Page,
    pub(super) projection: Projection,
}

impl<S: Send + Sync> FromRequestParts<S> for ScimQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let Ok(Query(query)) = query else {
            return Err(ScimError::invalid_value("the query string cannot be read").into());
        };
        let mut found = Self::default();
        for (name, value) in query {
            if let Some(parameter) = found.parameter(&name) {
                *parameter = Some(value);
            }
        }
        Ok(found)
    }
}

impl ScimQuery {
    /// Reads the body of a search (RFC 7644, 3.4.3).
    ///
    /// # Errors
    /// `invalidSyntax`.
    pub(super) fn from_search(body: &Value) -> Result<Self, ScimError> {
        let Value::Object(body) = body else { return Err(ScimError::invalid_syntax("the body is not an object")) };
        let mut found = Self::default();
        for (name, value) in body {
            let Some(parameter) = found.parameter(name) else { continue };
            *parameter = match value {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                Value::Array(names) => {
                    let names: Option<Vec<_>> = names.iter().map(Value::as_str).collect();
                    let names = names.ok_or_else(|| ScimError::invalid_syntax(format!("`{name}` has no names")))?;
                    Some(names.join(","))
                }
                _ => return Err(ScimError::invalid_syntax("a parameter of the search is of another type")),
            };
        }
        Ok(found)
    }

    /// What of a single resource is wanted.
    ///
    /// # Errors
    /// `invalidValue`.
    pub(super) fn projection(&self, kind: ResourceType) -> Result<Projection, ScimError> {
        Projection::parse(kind, self.attributes.as_deref(), self.excluded_attributes.as_deref())
    }

    /// What of a list is wanted.
    ///
    /// # Errors
    /// `invalidFilter` and `invalidValue`.
    pub(super) fn wanted(&self, kind: ResourceType) -> Result<Wanted, ScimError> {
        let filter = match self.filter.as_deref() {
            Some(text) => {
                let filter = Filter::parse(kind, text)?;
                let plan = Plan::of(&filter)?;
                Some((filter, plan))
            }
            None => None,
        };
        let page = Page::new(self.start_index.as_deref(), self.count.as_deref())?;
        Ok(Wanted { filter, page, projection: self.projection(kind)? })
    }

    /// Whether there is a filter.
    pub(super) fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// Whether the client named attributes: then it wants to see them.
    pub(super) fn names_attributes(&self) -> bool {
        self.attributes.is_some()
    }

    fn parameter(&mut self, name: &str) -> Option<&mut Option<String>> {
        let known = [
            ("attributes", &mut self.attributes),
            ("count", &mut self.count),
            ("excludedAttributes", &mut self.excluded_attributes),
            ("filter", &mut self.filter),
            ("startIndex", &mut self.start_index),
        ];
        known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, parameter)| parameter)
    }
}
