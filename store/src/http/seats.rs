//! `GET /v1/organizations/{organization}/seats`: caps, seats in use, members who wait.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::auth::AdminRequest;
use super::problem::{Problem, ProblemJson};
use crate::membership::SeatsInUse;

/// The seats of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Seats)]
pub(crate) struct SeatsJson {
    /// Every tier of the product, highest first; empty where it has none.
    tiers: Vec<TierJson>,
    /// Members who wait for a seat.
    pending: u32,
}

/// The seats of one tier.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SeatTier)]
pub(crate) struct TierJson {
    /// The tier.
    tier: String,
    /// How many seats there are; `null` is without a limit.
    #[schema(required)]
    cap: Option<u32>,
    /// How many are held, by suspended members too.
    used: u32,
}

/// Shows an organization's seats.
#[utoipa::path(
    get,
    path = "/v1/organizations/{organization}/seats",
    tag = "administration",
    security(("administrator" = [])),
    params(("organization" = String, Path, description = "The organization's id")),
    responses(
        (status = 200, body = SeatsJson),
        (status = 401, body = ProblemJson, content_type = "application/problem+json", description = "`unauthorized`"),
        (status = 404, body = ProblemJson, content_type = "application/problem+json", description = "`organization_not_found`"),
        (status = 503, body = ProblemJson, content_type = "application/problem+json", description = "`database_busy`, `database_unavailable`, `timed_out`"),
    ),
)]
pub(super) async fn seats(State(app): State<Arc<App>>, admin: AdminRequest) -> Result<Json<SeatsJson>, Problem> {
    let SeatsInUse { tiers, pending } = app.memberships.seats(&admin.organization).await?;
    let tiers = tiers.into_iter().map(|seat| TierJson { tier: seat.tier.to_string(), cap: seat.cap, used: seat.used });
    Ok(Json(SeatsJson { tiers: tiers.collect(), pending }))
}
