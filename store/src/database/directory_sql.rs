//! The statements about directories: the same words for every database, bound in its own way.

use std::marker::PhantomData;

use sqlx::Database;
use usher_policy::id::{DirectoryUserId, MemberId, OrganizationId, ParentId};

use super::bind::Bind;
use super::column::{self, Column, Columns};
use super::directory::Place;
use super::look_up::{LookUp, select_wanted};
use super::member_sql::members;
use super::row;
use super::statement::Statement;
use crate::scim::{Lookup, ResourceType, Stored, folded};

/// Most ids in one statement.
pub(super) const MAX_IDS: usize = 1_000;

/// Places in one block of `directory_blocks`.
pub(super) const BLOCK: u64 = 1_000;

/// The statements for one database.
pub(super) struct Statements<DB>(PhantomData<DB>);

impl<DB: LookUp> Statements<DB>
where
    String: Bind<DB>,
    Option<String>: Bind<DB>,
    i64: Bind<DB>,
    Option<i64>: Bind<DB>,
{
    pub(super) fn lock(parent: &ParentId) -> Statement<DB> {
        let mut query = Statement::new("INSERT INTO directories (parent, next_place) VALUES (");
        query.push_bind(parent.to_string());
        query.push(", 1) ON CONFLICT (parent) DO UPDATE SET next_place = directories.next_place");
        query
    }

    pub(super) fn next_place(parent: &ParentId) -> Statement<DB> {
        let mut query = Statement::new("UPDATE directories SET next_place = next_place + 1 WHERE parent = ");
        query.push_bind(parent.to_string()).push(" RETURNING next_place - 1");
        query
    }

    pub(super) fn resource(parent: &ParentId, kind: ResourceType, id: &str) -> Statement<DB> {
        let mut query = select(parent, kind);
        query.push(" AND id = ").push_bind(id.to_owned());
        query
    }

    pub(super) fn resources(
        parent: &ParentId,
        kind: ResourceType,
        lookup: &Lookup,
        after: Place,
        limit: u32,
    ) -> Statement<DB> {
        let mut query = select(parent, kind);
        let mut equal = |column: &'static str, value: &str| {
            query.push(" AND ").push(column).push(" = ").push_bind(value.to_owned());
        };
        match lookup {
            Lookup::All => {}
            Lookup::Nothing => drop(query.push(" AND 1 = 0")),
            Lookup::DisplayName(key) => equal("display_name_key", key),
            Lookup::ExternalId(id) => equal("external_id", id),
            Lookup::Id(id) => equal("id", id),
            Lookup::UserName(key) => equal("user_name_key", key),
            Lookup::Email(key) => related(&mut query, "user_id", "directory_emails", parent, "email_key", key),
            Lookup::InGroup(group) => {
                related(&mut query, "user_id", "directory_group_members", parent, "group_id", group);
            }
            Lookup::Member(user) => {
                related(&mut query, "group_id", "directory_group_members", parent, "user_id", user);
            }
        }
        // With the plus sign no index is walked along the places: what is looked for has an index of its own.
        let place = if *lookup == Lookup::All { "place" } else { "+place" };
        query.push(" AND ").push(place).push(" > ").push_bind(row::signed(after.0));
        query.push(" ORDER BY ").push(place).push(" LIMIT ").push_bind(i64::from(limit));
        query
    }

    pub(super) fn blocks(parent: &ParentId, kind: ResourceType) -> Statement<DB> {
        let mut query = Statement::new("SELECT block, resources FROM directory_blocks WHERE parent = ");
        query.push_bind(parent.to_string()).push(" AND kind = ").push_bind(kind.name().to_owned());
        query.push(" ORDER BY block");
        query
    }

    /// The place of the resource that has `skipped` others before it from the beginning of a block on.
    pub(super) fn place_in_block(parent: &ParentId, kind: ResourceType, block: u64, skipped: u64) -> Statement<DB> {
        let mut query = Statement::new("SELECT place FROM ");
        query.push(table(kind)).push(" WHERE parent = ");
        query.push_bind(parent.to_string()).push(" AND place >= ").push_bind(row::signed(block.saturating_mul(BLOCK)));
        query.push(" ORDER BY place LIMIT 1 OFFSET ").push_bind(row::signed(skipped));
        query
    }

    /// One resource more in the block of a place.
    pub(super) fn one_more(parent: &ParentId, kind: ResourceType, place: Place) -> Statement<DB> {
        let mut query = Statement::new("INSERT INTO directory_blocks (parent, kind, block, resources) VALUES (");
        query.push_bind(parent.to_string()).push(", ").push_bind(kind.name().to_owned());
        query.push(", ").push_bind(row::signed(place.0 / BLOCK)).push(", 1) ON CONFLICT (parent, kind, block) ");
        query.push("DO UPDATE SET resources = directory_blocks.resources + 1");
        query
    }

    /// One resource less in the block of a place.
    pub(super) fn one_less(parent: &ParentId, kind: ResourceType, place: Place) -> Statement<DB> {
        let mut query = Statement::new("UPDATE directory_blocks SET resources = resources - 1 WHERE parent = ");
        query.push_bind(parent.to_string()).push(" AND kind = ").push_bind(kind.name().to_owned());
        query.push(" AND block = ").push_bind(row::signed(place.0 / BLOCK));
        query
    }

    pub(super) fn groups_of(parent: &ParentId, users: &[String]) -> Statement<DB> {
        let mut query = select_wanted(
            "wanted.value AS user_id, directory_groups.id AS id, directory_groups.display_name AS display_name, \
             directory_groups.external_id AS external_id",
            users,
        );
        DB::join_each(&mut query, "directory_group_members", |query| {
            query.push("directory_group_members.parent = ").push_bind(parent.to_string());
            query.push(" AND directory_group_members.user_id = wanted.value");
        });
        DB::join_each(&mut query, "directory_groups", |query| {
            query.push("directory_groups.parent = ").push_bind(parent.to_string());
            query.push(" AND directory_groups.id = directory_group_members.group_id");
        });
        query.push(" ORDER BY directory_groups.place");
        query
    }

    pub(super) fn members_of(parent: &ParentId, group: &str, after: &str, limit: u32) -> Statement<DB> {
        let mut query = memberships("SELECT user_id", parent, group);
        query.push(" AND user_id > ").push_bind(after.to_owned());
        query.push(" ORDER BY user_id LIMIT ").push_bind(i64::from(limit));
        query
    }

    pub(super) fn members_among(parent: &ParentId, group: &str, users: &[String]) -> Statement<DB> {
        let mut query = select_wanted("wanted.value", users);
        DB::join_each(&mut query, "directory_group_members", |query| {
            query.push("directory_group_members.parent = ").push_bind(parent.to_string());
            query.push(" AND directory_group_members.group_id = ").push_bind(group.to_owned());
            query.push(" AND directory_group_members.user_id = wanted.value");
        });
        query
    }

    pub(super) fn users_among(parent: &ParentId, ids: &[String]) -> Statement<DB> {
        Self::users_with_ids(parent, ids, "wanted.value")
    }

    pub(super) fn users(parent: &ParentId, ids: &[String]) -> Statement<DB> {
        Self::users_with_ids(parent, ids, resource_columns(ResourceType::User))
    }

    fn users_with_ids(parent: &ParentId, ids: &[String], columns: &'static str) -> Statement<DB> {
        let mut query = select_wanted(columns, ids);
        DB::join_each(&mut query, "directory_users", |query| {
            query.push("directory_users.parent = ").push_bind(parent.to_string());
            query.push(" AND directory_users.id = wanted.value");
        });
        query
    }

    /// Of the users with each of these emails at most `of_each`: a mailbox may be shared by any number.
    pub(super) fn users_with_emails(parent: &ParentId, keys: &[String], of_each: u32) -> Statement<DB> {
        let mut query = select_wanted(resource_columns(ResourceType::User), keys);
        DB::join_each(&mut query, "directory_users", |query| {
            query.push("directory_users.parent = ").push_bind(parent.to_string());
            query.push(
                " AND directory_users.id IN (SELECT user_id FROM directory_emails WHERE directory_emails.parent = ",
            );
            query.push_bind(parent.to_string()).push(" AND email_key = wanted.value ORDER BY user_id LIMIT ");
            query.push_bind(i64::from(of_each)).push(")");
        });
        query
    }

    pub(super) fn users_with_names(parent: &ParentId, keys: &[String]) -> Statement<DB> {
        let mut query = select_wanted(resource_columns(ResourceType::User), keys);
        DB::join_each(&mut query, "directory_users", |query| {
            query.push("directory_users.parent = ").push_bind(parent.to_string());
            query.push(" AND directory_users.user_name_key = wanted.value");
        });
        query
    }

    pub(super) fn add_to_group(parent: &ParentId, group: &str, users: &[String]) -> Statement<DB> {
        let mut query = Statement::new("INSERT INTO directory_group_members (parent, group_id, user_id) ");
        query.push_rows(users, |row, user| {
            row.push_bind(parent.to_string()).push_bind(group.to_owned()).push_bind(user.clone());
        });
        query.push(" ON CONFLICT DO NOTHING RETURNING user_id");
        query
    }

    pub(super) fn remove_from_group(parent: &ParentId, group: &str, users: &[String]) -> Statement<DB> {
        let mut query = memberships("DELETE", parent, group);
        query.push(" AND user_id IN (");
        query.push_list(users.iter().cloned());
        query.push(") RETURNING user_id");
        query
    }

    pub(super) fn empty_group(parent: &ParentId, group: &str) -> Statement<DB> {
        memberships("DELETE", parent, group)
    }

    /// The groups of a user change as the user leaves them …
    pub(super) fn change_groups_of(parent: &ParentId, user: &str, now: u64) -> Statement<DB> {
        let mut query =
            Statement::new("UPDATE directory_groups SET members = members - 1, version = version + 1, updated_at = ");
        query.push_bind(row::signed(now)).push(" WHERE parent = ").push_bind(parent.to_string());
        related(&mut query, "group_id", "directory_group_members", parent, "user_id", user);
        query
    }

    /// … and the user leaves them.
    pub(super) fn leave_groups(parent: &ParentId, user: &str) -> Statement<DB> {
        let mut query = Statement::new("DELETE FROM directory_group_members WHERE parent = ");
        query.push_bind(parent.to_string()).push(" AND user_id = ").push_bind(user.to_owned());
        query
    }

    pub(super) fn create(parent: &ParentId, resource: &Stored, place: Place) -> Statement<DB> {
        let mut columns = columns(resource);
        columns.push(("parent", Column::Text(parent.to_string())));
        columns.push(("id", Column::Text(resource.id.clone())));
        columns.push(("place", Column::Number(place.0)));
        column::insert(table(resource.kind), columns)
    }

    pub(super) fn update(parent: &ParentId, resource: &Stored) -> Statement<DB> {
        let mut query = column::update(table(resource.kind), columns(resource));
        query.push(" WHERE parent = ").push_bind(parent.to_string());
        query.push(" AND id = ").push_bind(resource.id.clone());
        query
    }

    pub(super) fn remove(parent: &ParentId, kind: ResourceType, id: &str) -> Statement<DB> {
        let mut query = Statement::new("DELETE FROM ");
        query.push(table(kind)).push(" WHERE parent = ");
        query.push_bind(parent.to_string()).push(" AND id = ").push_bind(id.to_owned()).push(" RETURNING place");
        query
    }

    pub(super) fn forget_emails(parent: &ParentId, user: &str) -> Statement<DB> {
        let mut query = Statement::new("DELETE FROM directory_emails WHERE parent = ");
        query.push_bind(parent.to_string()).push(" AND user_id = ").push_bind(user.to_owned());
        query
    }

    /// `None` where there are no emails.
    pub(super) fn keep_emails(parent: &ParentId, user: &Stored) -> Option<Statement<DB>> {
        let emails = user.document.emails();
        if emails.is_empty() {
            return None;
        }
        let mut query = Statement::new("INSERT INTO directory_emails (parent, email_key, user_id) ");
        query.push_rows(emails, |row, email| {
            row.push_bind(parent.to_string()).push_bind(folded(email)).push_bind(user.id.clone());
        });
        query.push(" ON CONFLICT DO NOTHING");
        Some(query)
    }

    pub(super) fn member_of_directory_user(organization: &OrganizationId, user: &DirectoryUserId) -> Statement<DB> {
        let mut query = members(organization);
        query.push(" AND directory_user = ").push_bind(user.to_string());
        query
    }

    /// Those who wait for a seat, in their order.
    pub(super) fn waiting(organization: &OrganizationId, after: Option<(u64, &MemberId)>, limit: u32) -> Statement<DB> {
        let mut query = members(organization);
        query.push(" AND status = 'pending'");
        if let Some((since, id)) = after {
            query.push(" AND (pending_since, id) > (").push_bind(row::signed(since));
            query.push(", ").push_bind(id.to_string()).push(")");
        }
        query.push(" ORDER BY pending_since, id LIMIT ").push_bind(i64::from(limit));
        query
    }

    pub(super) fn member_count(organization: &OrganizationId) -> Statement<DB> {
        let mut query = Statement::new("SELECT count(*) FROM members WHERE organization = ");
        query.push_bind(organization.to_string());
        query
    }
}

