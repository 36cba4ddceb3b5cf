//! A stored resource with what is kept apart from it: a user's groups, a group's members.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use super::answer;
use super::change::not_found;
use super::projection::Projection;
use super::query::ScimQuery;
use super::request::DirectoryRequest;
use super::resource::{ResourceType, Stored};
use crate::database::{DatabaseError, Snapshot};
use crate::http::Problem;

/// How many members are read at once.
const BATCH: u32 = 10_000;

/// The largest group whose members the answer to a change lists. Whoever changes one member of a large group shall not
/// wait for the others; reading the group lists them all.
const MAX_SHOWN_AFTER_CHANGE: u64 = 1_000;

/// Answers with one resource, or without it where the client has this version already.
pub(super) async fn one(
    request: &DirectoryRequest,
    kind: ResourceType,
    id: &str,
    query: &ScimQuery,
) -> Result<Response, Problem> {
    let projection = query.projection(kind)?;
    let _turn = request.turn_to_read().await?;
    let mut snapshot = request.app.memberships.read().await?;
    let found = snapshot.resource(&request.parent, kind, id).await?;
    let stored = found.ok_or_else(|| not_found(kind))?;
    if request.is_known(stored.version) {
        return Ok(answer::bare(StatusCode::NOT_MODIFIED, &stored));
    }
    let whole = whole(&mut *snapshot, request, &stored, &projection).await?;
    Ok(answer::resource(request, StatusCode::OK, &stored, whole, &projection))
}

/// The whole resource, as far as the projection shows it.
pub(super) async fn whole(
    read: &mut dyn Snapshot,
    request: &DirectoryRequest,
    stored: &Stored,
    projection: &Projection,
) -> Result<Map<String, Value>, DatabaseError> {
    let mut resource = stored.resource(&request.base);
    match stored.kind {
        ResourceType::Group => {
            if stored.members > 0 && projection.shows("members") {
                let members = all_members(read, request, &stored.id).await?;
                Stored::add_members(&mut resource, &members, &request.base);
            }
        }
        ResourceType::User => {
            if projection.shows("groups") {
                let groups = read.groups_of(&request.parent, std::slice::from_ref(&stored.id)).await?;
                let groups: Vec<_> = groups.into_iter().map(|(_, group)| group).collect();
                Stored::add_groups(&mut resource, &groups, &request.base);
            }
        }
    }
    Ok(resource)
}

/// The same after a change: without the members of a large group.
pub(super) async fn after_change(
    read: &mut dyn Snapshot,
    request: &DirectoryRequest,
    stored: &Stored,
    projection: &Projection,
) -> Result<Map<String, Value>, DatabaseError> {
    if stored.members > MAX_SHOWN_AFTER_CHANGE {
        return Ok(stored.resource(&request.base));
    }
    whole(read, request, stored, projection).await
}

/// The ids of all members of a group.
pub(super) async fn all_members(
    read: &mut dyn Snapshot,
    request: &DirectoryRequest,
    group: &str,
) -> Result<Vec<String>, DatabaseError> {
    let mut members: Vec<String> = Vec::new();
    loop {
        let after = members.last().cloned().unwrap_or_default();
        let mut more = read.members_of(&request.parent, group, &after, BATCH).await?;
        let is_last = more.len() < BATCH as usize;
        members.append(&mut more);
        if is_last {
            return Ok(members);
        }
    }
}
