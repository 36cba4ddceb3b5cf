//! Rows as values of the domain, for every database: what the columns hold must be what the store writes.

use std::collections::HashMap;

use sqlx::{ColumnIndex, Decode, Row, Type};
use usher_policy::id::{DirectoryUserId, Email, Issuer, MemberId, OrganizationId, Role, Subject, Tier};
use usher_policy::member::{Identity, Member, Source, Status};
use usher_policy::rules::effects::Ticket;
use usher_policy::rules::seats::Taken;
use usher_policy::wire::Position;

use super::directory::Place;
use super::{DatabaseError, FeedChange};
use crate::scim::{Document, ResourceType, Stored, Version};

/// The columns that [`member`] reads. Named, so that a column more does not change a prepared statement's answer.
macro_rules! member_columns {
    () => {
        "organization, id, email, email_key, name, issuer, subject, external_id, role, seat_tier, status, source, \
         primary_owner, created_at, updated_at, last_login_at, directory_user, pending_since"
    };
}
pub(super) use member_columns;

/// Reads a row with the columns of [`member_columns`].
pub(super) fn member<'r, R>(row: &'r R) -> Result<Member, DatabaseError>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    let text = |column: &'static str| row.try_get::<String, _>(column);
    let optional = |column: &'static str| row.try_get::<Option<String>, _>(column);
    let (status, source) = (text("status")?, text("source")?);
    Ok(Member {
        id: MemberId::new(text("id")?),
        organization: OrganizationId::new(text("organization")?),
        email: email(&text("email")?)?,
        name: optional("name")?,
        identity: optional("issuer")?
            .zip(optional("subject")?)
            .map(|(issuer, subject)| Identity { issuer: Issuer::new(issuer), subject: Subject::new(subject) }),
        external_id: optional("external_id")?,
        directory_user: optional("directory_user")?.map(DirectoryUserId::new),
        role: Role::new(text("role")?),
        seat_tier: optional("seat_tier")?.map(Tier::new),
        status: Status::named(&status).ok_or_else(|| DatabaseError::Corrupt(format!("status `{status}`")))?,
        pending_since: row.try_get::<Option<i64>, _>("pending_since")?.map(unsigned).transpose()?,
        source: Source::named(&source).ok_or_else(|| DatabaseError::Corrupt(format!("source `{source}`")))?,
        primary_owner: optional("primary_owner")?.as_deref().map(email).transpose()?,
        created_at: unsigned(row.try_get("created_at")?)?,
        updated_at: unsigned(row.try_get("updated_at")?)?,
        last_login_at: row.try_get::<Option<i64>, _>("last_login_at")?.map(unsigned).transpose()?,
    })
}

/// Reads a row of `tickets`.
pub(super) fn ticket<'r, R>(row: &'r R) -> Result<Ticket, DatabaseError>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    Ok(Ticket {
        last_iat: unsigned(row.try_get("last_iat")?)?,
        not_before: row.try_get::<Option<i64>, _>("not_before")?.map(unsigned).transpose()?,
    })
}

/// Reads rows of `seats`.
pub(super) fn taken<R>(rows: &[R]) -> Result<Taken, DatabaseError>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
{
    let taken = rows.iter().map(|row| {
        let tier = Tier::new(row.try_get::<String, _>("tier")?);
        Ok((tier, count(row.try_get("used")?)?))
    });
    Ok(Taken::new(taken.collect::<Result<_, DatabaseError>>()?))
}

