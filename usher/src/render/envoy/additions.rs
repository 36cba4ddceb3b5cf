//! What an operator adds to a bootstrap: filters before and after usher, routes, tracing, and clusters for them.

use serde_json::Value;
use usher_policy_file::Fault;

use crate::render::template::flow;

/// Parts of Envoy's configuration, taken over as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Additions {
    /// HTTP filters before usher: they see what clients sent.
    pub(super) before: Vec<Value>,
    /// HTTP filters after usher: they see only requests that were let in, with who sends them.
    pub(super) after: Vec<Value>,
    /// Routes, in the place of the one that leads everything to the product.
    pub(super) routes: Vec<Value>,
    /// Clusters besides those that follow from flags and policy.
    pub(super) clusters: Vec<Value>,
    /// The connection manager's `tracing`.
    pub(super) tracing: Option<Value>,
}

/// The file is no such addition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AdditionsError {
    /// A part is not what Envoy has there.
    #[error("`{0}` must be a list of mappings, as Envoy's configuration has them there")]
    List(String),
    /// The tracing is not what Envoy has there.
    #[error("`tracing` must be a mapping, like the connection manager's in Envoy's configuration")]
    Tracing,
    /// The file has no parts.
    #[error(
        "must have some of `before`, `after`, `routes`, `clusters` and `tracing`, each as in Envoy's configuration"
    )]
    NoParts,
    /// A part has no place in a bootstrap.
    #[error("`{0}` is not one of `before`, `after`, `routes`, `clusters` and `tracing`")]
    Unknown(String),
    /// It is not YAML.
    #[error("{}", lines(.0))]
    Yaml(Vec<Fault>),
}

impl Additions {
    /// Reads a file's text.
    ///
    /// # Errors
    /// It is no YAML, or has other parts.
    pub(crate) fn read(text: &str) -> Result<Self, AdditionsError> {
        let document = usher_policy_file::yaml_to_json(text).map_err(AdditionsError::Yaml)?;
        let parts = document.as_object().filter(|parts| !parts.is_empty()).ok_or(AdditionsError::NoParts)?;
        let mut additions = Self::default();
        for (name, part) in parts {
            if name == "tracing" {
                additions.tracing = Some(part.is_object().then(|| part.clone()).ok_or(AdditionsError::Tracing)?);
                continue;
            }
            let place = match name.as_str() {
                "before" => &mut additions.before,
                "after" => &mut additions.after,
                "routes" => &mut additions.routes,
                "clusters" => &mut additions.clusters,
                _ => return Err(AdditionsError::Unknown(name.clone())),
            };
            let items = part.as_array().filter(|items| items.iter().all(Value::is_object));
            place.clone_from(items.ok_or_else(|| AdditionsError::List(name.clone()))?);
        }
        Ok(additions)
    }
}

/// A list as the items of a YAML list at column 0.
pub(super) fn items(list: &[Value]) -> String {
    list.iter().map(|item| format!("- {}\n", flow(item, 2))).collect()
}

fn lines(faults: &[Fault]) -> String {
    let line = |fault: &Fault| match fault.line {
        Some(line) => format!("line {line}: {}", fault.message),
        None => fault.message.clone(),
    };
    faults.iter().map(line).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::{Additions, AdditionsError};

    #[test]
    fn additions_have_five_parts_and_no_other() {
        let lists = "before: [{name: a}]\nafter: []\nroutes: [{match: {prefix: /}}]\nclusters: []\n";
        let read = Additions::read(&format!("{lists}tracing: {{provider: {{name: a}}}}\n")).unwrap();
        assert_eq!((read.before.len(), read.after.len(), read.routes.len(), read.clusters.len()), (1, 0, 1, 0));
        assert_eq!(read.tracing, Some(serde_json::json!({"provider": {"name": "a"}})));
        assert_eq!(Additions::read(lists).unwrap().tracing, None);
        for (text, error) in [
            ("filters: []", AdditionsError::Unknown("filters".to_owned())),
            ("after: {name: a}", AdditionsError::List("after".to_owned())),
            ("after: [a]", AdditionsError::List("after".to_owned())),
            ("tracing: [{name: a}]", AdditionsError::Tracing),
            ("[]", AdditionsError::NoParts),
            ("{}", AdditionsError::NoParts),
        ] {
            assert_eq!(Additions::read(text).err(), Some(error), "{text}");
        }
        assert!(matches!(Additions::read("after: [").err(), Some(AdditionsError::Yaml(_))));
    }
}
