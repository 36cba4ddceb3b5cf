//! `POST /scim/v2/{parent}/Users` (RFC 7644, 3.3).

use axum::http::StatusCode;
use axum::response::Response;

use crate::http::Problem;
use crate::scim::answer;
use crate::scim::body::ScimBody;
use crate::scim::change::{Change, Failure, seen};
use crate::scim::projection::Projection;
use crate::scim::query::ScimQuery;
use crate::scim::request::DirectoryRequest;
use crate::scim::resource::{Document, Input, ResourceType, Stored};

/// Creates a user, active where the request does not say.
#[utoipa::path(
    post,
    path = "/scim/v2/{parent}/Users",
    tag = "scim",
    security(("directory" = [])),
    params(("parent" = String, Path, description = "The parent's id")),
    request_body(content = Object, content_type = "application/scim+json", description = "A User (RFC 7643, 4.1)"),
    responses(
        (status = 201, content_type = "application/scim+json", body = Object, description = "The user"),
        (status = 400, content_type = "application/scim+json", body = Object, description = "`invalidSyntax`, `invalidValue`"),
        (status = 401, content_type = "application/scim+json", body = Object, description = "Not this directory's token"),
        (status = 409, content_type = "application/scim+json", body = Object, description = "`uniqueness`: the `userName` is taken"),
    ),
)]
pub(crate) async fn create(
    request: DirectoryRequest,
    query: ScimQuery,
    ScimBody(body): ScimBody,
) -> Result<Response, Problem> {
    let projection = query.projection(ResourceType::User)?;
    let mut document = Input::read(ResourceType::User, &body)?.document;
    document.default_active(Some(true));
    request.change(|| attempt(&request, &document, &projection)).await
}

async fn attempt(
    request: &DirectoryRequest,
    document: &Document,
    projection: &Projection,
) -> Result<Response, Failure> {
    let mut change = Change::begin(request, "user_created").await?;
    change.unique(ResourceType::User, document, None).await?;
    let user = Stored::new(ResourceType::User, change.new_id(), document.clone(), change.now);
    change.transaction.create_resource(&request.parent, &user).await?;
    change.note(None, Some(seen(&user))).await?;
    change.follow_user(None, Some(&user)).await?;
    let whole = change.shown(&user, projection).await?;
    let response = answer::resource(request, StatusCode::CREATED, &user, whole, projection);
    change.commit().await?;
    Ok(response)
}
