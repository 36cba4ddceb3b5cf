//! Lists of resources: found by an index where there is one, decided by the filter, one page of them shown.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use super::answer;
use super::filter::{Filter, Lookup, Plan};
use super::query::Wanted;
use super::request::DirectoryRequest;
use super::resource::{GroupOfUser, ResourceType, Stored};
use super::show;
use crate::database::{DatabaseError, Place, Snapshot};
use crate::http::Problem;

/// How many resources are read at once …
const BATCH: u32 = 500;

/// … and how many of a group, which are put in order each time.
const LARGE_BATCH: u32 = 5_000;

/// The most members in one list of groups. A page may be shorter than asked for (RFC 7644, 3.4.2.4).
const MAX_MEMBERS_SHOWN: u64 = 20_000;

/// Answers a list.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn list(request: &DirectoryRequest, kind: ResourceType, wanted: &Wanted) -> Result<Response, Problem> {
    let _turn = request.turn_to_read().await?;
    let mut read = request.app.memberships.read().await?;
    let (total, mut page) = match &wanted.filter {
        None => whole_list(&mut *read, request, kind, wanted).await?,
        Some((filter, plan)) => matching(&mut *read, request, kind, wanted, filter, plan).await?,
    };
    if kind == ResourceType::Group && wanted.projection.shows("members") {
        keep_small(&mut page);
    }
    let mut resources = Vec::with_capacity(page.len());
    for (stored, whole) in with_parts(&mut *read, request, kind, wanted, page).await? {
        resources.push(Value::Object(wanted.projection.apply(stored.kind, whole)));
    }
    Ok(answer::document(StatusCode::OK, &wanted.page.response(total, resources)))
}

/// A page of all resources: as quick at the end as at the beginning.
async fn whole_list(
    read: &mut dyn Snapshot,
    request: &DirectoryRequest,
    kind: ResourceType,
    wanted: &Wanted,
) -> Result<(u64, Vec<Stored>), DatabaseError> {
    let (total, after) = read.place(&request.parent, kind, wanted.page.skipped()).await?;
    if wanted.page.count == 0 || wanted.page.skipped() >= total {
        return Ok((total, Vec::new()));
    }
    let found = read.resources(&request.parent, kind, &Lookup::All, after, wanted.page.count).await?;
    Ok((total, found.into_iter().map(|(_, stored)| stored).collect()))
}

/// A page of what a filter matches: all candidates are read, for the total must be told.
async fn matching(
    read: &mut dyn Snapshot,
    request: &DirectoryRequest,
    kind: ResourceType,
    wanted: &Wanted,
    filter: &Filter,
    plan: &Plan,
) -> Result<(u64, Vec<Stored>), DatabaseError> {
    let (mut total, mut page, mut after) = (0, Vec::new(), Place::default());
    let batch = if matches!(plan.lookup, Lookup::InGroup(_)) { LARGE_BATCH } else { BATCH };
    loop {
        let found = read.resources(&request.parent, kind, &plan.lookup, after, batch).await?;
        let is_last = found.len() < batch as usize;
        after = found.last().map_or(after, |(place, _)| *place);
        let found: Vec<_> = found.into_iter().map(|(_, stored)| stored).collect();
        let groups = match plan.groups && !plan.exact {
            true => groups_of(read, request, &found).await?,
            false => BTreeMap::new(),
        };
        for stored in found {
            let groups = groups.get(&stored.id).map(Vec::as_slice).unwrap_or_default();
            if plan.exact || matches(read, request, filter, &plan.members, &stored, groups).await? {
                if total >= wanted.page.skipped() && page.len() < wanted.page.count as usize {
                    page.push(stored);
                }
                total += 1;
            }
        }
        if is_last {
            return Ok((total, page));
        }
    }
}

async fn matches(
    read: &mut dyn Snapshot,
    request: &DirectoryRequest,
    filter: &Filter,
    members: &BTreeSet<String>,
    stored: &Stored,
    groups: &[GroupOfUser],
) -> Result<bool, DatabaseError> {
    let mut resource = stored.resource(&request.base);
    Stored::add_groups(&mut resource, groups, &request.base);
    if !members.is_empty() {
        // Of all the members, these alone can matter to the filter.
        let asked: Vec<_> = members.iter().cloned().collect();
        let found = read.members_among(&request.parent, &stored.id, &asked).await?;
        Stored::add_members(&mut resource, &found, &request.base);
    }
    Ok(filter.matches(&resource))
}

/// Cuts the page where its groups have too many members; one group there always is.
fn keep_small(page: &mut Vec<Stored>) {
    let mut members = 0_u64;
    let fits = page.iter().take_while(|group| {
        members = members.saturating_add(group.members);
        members <= MAX_MEMBERS_SHOWN
    });
    let fits = fits.count().max(1);
    page.truncate(fits);
}

/// The resources with groups or members, as far as they are shown.
async fn with_parts(
    read: &mut dyn Snapshot,
    request: &DirectoryRequest,
    kind: ResourceType,
    wanted: &Wanted,
    page: Vec<Stored>,
) -> Result<Vec<(Stored, Map<String, Value>)>, DatabaseError> {
    let mut resources = Vec::with_capacity(page.len());
    if kind == ResourceType::Group {
        for stored in page {
            let whole = show::whole(read, request, &stored, &wanted.projection).await?;
            resources.push((stored, whole));
        }
        return Ok(resources);
    }
    let groups = match wanted.projection.shows("groups") {
        true => groups_of(read, request, &page).await?,
        false => BTreeMap::new(),
    };
    for stored in page {
        let mut whole = stored.resource(&request.base);
        let groups = groups.get(&stored.id).map(Vec::as_slice).unwrap_or_default();
        Stored::add_groups(&mut whole, groups, &request.base);
        resources.push((stored, whole));
    }
    Ok(resources)
}

async fn groups_of(
    read: &mut dyn Snapshot,
    request: &DirectoryRequest,
    users: &[Stored],
) -> Result<BTreeMap<String, Vec<GroupOfUser>>, DatabaseError> {
    let ids: Vec<_> = users.iter().map(|user| user.id.clone()).collect();
    let mut groups: BTreeMap<String, Vec<GroupOfUser>> = BTreeMap::new();
    for (user, group) in read.groups_of(&request.parent, &ids).await? {
        groups.entry(user).or_default().push(group);
    }
    Ok(groups)
}
