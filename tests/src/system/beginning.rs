//! Who is there when a scenario begins: written into the store's database behind its back, as a directory once did.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, query};
use usher_policy::Policy;
use usher_policy::member::Member;
use usher_scenario::cast::Memberships;

/// Writes into a database in which nobody is a member yet.
///
/// # Errors
/// They do not fit, or it cannot be written.
pub(super) fn fill(database: &Path, memberships: &Memberships, policy: &Policy) -> Result<()> {
    if memberships.is_empty() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(write(database, memberships, policy)).with_context(|| format!("{}", database.display()))
}

async fn write(database: &Path, memberships: &Memberships, policy: &Policy) -> Result<()> {
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(database)).await?;
    let mut transaction = connection.begin().await?;
    for member in &memberships.members {
        let identity = member.identity.as_ref();
        query(
            "INSERT INTO members (organization, id, email, email_key, name, issuer, subject, external_id, role, \
             seat_tier, status, source, primary_owner, created_at, updated_at, directory_user, pending_since) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(member.organization.as_str())
        .bind(member.id.as_str())
        .bind(member.email.as_str())
        .bind(member.email.key())
        .bind(member.name.as_deref())
        .bind(identity.map(|identity| identity.issuer.as_str()))
        .bind(identity.map(|identity| identity.subject.as_str()))
        .bind(member.external_id.as_deref())
        .bind(member.role.as_str())
        .bind(member.seat_tier.as_ref().map(|tier| tier.as_str()))
        .bind(member.status.name())
        .bind(member.source.name())
        .bind(member.primary_owner.as_ref().map(|email| email.key()))
        .bind(seconds(member.created_at)?)
        .bind(seconds(member.updated_at)?)
        .bind(member.directory_user.as_ref().map(|user| user.as_str()))
        .bind(member.pending_since.map(seconds).transpose()?)
        .execute(&mut *transaction)
        .await?;
    }
    query(
        "INSERT INTO seats (organization, tier, used) SELECT organization, seat_tier, count(*) FROM members \
         WHERE seat_tier IS NOT NULL GROUP BY organization, seat_tier",
    )
    .execute(&mut *transaction)
    .await?;
    if memberships.with_directory {
        directories(&mut transaction, memberships, policy).await?;
    }
    for (organization, identity, ticket) in &memberships.tickets {
        query("INSERT INTO tickets (organization, issuer, subject, last_iat, not_before) VALUES (?, ?, ?, ?, ?)")
            .bind(organization.as_str())
            .bind(identity.issuer.as_str())
            .bind(identity.subject.as_str())
            .bind(seconds(ticket.last_iat)?)
            .bind(ticket.not_before.map(seconds).transpose()?)
            .execute(&mut *transaction)
            .await?;
    }
    for (organization, email, not_before) in &memberships.email_blocks {
        query("INSERT INTO email_blocks (organization, email_key, not_before) VALUES (?, ?, ?)")
            .bind(organization.as_str())
            .bind(email.key())
            .bind(seconds(*not_before)?)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    connection.close().await?;
    Ok(())
}

/// The directory's users whom members came from, as if they had been pushed.
async fn directories(connection: &mut SqliteConnection, memberships: &Memberships, policy: &Policy) -> Result<()> {
    let mut users: BTreeMap<&str, BTreeMap<&str, &Member>> = BTreeMap::new();
    for member in &memberships.members {
        let organization = policy.organization(member.organization.as_str()).context("no such organization")?;
        if let Some(user) = &member.directory_user {
            users.entry(organization.parent.id.as_str()).or_default().entry(user.as_str()).or_insert(member);
        }
    }
    for (parent, users) in users {
        for (place, (user, member)) in (1_i64..).zip(&users) {
            let email = member.email.as_str();
            let emails = json!([{"value": email, "primary": true}]);
            let id = member.external_id.as_ref();
            let document = json!({"userName": user, "active": true, "emails": emails, "externalId": id});
            query(
                "INSERT INTO directory_users (parent, id, place, user_name_key, external_id, document, created_at, \
                 updated_at, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)",
            )
            .bind(parent)
            .bind(user)
            .bind(place)
            .bind(user.to_lowercase())
            .bind(member.external_id.as_deref())
            .bind(document.to_string())
            .bind(seconds(member.created_at)?)
            .bind(seconds(member.updated_at)?)
            .execute(&mut *connection)
            .await?;
            query("INSERT INTO directory_emails (parent, email_key, user_id) VALUES (?, ?, ?)")
                .bind(parent)
                .bind(email.to_lowercase())
                .bind(user)
                .execute(&mut *connection)
                .await?;
        }
        let count = i64::try_from(users.len())?;
        query("INSERT INTO directories (parent, next_place) VALUES (?, ?)")
            .bind(parent)
            .bind(count + 1)
            .execute(&mut *connection)
            .await?;
        query("INSERT INTO directory_blocks (parent, kind, block, resources) VALUES (?, 'User', 0, ?)")
            .bind(parent)
            .bind(count)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Seconds since the Unix epoch, as the database has them.
fn seconds(time: u64) -> Result<i64> {
    Ok(i64::try_from(time)?)
}
