//! The PATCH message: a list of operations, written as providers write it.

use serde_json::{Map, Value};

use super::{Operation, Verb};
use crate::scim::error::ScimError;

/// Most operations in one request.
const MAX_OPERATIONS: usize = 5_000;

const PATCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The operations of a request, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    pub(super) operations: Vec<Operation>,
}

impl Patch {
    /// Reads the message. Names and verbs in any case: Entra writes `Replace`, some write `operations`.
    ///
    /// # Errors
    /// `invalidSyntax`.
    pub(crate) fn read(body: &Value) -> Result<Self, ScimError> {
        let Value::Object(body) = body else { return Err(ScimError::invalid_syntax("the body is not an object")) };
        if let Some(schemas) = member(body, "schemas")? {
            let is_patch = |schema: &Value| schema.as_str().is_some_and(|id| id.eq_ignore_ascii_case(PATCH_URN));
            if !schemas.as_array().is_some_and(|schemas| schemas.iter().any(is_patch)) {
                return Err(ScimError::invalid_syntax(format!("`schemas` does not have `{PATCH_URN}`")));
            }
        }
        let Some(Value::Array(operations)) = member(body, "Operations")? else {
            return Err(ScimError::invalid_syntax("`Operations` is required, and a list"));
        };
        if operations.is_empty() || operations.len() > MAX_OPERATIONS {
            return Err(ScimError::invalid_syntax(format!("`Operations` has 1 to {MAX_OPERATIONS} entries")));
        }
        Ok(Self { operations: operations.iter().map(operation).collect::<Result<_, _>>()? })
    }
}

fn operation(operation: &Value) -> Result<Operation, ScimError> {
    let Value::Object(operation) = operation else {
        return Err(ScimError::invalid_syntax("an operation is not an object"));
    };
    let verb = match member(operation, "op")?.and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
        Some("add") => Verb::Add,
        Some("remove") => Verb::Remove,
        Some("replace") => Verb::Replace,
        _ => return Err(ScimError::invalid_syntax("`op` is `add`, `remove` or `replace`")),
    };
    let path = match member(operation, "path")? {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) if path.trim().is_empty() => None,
        Some(Value::String(path)) => Some(path.clone()),
        Some(_) => return Err(ScimError::invalid_path("`path` is not a string")),
    };
    Ok(Operation { verb, path, value: member(operation, "value")?.cloned() })
}

/// The member with this name, in any case.
fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Value>, ScimError> {
    let mut found = object.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        _ => Err(ScimError::invalid_syntax(format!("`{name}` is there twice"))),
    }
}
