//! What a PATCH path points at: `userName`, `name.givenName`, `emails[type eq "work"].value`, an extension.

use crate::scim::attribute_path::{AttributePath, Named};
use crate::scim::cursor::Cursor;
use crate::scim::error::{ScimError, ScimErrorKind};
use crate::scim::filter::{Filter, MAX_LENGTH};
use crate::scim::resource::ResourceType;
use crate::scim::schema::{Kind, Schema};

/// Where an operation works.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// An attribute, or a part of it; with a filter, of those of its values that match.
    Attribute(AttributePath, Option<Filter>),
    /// A whole extension.
    Extension(&'static Schema),
    /// An attribute of a schema that the resource does not have: there is nothing to do.
    Foreign,
}

impl Target {
    /// Reads a path (RFC 7644, figure 7).
    ///
    /// # Errors
    /// `invalidPath`, and `invalidFilter` for what is in brackets.
    pub(crate) fn parse(kind: ResourceType, text: &str) -> Result<Self, ScimError> {
        if text.len() > MAX_LENGTH {
            return Err(ScimError::invalid_path(format!("the path is longer than {MAX_LENGTH} bytes")));
        }
        let mut cursor = Cursor::new(text.trim());
        let name = cursor.while_some(|c| !matches!(c, '[' | ']' | ' ' | '"'));
        let path = match AttributePath::resolve(kind, name) {
            Some(Named::Attribute(path)) => path,
            Some(Named::Extension(extension)) if cursor.is_at_end() => return Ok(Self::Extension(extension)),
            Some(Named::Foreign) => return Ok(Self::Foreign),
            // Passwords are ignored, by whatever way a provider sends them.
            None if kind == ResourceType::User && is_password(name) => return Ok(Self::Foreign),
            Some(Named::Extension(_)) | None => return Err(fault("names no attribute of the resource")),
        };
        if cursor.is_at_end() {
            return Ok(Self::Attribute(path, None));
        }
        if !cursor.take('[')
            || path.sub.is_some()
            || path.attribute.kind != Kind::Complex
            || !path.attribute.multi_valued
        {
            return Err(fault("has a filter where there are not several values"));
        }
        let (filter, mut cursor) = Filter::parse_inner(kind, path, cursor)?;
        let sub = if cursor.take('.') {
            let name = cursor.while_some(|c| c.is_ascii_alphanumeric() || c == '$');
            Some(
                path.attribute
                    .sub_attribute(name)
                    .ok_or_else(|| fault("names a part that the attribute does not have"))?,
            )
        } else {
            None
        };
        if !cursor.is_at_end() {
            return Err(fault("has more after its end"));
        }
        Ok(Self::Attribute(AttributePath { sub, ..path }, Some(filter)))
    }

    /// The same for a key of a value without a path: what is none of our attributes is ignored there.
    pub(crate) fn of_key(kind: ResourceType, key: &str) -> Result<Self, ScimError> {
        match Self::parse(kind, key) {
            Err(error) if error.kind == ScimErrorKind::InvalidPath && !key.contains('[') => Ok(Self::Foreign),
            Ok(Self::Attribute(path, _)) if !path.attribute.is_writable() => Ok(Self::Foreign),
            result => result,
        }
    }
}

fn is_password(name: &str) -> bool {
    name.rsplit(':').next().is_some_and(|name| name.eq_ignore_ascii_case("password"))
}

fn fault(what: &str) -> ScimError {
    ScimError::invalid_path(format!("the path {what}"))
}