/// Reads a row of `changes`, of this database.
pub(super) fn change<'r, R>(row: &'r R, database: &str) -> Result<FeedChange, DatabaseError>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    let status: String = row.try_get("status")?;
    Ok(FeedChange {
        position: Position {
            database: database.to_owned(),
            mark: row.try_get("mark")?,
            number: unsigned(row.try_get("position")?)?,
        },
        organization: OrganizationId::new(row.try_get::<String, _>("organization")?),
        member: MemberId::new(row.try_get::<String, _>("member")?),
        status: match status.as_str() {
            REMOVED => None,
            status => Some(Status::named(status).ok_or_else(|| DatabaseError::Corrupt(format!("status `{status}`")))?),
        },
        role: row.try_get::<Option<String>, _>("role")?.map(Role::new),
        seat_tier: row.try_get::<Option<String>, _>("seat_tier")?.map(Tier::new),
        at: unsigned(row.try_get("at")?)?,
    })
}

/// Reads the change feed's head: its `database`, and `mark` and `position` of the newest change, where there is one.
pub(super) fn head<'r, R>(row: &'r R) -> Result<Position, DatabaseError>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    Ok(Position {
        database: row.try_get("database")?,
        mark: row.try_get::<Option<_>, _>("mark")?.unwrap_or_else(|| Position::NO_MARK.to_owned()),
        number: row.try_get::<Option<i64>, _>("position")?.map(unsigned).transpose()?.unwrap_or_default(),
    })
}

/// Reads a row of a directory's users or groups.
pub(super) fn resource<'r, R>(row: &'r R, kind: ResourceType) -> Result<(Place, Stored), DatabaseError>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    let number = |column: &'static str| unsigned(row.try_get(column)?);
    let document = serde_json::from_str(&row.try_get::<String, _>("document")?)
        // What it says stays out of logs.
        .map_err(|_| DatabaseError::Corrupt("a document that is no JSON object".to_owned()))?;
    let resource = Stored {
        kind,
        id: row.try_get("id")?,
        document: Document::from_stored(kind, document),
        created_at: number("created_at")?,
        updated_at: number("updated_at")?,
        version: Version(number("version")?),
        members: number("members")?,
    };
    Ok((Place(number("place")?), resource))
}

/// The status of a tombstone.
pub(super) const REMOVED: &str = "removed";

/// A count or a time from the database.
pub(super) fn unsigned(value: i64) -> Result<u64, DatabaseError> {
    u64::try_from(value).map_err(|_| DatabaseError::Corrupt(format!("negative number {value}")))
}

/// A count for the rules: beyond 4 billion it stays there.
pub(super) fn count(value: i64) -> Result<u32, DatabaseError> {
    Ok(u32::try_from(unsigned(value)?).unwrap_or(u32::MAX))
}

/// A time or a count for the database.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// How many rows a statement must touch: one.
pub(super) fn exactly_one(rows: u64, what: &str) -> Result<(), DatabaseError> {
    match rows {
        1 => Ok(()),
        _ => Err(DatabaseError::Corrupt(format!("{rows} {what} where there is one"))),
    }
}

fn email(text: &str) -> Result<Email, DatabaseError> {
    // The address itself stays out of logs.
    Email::parse(text).ok_or_else(|| DatabaseError::Corrupt("an email that is none".to_owned()))
}

/// Seats taken (organization, tier, how many) and members who wait (organization, how many), by organization.
pub(super) fn seats_of_all<R>(held: &[R], waiting: &[R]) -> Result<HashMap<OrganizationId, (Taken, u32)>, DatabaseError>
where
    R: Row,
    usize: ColumnIndex<R>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
{
    let mut seats: HashMap<OrganizationId, (Vec<(Tier, u32)>, u32)> = HashMap::new();
    for found in held {
        let organization = OrganizationId::new(found.try_get::<String, _>(0)?);
        let tier = Tier::new(found.try_get::<String, _>(1)?);
        seats.entry(organization).or_default().0.push((tier, count(found.try_get(2)?)?));
    }
    for found in waiting {
        let organization = OrganizationId::new(found.try_get::<String, _>(0)?);
        seats.entry(organization).or_default().1 = count(found.try_get(1)?)?;
    }
    Ok(seats.into_iter().map(|(organization, (taken, pending))| (organization, (Taken::new(taken), pending))).collect())
}
