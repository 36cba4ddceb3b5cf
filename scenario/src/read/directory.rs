//! Steps of a directory, and of those who reconcile with it.

use usher_policy::id::Email;
use usher_policy::model::Organization;
use usher_policy_file::{Fields, Node, Recorded};

use super::beginning::word;
use super::{refuse, text};
use crate::step::{DirectoryWord, UserWord};

/// Reads what a directory says in a step with this verb.
pub(super) fn read(
    fields: &mut Fields<'_>,
    verb: &str,
    organization: Option<&Organization>,
) -> Result<DirectoryWord, Recorded> {
    let directory = organization.and_then(|organization| organization.parent.directory.as_ref());
    if organization.is_some() && !directory.is_some_and(|directory| directory.scim) {
        return refuse(
            fields.node(),
            "the parent has no directory. Write `directory: {scim: true, token_env: …}` there",
        );
    }
    match verb {
        "provision" => user(fields).map(|user| DirectoryWord::User(Box::new(user))),
        "deprovision" => fields.required("deprovision", "ada", text::name).map(DirectoryWord::Gone),
        "group" => {
            let group = fields.required("group", "staff", text::name);
            let has = fields.required("has", "[ada]", |node| node.list(0..=10_000, text::name));
            Ok(DirectoryWord::Group { group: group?, has: has? })
        }
        _ => fields.required("sync", "now", |node| {
            word(node, "`sync` value", &[("now", false), ("confirmed", true)])
                .map(|confirmed| DirectoryWord::Sync { confirmed })
        }),
    }
}

fn user(fields: &mut Fields<'_>) -> Result<UserWord, Recorded> {
    let person = fields.required("provision", "ada", text::name);
    let groups = fields.optional("groups", |node| node.list(0..=1000, text::name));
    let active = fields.optional("active", truth);
    let email = fields.optional("email", email);
    let external_id = fields.optional("external_id", text::name);
    Ok(UserWord { person: person?, groups: groups?, active: active?, email: email?, external_id: external_id? })
}

fn truth(node: &Node<'_>) -> Result<bool, Recorded> {
    match node.value().as_bool() {
        Some(truth) => Ok(truth),
        None => refuse(node, "write `true` or `false`"),
    }
}

fn email(node: &Node<'_>) -> Result<String, Recorded> {
    let email = text::name(node)?;
    if Email::parse(&email).is_none() {
        return refuse(node, "this is not an email");
    }
    Ok(email)
}
