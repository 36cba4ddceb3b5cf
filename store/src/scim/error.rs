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
    Forbidden,
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
}

/// The document that answers an error.
pub(crate) fn error_document(status: u16, scim_type: Option<&str>, detail: &str) -> Value {
    let mut document = json!({
        "schemas": [ERROR_URN],
        // A string: so the RFC has it.
        "status": status.to_string(),
        "detail": detail,
    });
    if let (Some(name), Some(members)) = (scim_type, document.as_object_mut()) {
        members.insert("scimType".to_owned(), json!(name));
    }
    document
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
            | Self::NoTarget => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Uniqueness => 409,
            Self::PreconditionFailed => 412,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::NotImplemented => 501,
        }
    }

    /// The name in logs.
    pub(crate) fn code(self) -> &'static str {
        self.scim_type().unwrap_or(match self {
            Self::Forbidden => "forbidden",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotFound => "not_found",
            Self::NotImplemented => "not_implemented",
            Self::PreconditionFailed => "precondition_failed",
            Self::TooLarge => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            _ => "scim_error",
        })
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
            Self::Uniqueness => Some("uniqueness"),
            Self::Forbidden
            | Self::MethodNotAllowed
            | Self::NotFound
            | Self::NotImplemented
            | Self::PreconditionFailed
            | Self::TooLarge
            | Self::UnsupportedMediaType => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::error_document;
    use serde_json::json;

    #[test]
    fn an_error_is_a_document_with_status_as_a_string() {
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"];
        assert_eq!(
            error_document(400, Some("invalidFilter"), "no"),
            json!({"schemas": schemas, "status": "400", "scimType": "invalidFilter", "detail": "no"})
        );
        assert_eq!(error_document(404, None, "no"), json!({"schemas": schemas, "status": "404", "detail": "no"}));
    }
}
