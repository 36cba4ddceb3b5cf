//! Groups, one file for each verb.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod patch;
pub(crate) mod read;
pub(crate) mod replace;

use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use usher_policy::id::Group;

use super::answer;
use super::change::{Change, Failure, seen};
use super::patch::{MemberChange, MemberDelta, fold, named};
use super::projection::Projection;
use super::request::DirectoryRequest;
use super::resource::{Document, ResourceType, Stored};
use super::show::all_members;
use crate::audit::MAX_NAMED;

/// Writes a group who was there before, lets memberships follow, and answers with the group.
async fn written(
    mut change: Change<'_>,
    request: &DirectoryRequest,
    before: Stored,
    document: Document,
    members: Vec<MemberChange>,
    projection: &Projection,
) -> Result<(Stored, Response), Failure> {
    change.unique(ResourceType::Group, &document, Some(&before)).await?;
    let moved = change_members(&mut change, request, &before.id, members).await?;
    let (values, values_before) = (values(&document), values(&before.document));
    let count = before.members.saturating_sub(moved.out.len() as u64).saturating_add(moved.in_.len() as u64);
    let after = if document == before.document && moved.in_.is_empty() && moved.out.is_empty() {
        before
    } else {
        let after = before.changed(document, count, change.now);
        change.transaction.update_resource(&request.parent, &after).await?;
        change.note(Some(seen(&before)), Some(moved.seen_with(&after))).await?;
        after
    };
    let mut affected: BTreeSet<String> = moved.in_.into_iter().chain(moved.out).collect();
    if values != values_before {
        affected.extend(all_members(&mut *change.transaction, request, &after.id).await?);
    }
    let affected: Vec<_> = affected.into_iter().collect();
    let values: Vec<_> = values.into_iter().chain(values_before).collect();
    change.follow_group(&values, &affected).await?;
    let whole = change.shown(&after, projection).await?;
    let response = answer::resource(request, StatusCode::OK, &after, whole, projection);
    change.commit().await?;
    Ok((after, response))
}

/// Who came into a group, and who left it.
#[derive(Debug, Default)]
struct Moved {
    in_: Vec<String>,
    out: Vec<String>,
}

impl Moved {
    /// What the audit shows of the group, with who moved.
    fn seen_with(&self, group: &Stored) -> Value {
        let mut seen = seen(group);
        for (name, users) in [("added", &self.in_), ("removed", &self.out)] {
            if let (false, Some(seen)) = (users.is_empty(), seen.as_object_mut()) {
                let named: Vec<_> = users.iter().take(MAX_NAMED).collect();
                seen.insert(name.to_owned(), json!({"users": users.len(), "ids": named}));
            }
        }
        seen
    }
}

/// Changes members without reading those who stay; only who replaces all must know them all.
async fn change_members(
    change: &mut Change<'_>,
    request: &DirectoryRequest,
    group: &str,
    changes: Vec<MemberChange>,
) -> Result<Moved, Failure> {
    if changes.is_empty() {
        return Ok(Moved::default());
    }
    let asked: Vec<_> = named(&changes).into_iter().map(str::to_owned).collect();
    let known: BTreeSet<_> = change.transaction.users_among(&request.parent, &asked).await?.into_iter().collect();
    if known.len() < asked.len() {
        let (parent, unknown) = (request.parent.as_str(), asked.len() - known.len());
        tracing::warn!(parent, group, unknown, "members that the directory does not know are passed over");
    }
    let MemberDelta { clear, remove, add } = fold(changes, |id| known.contains(id));
    let remove: Vec<_> = if clear {
        let all = all_members(&mut *change.transaction, request, group).await?;
        all.into_iter().filter(|member| !add.contains(member)).collect()
    } else {
        remove.into_iter().collect()
    };
    let add: Vec<_> = add.into_iter().collect();
    Ok(Moved {
        out: change.transaction.remove_from_group(&request.parent, group, &remove).await?,
        in_: change.transaction.add_to_group(&request.parent, group, &add).await?,
    })
}

/// The values that group mappings are compared with: the name, and the provider's id where there is one.
fn values(document: &Document) -> Vec<Group> {
    let values = [document.text("displayName"), document.text("externalId")];
    values.into_iter().flatten().map(Group::new).collect()
}
