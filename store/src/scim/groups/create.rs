//! `POST /scim/v2/{parent}/Groups` (RFC 7644, 3.3).

use axum::http::StatusCode;
use axum::response::Response;

use super::{change_members, values};
use crate::http::Problem;
use crate::scim::answer;
use crate::scim::body::ScimBody;
use crate::scim::change::{Change, Failure};
use crate::scim::patch::MemberChange;
use crate::scim::projection::Projection;
use crate::scim::query::ScimQuery;
use crate::scim::request::DirectoryRequest;
use crate::scim::resource::{Input, ResourceType, Stored};

/// Creates a group. A second one of the same name is refused: mappings go by the name, and whoever may make groups at the
/// provider could otherwise give roles.
#[utoipa::path(
    post,
    path = "/scim/v2/{parent}/Groups",
    tag = "scim",
    security(("directory" = [])),
    params(("parent" = String, Path, description = "The parent's id")),
    request_body(content = Object, content_type = "application/scim+json", description = "A Group (RFC 7643, 4.2)"),
    responses(
        (status = 201, content_type = "application/scim+json", body = Object, description = "The group"),
        (status = 400, content_type = "application/scim+json", body = Object, description = "`invalidSyntax`, `invalidValue`"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
        (status = 409, content_type = "application/scim+json", body = Object, description = "`uniqueness`: the `displayName` is taken"),
    ),
)]
pub(crate) async fn create(
    request: DirectoryRequest,
    query: ScimQuery,
    ScimBody(body): ScimBody,
) -> Result<Response, Problem> {
    let projection = query.projection(ResourceType::Group)?;
    let input = Input::read(ResourceType::Group, &body)?;
    request.change(|| attempt(&request, &input, &projection)).await
}

async fn attempt(request: &DirectoryRequest, input: &Input, projection: &Projection) -> Result<Response, Failure> {
    let mut change = Change::begin(request, "group_created").await?;
    change.unique(ResourceType::Group, &input.document, None).await?;
    let mut group = Stored::new(ResourceType::Group, change.new_id(), input.document.clone(), change.now);
    change.transaction.create_resource(&request.parent, &group).await?;
    let members = input.members.clone().map(MemberChange::Add).into_iter().collect();
    let moved = change_members(&mut change, request, &group.id, members).await?;
    if !moved.in_.is_empty() {
        group.members = moved.in_.len() as u64;
        change.transaction.update_resource(&request.parent, &group).await?;
    }
    change.note(None, Some(moved.seen_with(&group))).await?;
    change.follow_group(&values(&group.document), &moved.in_).await?;
    let whole = change.shown(&group, projection).await?;
    let response = answer::resource(request, StatusCode::CREATED, &group, whole, projection);
    change.commit().await?;
    Ok(response)
}
