//! The statements about members, their seats and their tickets: the same words for every database, bound in its own way.

use std::marker::PhantomData;

use sqlx::Database;
use usher_policy::id::{Email, MemberId, OrganizationId, Role, Tier};
use usher_policy::member::{Identity, Member};
use usher_policy::model::Cap;
use usher_policy::rules::effects::Ticket;

use super::MemberFilter;
use super::bind::Bind;
use super::column::{self, Column, Columns};
use super::row::{self, member_columns};
use super::statement::Statement;

/// The statements for one database.
pub(super) struct Statements<DB>(PhantomData<DB>);

impl<DB: Database> Statements<DB>
where
    String: Bind<DB>,
    Option<String>: Bind<DB>,
    i64: Bind<DB>,
    Option<i64>: Bind<DB>,
{
    pub(super) fn member(organization: &OrganizationId, id: &MemberId) -> Statement<DB> {
        let mut query = members(organization);
        query.push(" AND id = ").push_bind(id.to_string());
        query
    }

    pub(super) fn member_of(organization: &OrganizationId, identity: &Identity) -> Statement<DB> {
        let mut query = members(organization);
        query.push(" AND issuer = ").push_bind(identity.issuer.to_string());
        query.push(" AND subject = ").push_bind(identity.subject.to_string());
        query
    }

    pub(super) fn member_with_email(organization: &OrganizationId, email: &Email) -> Statement<DB> {
        let mut query = members(organization);
        query.push(" AND email_key = ").push_bind(email.key());
        query
    }

    pub(super) fn members_with_external_id(organization: &OrganizationId, external_id: &str) -> Statement<DB> {
        let mut query = Statement::new(concat!("SELECT ", member_columns!()));
        push_from_members_with_external_id(&mut query, organization, external_id);
        query
    }

    /// The oldest active members with a role; they are found as [`push_active_with_role`] finds two.
    pub(super) fn oldest_with_role(organization: &OrganizationId, role: &Role, limit: u32) -> Statement<DB> {
        let mut query = Statement::new(concat!("SELECT ", member_columns!(), " FROM ("));
        query.push(concat!("SELECT ", member_columns!(), " FROM members WHERE (organization, role, status) >= ("));
        query.push_bind(organization.to_string()).push(", ").push_bind(role.to_string());
        query.push(", 'active') ORDER BY organization, role, status, id LIMIT ").push_bind(i64::from(limit));
        query.push(") AS first WHERE organization = ").push_bind(organization.to_string());
        query.push(" AND role = ").push_bind(role.to_string()).push(" AND status = 'active'");
        query
    }

    pub(super) fn page(
        organization: &OrganizationId,
        filter: &MemberFilter,
        after: Option<&MemberId>,
        limit: u32,
    ) -> Statement<DB> {
        let mut query = members(organization);
        if let Some(email) = &filter.email {
            query.push(" AND email_key = ").push_bind(email.key());
        }
        if let Some(role) = &filter.role {
            query.push(" AND role = ").push_bind(role.to_string());
        }
        if let Some(status) = filter.status {
            query.push(" AND status = ").push_bind(status.name().to_owned());
        }
        if let Some(after) = after {
            query.push(" AND id > ").push_bind(after.to_string());
        }
        query.push(" ORDER BY id LIMIT ").push_bind(i64::from(limit));
        query
    }

    pub(super) fn ticket(organization: &OrganizationId, identity: &Identity) -> Statement<DB> {
        let mut query = Statement::new("SELECT last_iat, not_before FROM tickets WHERE organization = ");
        query.push_bind(organization.to_string());
        query.push(" AND issuer = ").push_bind(identity.issuer.to_string());
        query.push(" AND subject = ").push_bind(identity.subject.to_string());
        query
    }

    pub(super) fn active_with_role(organization: &OrganizationId, role: &Role) -> Statement<DB> {
        let mut query = Statement::new("");
        push_active_with_role(&mut query, organization, role);
        query
    }

    pub(super) fn seats_taken(organization: &OrganizationId) -> Statement<DB> {
        let mut query = Statement::new("SELECT tier, used FROM seats WHERE used > 0 AND organization = ");
        query.push_bind(organization.to_string());
        query
    }

    pub(super) fn pending(organization: &OrganizationId) -> Statement<DB> {
        let mut query = Statement::new("SELECT count(*) FROM members WHERE status = 'pending' AND organization = ");
        query.push_bind(organization.to_string());
        query
    }

    pub(super) fn changes(after: u64, limit: u32) -> Statement<DB> {
        let mut query = Statement::new(
            "SELECT position, mark, organization, member, status, role, seat_tier, at FROM changes WHERE position > ",
        );
        query.push_bind(row::signed(after)).push(" ORDER BY position LIMIT ").push_bind(i64::from(limit));
        query
    }

    /// One statement, so that no race sells a seat twice.
    pub(super) fn take_seat(organization: &OrganizationId, tier: &Tier, cap: Cap) -> Statement<DB> {
        let cap = match cap {
            Cap::Limited(cap) => i64::from(cap),
            Cap::Unlimited => i64::MAX,
        };
        let mut query = Statement::new("INSERT INTO seats (organization, tier, used) SELECT ");
        query.push_bind(organization.to_string()).push(", ").push_bind(tier.to_string());
        query.push(", 1 WHERE ").push_bind(cap).push(" > 0 ON CONFLICT (organization, tier) ");
        query.push("DO UPDATE SET used = seats.used + 1 WHERE seats.used < ").push_bind(cap);
        query
    }

    pub(super) fn free_seat(organization: &OrganizationId, tier: &Tier) -> Statement<DB> {
        let mut query = Statement::new("UPDATE seats SET used = used - 1 WHERE used > 0 AND organization = ");
        query.push_bind(organization.to_string()).push(" AND tier = ").push_bind(tier.to_string());
        query
    }

    pub(super) fn create(member: &Member) -> Statement<DB> {
        let mut columns = columns(member);
        columns.push(("organization", Column::Text(member.organization.to_string())));
        columns.push(("id", Column::Text(member.id.to_string())));
        column::insert("members", columns)
    }

    pub(super) fn update(member: &Member) -> Statement<DB> {
        let mut query = column::update("members", columns(member));
        query.push(" WHERE organization = ").push_bind(member.organization.to_string());
        query.push(" AND id = ").push_bind(member.id.to_string());
        query
    }

    pub(super) fn remove(organization: &OrganizationId, id: &MemberId) -> Statement<DB> {
        let mut query = Statement::new("DELETE FROM members WHERE organization = ");
        query.push_bind(organization.to_string()).push(" AND id = ").push_bind(id.to_string());
        query
    }

    pub(super) fn keep_ticket(organization: &OrganizationId, identity: &Identity, ticket: Ticket) -> Statement<DB> {
        let columns = vec![
            ("organization", Column::Text(organization.to_string())),
            ("issuer", Column::Text(identity.issuer.to_string())),
            ("subject", Column::Text(identity.subject.to_string())),
            ("last_iat", Column::Number(ticket.last_iat)),
            ("not_before", Column::OptionalNumber(ticket.not_before)),
        ];
        let mut query = column::insert("tickets", columns);
        query.push(" ON CONFLICT (organization, issuer, subject) ");
        query.push("DO UPDATE SET last_iat = excluded.last_iat, not_before = excluded.not_before");
        query
    }

    /// A later one that is kept stays.
    pub(super) fn block_email(organization: &OrganizationId, email: &Email, not_before: u64) -> Statement<DB> {
        let columns = vec![
            ("organization", Column::Text(organization.to_string())),
            ("email_key", Column::Text(email.key())),
            ("not_before", Column::Number(not_before)),
        ];
        let mut query = column::insert("email_blocks", columns);
        query.push(" ON CONFLICT (organization, email_key) DO UPDATE SET not_before = excluded.not_before ");
        query.push("WHERE email_blocks.not_before < excluded.not_before");
        query
    }

    pub(super) fn clear_email(organization: &OrganizationId, email: &Email) -> Statement<DB> {
        let mut query = Statement::new("DELETE FROM email_blocks WHERE organization = ");
        query.push_bind(organization.to_string()).push(" AND email_key = ").push_bind(email.key());
        query
    }

    pub(super) fn count_removal(organization: &OrganizationId, now: u64) -> Statement<DB> {
        let columns = vec![("organization", Column::Text(organization.to_string())), ("at", Column::Number(now))];
        column::insert("removals_by_login", columns)
    }

    pub(super) fn forget_removals(organization: &OrganizationId, until: u64) -> Statement<DB> {
        let mut query = Statement::new("DELETE FROM removals_by_login WHERE organization = ");
        query.push_bind(organization.to_string()).push(" AND at <= ").push_bind(row::signed(until));
        query
    }

    pub(super) fn forget_changes(up_to: u64) -> Statement<DB> {
        let mut query = Statement::new("DELETE FROM changes WHERE position <= ");
        query.push_bind(row::signed(up_to));
        query
    }
}