/// The columns that follow from a resource: its document, and what is found by an index.
fn columns(resource: &Stored) -> Columns {
    let document = &resource.document;
    let folded = |name: &str| document.folded(name);
    let mut columns = vec![
        ("document", Column::Text(serde_json::Value::Object(document.to_map()).to_string())),
        ("external_id", Column::Optional(document.text("externalId").map(str::to_owned))),
        ("created_at", Column::Number(resource.created_at)),
        ("updated_at", Column::Number(resource.updated_at)),
        ("version", Column::Number(resource.version.0)),
    ];
    match resource.kind {
        ResourceType::Group => columns.extend([
            ("display_name", Column::Text(document.text("displayName").unwrap_or_default().to_owned())),
            ("display_name_key", Column::Text(folded("displayName").unwrap_or_default())),
            ("members", Column::Number(resource.members)),
        ]),
        ResourceType::User => columns.extend([
            ("user_name_key", Column::Text(folded("userName").unwrap_or_default())),
            ("display_name_key", Column::Optional(folded("displayName"))),
        ]),
    }
    columns
}

fn table(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::Group => "directory_groups",
        ResourceType::User => "directory_users",
    }
}

/// The resources of one kind in a directory; conditions may follow.
fn select<DB: Database>(parent: &ParentId, kind: ResourceType) -> Statement<DB>
where
    String: Bind<DB>,
{
    let mut query = Statement::new("SELECT ");
    query.push(resource_columns(kind)).push(" FROM ").push(table(kind)).push(" WHERE parent = ");
    query.push_bind(parent.to_string());
    query
}

fn resource_columns(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::Group => {
            "id, place, document, created_at, updated_at, version, CAST(members AS BIGINT) AS members"
        }
        ResourceType::User => "id, place, document, created_at, updated_at, version, CAST(0 AS BIGINT) AS members",
    }
}

fn memberships<DB: Database>(what: &'static str, parent: &ParentId, group: &str) -> Statement<DB>
where
    String: Bind<DB>,
{
    let mut query = Statement::new(what);
    query
        .push(" FROM directory_group_members WHERE parent = ")
        .push_bind(parent.to_string())
        .push(" AND group_id = ")
        .push_bind(group.to_owned());
    query
}

/// `id` is among the `column`s of the rows of another table where `key` has this value.
fn related<DB: Database>(
    query: &mut Statement<DB>,
    column: &'static str,
    table: &'static str,
    parent: &ParentId,
    key: &'static str,
    value: &str,
) where
    String: Bind<DB>,
{
    query.push(" AND id IN (SELECT ").push(column).push(" FROM ").push(table).push(" WHERE parent = ");
    query.push_bind(parent.to_string()).push(" AND ").push(key).push(" = ");
    query.push_bind(value.to_owned()).push(")");
}
