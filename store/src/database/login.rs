//! What a login rests on, in one statement of one moment: the same words for every database.

use sqlx::{ColumnIndex, Database, Decode, Row, Type};
use usher_policy::id::{Email, OrganizationId, Role, Tier};
use usher_policy::member::{Identity, Member};
use usher_policy::rules::effects::Ticket;
use usher_policy::rules::seats::Taken;
use usher_policy::wire::Position;

use super::DatabaseError;
use super::bind::Bind;
use super::member_sql::{push_active_with_role, push_from_members_with_external_id};
use super::row::{self, member_columns};
use super::statement::Statement;

/// Who logs in where, and what else the decision wants to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) organization: &'a OrganizationId,
    pub(crate) identity: &'a Identity,
    pub(crate) email: &'a Email,
    /// Where the connection links by it.
    pub(crate) external_id: Option<&'a str>,
    pub(crate) top_role: &'a Role,
    pub(crate) primary_owner: Option<&'a Email>,
    /// The tiers whose seats are counted: those with a cap.
    pub(crate) tiers: &'a [&'a Tier],
    /// Removals by logins are counted after this second since the Unix epoch.
    pub(crate) removals_after: u64,
}

/// What a login rests on.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// The member linked to the identity.
    pub(crate) linked: Option<Member>,
    /// The member with the email.
    pub(crate) by_email: Option<Member>,
    /// The members whom the directory knows by the external id; the two oldest, should there be more.
    pub(crate) by_external_id: Vec<Member>,
    /// What is kept about the identity's assertions. Where nothing is, it may have been forgotten: then it is as if they had
    /// come with the newest that was, in their organization, and been revoked as lately as anybody of whom that was forgotten.
    /// So nothing older than that ever comes back as new, and what was revoked stays so: a new ticket begins with it.
    pub(crate) ticket: Option<Ticket>,
    /// The `not_before` that is kept for the email, in seconds since the Unix epoch.
    pub(crate) email_not_before: Option<u64>,
    /// How many active members hold the top role, counted to 2.
    pub(crate) active_owners: u32,
    /// Whether some member answers to the primary owner.
    pub(crate) primary_owner_taken: bool,
    /// Seats taken of the tiers that were asked about, whatever the holder's status.
    pub(crate) taken: Taken,
    /// Removals by logins since the second that was asked about.
    pub(crate) removals: u32,
    /// The change feed's head.
    pub(crate) position: Position,
}

/// Which members the statement reads along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum People {
    /// Whoever it may be.
    Anyone,
    /// Nobody: they were read before, and locked.
    Nobody,
}

/// The statement. `head` selects `database`, `mark` and `position` of the change feed's head: one row.
pub(super) fn statement<DB: Database>(question: &Question<'_>, people: People, head: &'static str) -> Statement<DB>
where
    String: Bind<DB>,
    i64: Bind<DB>,
{
    let organization = || question.organization.to_string();
    let mut query = Statement::new("SELECT ");
    // First, for they are read by their place.
    for tier in question.tiers {
        query.push("(SELECT used FROM seats WHERE organization = ").push_bind(organization());
        query.push(" AND tier = ").push_bind(tier.to_string()).push("), ");
    }
    query.push("head.*, ticket.*, forgotten.*, block.*, (");
    push_active_with_role(&mut query, question.organization, question.top_role);
    query.push(") AS owners, (SELECT count(*) FROM removals_by_login WHERE organization = ");
    query.push_bind(organization()).push(" AND at > ").push_bind(row::signed(question.removals_after));
    query.push(") AS removals");
    if let Some(email) = question.primary_owner {
        query.push(", (SELECT count(*) FROM (SELECT 1 FROM members WHERE organization = ");
        query.push_bind(organization()).push(" AND primary_owner = ").push_bind(email.key());
        query.push(" LIMIT 1) AS named) AS named");
    }
    if people == People::Anyone {
        query.push(", person.*");
    }

    query.push(" FROM (").push(head);
    query.push(") AS head LEFT JOIN (SELECT last_iat, not_before FROM tickets WHERE organization = ");
    query.push_bind(organization()).push(" AND issuer = ").push_bind(question.identity.issuer.to_string());
    query.push(" AND subject = ").push_bind(question.identity.subject.to_string());
    query.push(") AS ticket ON TRUE LEFT JOIN (SELECT last_iat AS forgotten_iat, ");
    query.push("not_before AS forgotten_not_before FROM forgotten_tickets");
    query.push(" WHERE organization = ").push_bind(organization());
    query.push(") AS forgotten ON TRUE LEFT JOIN (SELECT not_before AS email_not_before FROM email_blocks");
    query.push(" WHERE organization = ").push_bind(organization());
    query.push(" AND email_key = ").push_bind(question.email.key()).push(") AS block ON TRUE");
    if people == People::Anyone {
        query.push(" LEFT JOIN (").push(concat!("SELECT 'linked' AS found, ", member_columns!(), " FROM members"));
        query.push(" WHERE organization = ").push_bind(organization());
        query.push(" AND issuer = ").push_bind(question.identity.issuer.to_string());
        query.push(" AND subject = ").push_bind(question.identity.subject.to_string());
        query.push(concat!(" UNION ALL SELECT 'email', ", member_columns!(), " FROM members WHERE organization = "));
        query.push_bind(organization()).push(" AND email_key = ").push_bind(question.email.key());
        if let Some(external_id) = question.external_id {
            query.push(concat!(" UNION ALL SELECT 'external_id', ", member_columns!()));
            push_from_members_with_external_id(&mut query, question.organization, external_id);
        }
        query.push(") AS person ON TRUE");
    }
    query
}

/// Reads the statement's rows: one for each member found, or one without.
pub(super) fn look<'r, R>(found: &'r [R], question: &Question<'_>, people: People) -> Result<Look, DatabaseError>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    usize: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    let Some(first) = found.first() else {
        return Err(DatabaseError::Corrupt("a change feed without a head".to_owned()));
    };
    let number = |column: &'static str| -> Result<Option<u64>, DatabaseError> {
        first.try_get::<Option<i64>, _>(column)?.map(row::unsigned).transpose()
    };
    let mut taken = Vec::with_capacity(question.tiers.len());
    for (n, tier) in question.tiers.iter().enumerate() {
        let used: Option<i64> = first.try_get(n)?;
        taken.push(((*tier).clone(), row::count(used.unwrap_or_default())?));
    }
    let mut look = Look {
        linked: None,
        by_email: None,
        by_external_id: Vec::new(),
        ticket: match number("last_iat")? {
            Some(last_iat) => Some(Ticket { last_iat, not_before: number("not_before")? }),
            None => {
                let not_before = number("forgotten_not_before")?;
                number("forgotten_iat")?.map(|last_iat| Ticket { last_iat, not_before })
            }
        },
        email_not_before: number("email_not_before")?,
        active_owners: row::count(first.try_get("owners")?)?,
        primary_owner_taken: question.primary_owner.is_some() && first.try_get::<i64, _>("named")? > 0,
        taken: Taken::new(taken),
        removals: row::count(first.try_get("removals")?)?,
        position: row::head(first)?,
    };
    if people == People::Nobody {
        return Ok(look);
    }
    for found in found {
        let Some(how) = found.try_get::<Option<String>, _>("found")? else { continue };
        let member = row::member(found)?;
        match how.as_str() {
            "linked" => look.linked = Some(member),
            "email" => look.by_email = Some(member),
            _ => look.by_external_id.push(member),
        }
    }
    Ok(look)
}
