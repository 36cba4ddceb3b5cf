//! Users, one file for each verb.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod patch;
pub(crate) mod read;
pub(crate) mod replace;

use axum::http::StatusCode;
use axum::response::Response;

use super::answer;
use super::change::{Change, Failure, seen};
use super::projection::Projection;
use super::request::DirectoryRequest;
use super::resource::{Document, ResourceType, Stored};

/// Writes a user who was there before, lets memberships follow, and answers with the user.
async fn written(
    mut change: Change<'_>,
    request: &DirectoryRequest,
    before: Stored,
    document: Document,
    projection: &Projection,
) -> Result<(Stored, Response), Failure> {
    change.unique(ResourceType::User, &document, Some(&before)).await?;
    let after = if document == before.document {
        before.clone()
    } else {
        let after = before.changed(document, 0, change.now);
        change.transaction.update_resource(&request.parent, &after).await?;
        change.note(Some(seen(&before)), Some(seen(&after))).await?;
        after
    };
    change.follow_user(Some(&before), Some(&after)).await?;
    let whole = change.shown(&after, projection).await?;
    let response = answer::resource(request, StatusCode::OK, &after, whole, projection);
    change.commit().await?;
    Ok((after, response))
}
