//! What a connection reads from the claims, and what it asks of them.

use usher_policy::model::{Assignment, ClaimNames, ClaimPath, Requirement};

use super::field_path::quoted;
use super::reader::{Node, Recorded};

/// Most values that a claim is compared with.
const MAX_VALUES: usize = 1_000;

/// `claims`: where things are found.
pub(super) fn claim_names(node: &Node<'_>) -> Result<ClaimNames, Recorded> {
    node.object(|fields| {
        let default = ClaimNames::default();
        let groups = fields.or("groups", default.groups, claim);
        let email = fields.or("email", default.email, claim);
        let name = fields.or("name", default.name, claim);
        let external_id = fields.optional("external_id", claim);
        Ok(ClaimNames { groups: groups?, email: email?, name: name?, external_id: external_id? })
    })
}

/// `require`: claims that must have one of some values.
pub(super) fn requirements(node: &Node<'_>) -> Result<Vec<Requirement>, Recorded> {
    let members = node.members(1..=16)?;
    let read_all: Vec<_> = members
        .into_iter()
        .map(|(name, values)| {
            let claim = claim_path(&values, name);
            let any_of = values_of(&values);
            Ok(Requirement { claim: claim?, any_of: any_of? })
        })
        .collect();
    read_all.into_iter().collect()
}

/// `assignment`: how being assigned shows.
pub(super) fn assignment(node: &Node<'_>) -> Result<Assignment, Recorded> {
    node.object(|fields| {
        let claim = fields.required("claim", "roles", claim);
        let any_of = fields.required("any_of", "[usher]", values_of);
        Ok(Assignment { claim: claim?, any_of: any_of? })
    })
}

fn claim(node: &Node<'_>) -> Result<ClaimPath, Recorded> {
    claim_path(node, node.text(256)?)
}

/// One value, or a list of them.
fn values_of(node: &Node<'_>) -> Result<Vec<String>, Recorded> {
    let value = |node: &Node<'_>| node.text(1024).map(str::to_owned);
    if node.is_list() { node.list(1..=MAX_VALUES, value) } else { value(node).map(|value| vec![value]) }
}

fn claim_path(node: &Node<'_>, text: &str) -> Result<ClaimPath, Recorded> {
    if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
        return Err(
            node.fault(format!("{} is not a claim: write 1 to 256 bytes without control characters", quoted(text)))
        );
    }
    // RFC 6901, 3: `~` stands only as `~0` or `~1`.
    let stray_tilde = text.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1']));
    if text.starts_with('/') && stray_tilde {
        let message = "is not a JSON pointer: `~` is written `~0`, and a `/` inside a name `~1`";
        return Err(node.fault(format!("{} {message}", quoted(text))));
    }
    Ok(ClaimPath::parse(text))
}