/// The members of an organization; conditions may follow.
pub(super) fn members<DB: Database>(organization: &OrganizationId) -> Statement<DB>
where
    String: Bind<DB>,
{
    let mut query = Statement::new(concat!("SELECT ", member_columns!(), " FROM members WHERE organization = "));
    query.push_bind(organization.to_string());
    query
}

/// The two oldest members with an external id, as rows of a table.
pub(super) fn push_from_members_with_external_id<DB: Database>(
    query: &mut Statement<DB>,
    organization: &OrganizationId,
    external_id: &str,
) where
    String: Bind<DB>,
{
    // In the order of their index, as below: SQLite would rather look through all members in the order of their ids.
    query.push(concat!(
        " FROM (SELECT ",
        member_columns!(),
        " FROM members WHERE external_id IS NOT NULL AND (organization, external_id) >= ("
    ));
    query.push_bind(organization.to_string()).push(", ").push_bind(external_id.to_owned());
    query.push(") ORDER BY organization, external_id, id LIMIT 2) AS oldest WHERE organization = ");
    query.push_bind(organization.to_string()).push(" AND external_id = ").push_bind(external_id.to_owned());
}

/// How many active members hold this role, counted to 2.
pub(super) fn push_active_with_role<DB: Database>(query: &mut Statement<DB>, organization: &OrganizationId, role: &Role)
where
    String: Bind<DB>,
{
    // The two that come first from here on in the order of one index: where a planner takes a rare role for a frequent
    // one, it would look through all members for them.
    query.push(
        "SELECT count(*) FROM (SELECT organization, role, status FROM members WHERE (organization, role, status) >= (",
    );
    query.push_bind(organization.to_string()).push(", ").push_bind(role.to_string());
    query.push(", 'active') ORDER BY organization, role, status, id LIMIT 2) AS first WHERE organization = ");
    query.push_bind(organization.to_string()).push(" AND role = ").push_bind(role.to_string());
    query.push(" AND status = 'active'");
}

/// The columns of a member's record beside its key.
fn columns(member: &Member) -> Columns {
    let identity = member.identity.as_ref();
    vec![
        ("email", Column::Text(member.email.to_string())),
        ("email_key", Column::Text(member.email.key())),
        ("name", Column::Optional(member.name.clone())),
        ("issuer", Column::Optional(identity.map(|identity| identity.issuer.to_string()))),
        ("subject", Column::Optional(identity.map(|identity| identity.subject.to_string()))),
        ("external_id", Column::Optional(member.external_id.clone())),
        ("role", Column::Text(member.role.to_string())),
        ("seat_tier", Column::Optional(member.seat_tier.as_ref().map(ToString::to_string))),
        ("status", Column::Text(member.status.name().to_owned())),
        ("source", Column::Text(member.source.name().to_owned())),
        ("primary_owner", Column::Optional(member.primary_owner.as_ref().map(Email::key))),
        ("created_at", Column::Number(member.created_at)),
        ("updated_at", Column::Number(member.updated_at)),
        ("last_login_at", Column::OptionalNumber(member.last_login_at)),
        ("directory_user", Column::Optional(member.directory_user.as_ref().map(ToString::to_string))),
        ("pending_since", Column::OptionalNumber(member.pending_since)),
    ]
}
