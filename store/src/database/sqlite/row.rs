//! Rows as members: what the columns hold must be what the store writes.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use usher_policy::id::{DirectoryUserId, Email, Issuer, MemberId, OrganizationId, Role, Subject, Tier};
use usher_policy::member::{Identity, Member, Source, Status};

use crate::database::DatabaseError;

/// Reads a row of `SELECT * FROM members`.
pub(super) fn member(row: &SqliteRow) -> Result<Member, DatabaseError> {
    let issuer: Option<String> = row.try_get("issuer")?;
    let subject: Option<String> = row.try_get("subject")?;
    let status: String = row.try_get("status")?;
    let source: String = row.try_get("source")?;
    let primary_owner: Option<String> = row.try_get("primary_owner")?;
    Ok(Member {
        id: MemberId::new(row.try_get::<String, _>("id")?),
        organization: OrganizationId::new(row.try_get::<String, _>("organization")?),
        email: email(&row.try_get::<String, _>("email")?)?,
        name: row.try_get("name")?,
        identity: issuer
            .zip(subject)
            .map(|(issuer, subject)| Identity { issuer: Issuer::new(issuer), subject: Subject::new(subject) }),
        external_id: row.try_get("external_id")?,
        directory_user: row.try_get::<Option<String>, _>("directory_user")?.map(DirectoryUserId::new),
        role: Role::new(row.try_get::<String, _>("role")?),
        seat_tier: row.try_get::<Option<String>, _>("seat_tier")?.map(Tier::new),
        status: Status::named(&status).ok_or_else(|| DatabaseError::Corrupt(format!("status `{status}`")))?,
        pending_since: row.try_get::<Option<i64>, _>("pending_since")?.map(unsigned).transpose()?,
        source: Source::named(&source).ok_or_else(|| DatabaseError::Corrupt(format!("source `{source}`")))?,
        primary_owner: primary_owner.as_deref().map(email).transpose()?,
        created_at: unsigned(row.try_get("created_at")?)?,
        updated_at: unsigned(row.try_get("updated_at")?)?,
        last_login_at: row.try_get::<Option<i64>, _>("last_login_at")?.map(unsigned).transpose()?,
    })
}

/// A count or a time from the database.
pub(super) fn unsigned(value: i64) -> Result<u64, DatabaseError> {
    u64::try_from(value).map_err(|_| DatabaseError::Corrupt(format!("negative number {value}")))
}

/// A count for the rules: beyond 4 billion it stays there.
pub(super) fn count(value: i64) -> Result<u32, DatabaseError> {
    Ok(u32::try_from(unsigned(value)?).unwrap_or(u32::MAX))
}

/// A time for the database.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn email(text: &str) -> Result<Email, DatabaseError> {
    // The address itself stays out of logs.
    Email::parse(text).ok_or_else(|| DatabaseError::Corrupt("an email that is none".to_owned()))
}
