//! SCIM errors: a status, a `scimType` where the RFC has one, and words for people (RFC 7644, 3.12).

use serde_json::{Value, json};

/// The schema of an error.
const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Why a request was not answered as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct ScimError {
    /// What kind of error it is.
    pub(crate) kind: ScimErrorKind,
    /// What happened, for people; never a value that was sent.
    pub(crate) detail: String,
}

/// The errors that a request can meet: those with a `scimType` (RFC 7644, table 9), and those with a status alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScimErrorKind {
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    MethodNotAllowed,
    Mutability,
    NoTarget,
    NotFound,
    NotImplemented,
    PreconditionFailed,
    TooLarge,
    TooMany,
    Unauthorized,
    Uniqueness,
    UnsupportedMediaType,
}

impl ScimError {
    pub(crate) fn new(kind: ScimErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub(crate) fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::new(ScimErrorKind::InvalidFilter, detail)
    }

    pub(crate) fn invalid_path(detail: impl Into<String>) -> Self {
        Self::new(ScimErrorKind::InvalidPath, detail)
    }

    pub(crate) fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::new(ScimErrorKind::InvalidSyntax, detail)
    }

    pub(crate) fn invalid_value(detail: impl Into<String>) -> Self {
        Self::new(ScimErrorKind::InvalidValue, detail)
    }

    pub(crate) fn mutability(detail: impl Into<String>) -> Self {
        Self::new(ScimErrorKind::Mutability, detail)
    }

    pub(crate) fn no_target(detail: impl Into<String>) -> Self {
        Self::new(ScimErrorKind::NoTarget, detail)
    }

    /// The document that answers it.
    pub(crate) fn document(&self) -> Value {
        let mut document = json!({
            "schemas": [ERROR_URN],
            // A string: so the RFC has it.
            "status": self.kind.status().to_string(),
            "detail": self.detail,
        });
        if let (Some(name), Some(members)) = (self.kind.scim_type(), document.as_object_mut()) {
            members.insert("scimType".to_owned(), json!(name));
        }
        document
    }
}

impl ScimErrorKind {
    /// The HTTP status.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::InvalidFilter
            | Self::InvalidPath
            | Self::InvalidSyntax
            | Self::InvalidValue
            | Self::Mutability
            | Self::NoTarget
            | Self::TooMany => 400,
            Self::Unauthorized => 401,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Uniqueness => 409,
            Self::PreconditionFailed => 412,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::NotImplemented => 501,
        }
    }

    /// The `scimType`, for errors that have one.
    pub(crate) fn scim_type(self) -> Option<&'static str> {
        match self {
            Self::InvalidFilter => Some("invalidFilter"),
            Self::InvalidPath => Some("invalidPath"),
            Self::InvalidSyntax => Some("invalidSyntax"),
            Self::InvalidValue => Some("invalidValue"),
            Self::Mutability => Some("mutability"),
            Self::NoTarget => Some("noTarget"),
            Self::TooMany => Some("tooMany"),
            Self::Uniqueness => Some("uniqueness"),
            Self::MethodNotAllowed
            | Self::NotFound
            | Self::NotImplemented
            | Self::PreconditionFailed
            | Self::TooLarge
            | Self::Unauthorized
            | Self::UnsupportedMediaType => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ScimError, ScimErrorKind};
    use serde_json::json;

    #[test]
    fn an_error_is_a_document_with_status_as_a_string() {
        assert_eq!(
            ScimError::invalid_filter("no").document(),
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                "status": "400", "scimType": "invalidFilter", "detail": "no",
            })
        );
        let document = ScimError::new(ScimErrorKind::NotFound, "no").document();
        assert_eq!((&document["status"], document.get("scimType")), (&json!("404"), None));
    }
}
