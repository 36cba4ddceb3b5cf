//! `GET /v1/changes`: what changed in every organization, in order, for filters that follow it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::auth::Filter;
use super::problem::{Problem, ProblemJson};
use super::query::StrictQuery;
use crate::database::FeedChange;
use crate::feed::FeedError;

/// The route.
pub(super) const PATH: &str = "/v1/changes";

/// The longest that a poll waits.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(30);

/// Most changes of one answer, and how many come without `limit`: an answer that is well within what a filter reads.
const MAX_LIMIT: u32 = 1000;
const DEFAULT_LIMIT: u32 = 100;

/// Changes in the order in which they were committed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Changes {
    /// The changes, oldest first.
    changes: Vec<ChangeJson>,
    /// The `after` of the next poll.
    position: String,
}

/// What became of one member. Apply it to whatever is older than its position.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub(crate) struct ChangeJson {
    /// The change's own position; opaque.
    position: String,
    /// The organization's id.
    organization: String,
    /// The member's id.
    member: String,
    /// `active`, `pending`, `suspended`, or `removed`: then nothing of the member is true any more.
    #[schema(example = "active")]
    status: &'static str,
    /// The role; `null` when removed.
    #[schema(required)]
    role: Option<String>,
    /// The seat held; `null` without one.
    #[schema(required)]
    seat_tier: Option<String>,
}

impl From<FeedChange> for ChangeJson {
    fn from(change: FeedChange) -> Self {
        Self {
            position: change.position.to_string(),
            organization: change.organization.as_str().to_owned(),
            member: change.member.as_str().to_owned(),
            status: change.status.map_or("removed", |status| status.name()),
            role: change.role.map(|role| role.as_str().to_owned()),
            seat_tier: change.seat_tier.map(|tier| tier.as_str().to_owned()),
        }
    }
}

/// Where to go on, and for how long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChangesQuery {
    /// The `position` of the last answer, or of a login; without it, from the oldest change that is kept.
    after: Option<String>,
    /// How long to wait for a first change: `10s`, `250ms`; at most `30s`, and not at all without it.
    wait: Option<String>,
    /// Most changes of the answer: 1 to 1000, 100 without it.
    limit: Option<u32>,
}

/// Follows the changes. An empty answer repeats the position.
#[utoipa::path(
    get,
    path = "/v1/changes",
    tag = "filter",
    security(("filter" = [])),
    params(ChangesQuery),
    responses(
        (status = 200, body = Changes),
        (status = 400, body = ProblemJson, content_type = "application/problem+json", description = "`invalid_request`"),
        (status = 401, body = ProblemJson, content_type = "application/problem+json", description = "`unauthorized`"),
        (status = 410, body = ProblemJson, content_type = "application/problem+json",
            description = "`gone`: start again without `after`, and trust nothing that is older"),
        (status = 503, body = ProblemJson, content_type = "application/problem+json",
            description = "`database_busy`, `database_unavailable`, `timed_out`, `too_many_polls`"),
    ),
)]
pub(super) async fn changes(
    State(app): State<Arc<App>>,
    _: Filter,
    StrictQuery(query): StrictQuery<ChangesQuery>,
) -> Result<Json<Changes>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid_request(format!("`limit` must be 1 to {MAX_LIMIT}")));
    }
    let wait = match &query.wait {
        Some(text) => waiting(text).ok_or_else(|| {
            Problem::invalid_request("`wait` must be a number of `ms` or `s` up to `30s`, as in `10s`")
        })?,
        None => Duration::ZERO,
    };
    let page = app.feed.poll(query.after.as_deref(), limit, wait).await?;
    let changes = page.changes.into_iter().map(ChangeJson::from).collect();
    Ok(Json(Changes { changes, position: page.position.to_string() }))
}

fn waiting(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
    let wait = match text.strip_prefix(digits)? {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        _ => return None,
    };
    (wait <= MAX_WAIT).then_some(wait)
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Database(error) => error.into(),
            FeedError::Gone => Self::gone(),
            FeedError::TooManyWaiting => Self::too_many_polls(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::waiting;

    #[test]
    fn a_wait_is_a_number_with_its_unit_and_bounded() {
        for (text, wait) in [
            ("0s", Some(0)),
            ("10s", Some(10_000)),
            ("30s", Some(30_000)),
            ("250ms", Some(250)),
            ("30000ms", Some(30_000)),
            ("30001ms", None),
            ("31s", None),
            ("10", None),
            ("s", None),
            ("", None),
            ("+1s", None),
            ("-1s", None),
            ("1.5s", None),
            ("1m", None),
            ("1 s", None),
            ("1S", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(waiting(text), wait.map(Duration::from_millis), "{text}");
        }
    }
}
