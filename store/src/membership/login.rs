//! A login: checked against the store's own policy, decided, and written where something changes.

use usher_policy::member::{Identity, Member};
use usher_policy::model::{Connection, Organization, ScimMatch};
use usher_policy::rules::effects::{Change, Note};
use usher_policy::rules::login::{Facts, Outcome, decide};
use usher_policy::rules::plan::{self, Plan};
use usher_policy::wire::{Answer, Login, Position};

use super::effects::{self, REMOVALS_WINDOW, Why};
use super::{Membership, MembershipError, new_id, seats};
use crate::audit::Cause;
use crate::database::{DatabaseError, Known, Snapshot};

/// What came of a login.
#[derive(Clone, Debug)]
pub(crate) struct LoggedIn {
    /// The answer to the filter.
    pub(crate) answer: Answer,
    /// The member after it, where there is one.
    pub(crate) member: Option<Member>,
    /// The change feed's position at which this is true.
    pub(crate) position: Position,
}

impl Membership {
    /// Applies one login. Safe to repeat: a second time finds everything done and only reads.
    ///
    /// # Errors
    /// `PolicyMismatch` and `Database`.
    pub(crate) async fn login(
        &self,
        organization: &Organization,
        login: &Login,
        cause: &Cause,
    ) -> Result<LoggedIn, MembershipError> {
        let connection = trusted(organization, login)?;

        // Most logins change nothing: they need not queue for the writer.
        let mut snapshot = self.database.read().await?;
        let facts = self.facts_for_login(&mut *snapshot, organization, connection, login).await?;
        let outcome = decide(organization, login, &facts);
        if login.preview || effects::is_nothing(&outcome.effects) {
            let position = snapshot.position().await?;
            return Ok(self.logged_in(organization, login, outcome, position));
        }
        drop(snapshot);

        // What was read may have changed meanwhile: read and decide again, with nobody in the way.
        let (outcome, position) =
            self.until_settled(|| self.write_login(organization, connection, login, cause)).await?;
        Ok(self.logged_in(organization, login, outcome, position))
    }

    async fn write_login(
        &self,
        organization: &Organization,
        connection: &Connection,
        login: &Login,
        cause: &Cause,
    ) -> Result<(Outcome, Position), MembershipError> {
        let mut transaction = self.database.write().await?;
        let identity = Identity { issuer: login.issuer.clone(), subject: login.subject.clone() };
        let person = [Known::ByIdentity(&identity), Known::ByEmail(&login.email)];
        transaction.lock(&organization.id, &person).await?;
        let mut facts = self.facts_for_login(&mut *transaction, organization, connection, login).await?;
        let mut outcome = decide(organization, login, &facts);
        if effects::rest_on_others(organization, concerned(&facts, &outcome), &outcome.effects)
            && transaction.lock_organization(&organization.id).await?
        {
            facts = self.facts_for_login(&mut *transaction, organization, connection, login).await?;
            outcome = decide(organization, login, &facts);
        }
        let why = Why { cause, reason: reason(&login.plan), before: concerned(&facts, &outcome) };
        effects::write(&mut *transaction, organization, &outcome.effects, &why, facts.now).await?;
        let position = transaction.commit().await?;
        Ok((outcome, position))
    }

    async fn facts_for_login(
        &self,
        read: &mut dyn Snapshot,
        organization: &Organization,
        connection: &Connection,
        login: &Login,
    ) -> Result<Facts, DatabaseError> {
        let now = self.now();
        let identity = Identity { issuer: login.issuer.clone(), subject: login.subject.clone() };
        let by_external_id = match (connection.scim_match, &login.external_id) {
            (ScimMatch::ExternalId, Some(id)) => read.member_with_external_id(&organization.id, id).await?,
            (ScimMatch::ExternalId, None) | (ScimMatch::Email, _) => None,
        };
        let primary_owner_taken = match &organization.primary_owner {
            Some(owner) => read.has_primary_owner(&organization.id, &owner.email).await?,
            None => false,
        };
        Ok(Facts {
            linked: read.member_of(&organization.id, &identity).await?,
            by_email: read.member_with_email(&organization.id, &login.email).await?,
            by_external_id,
            ticket: read.ticket(&organization.id, &identity).await?,
            email_not_before: read.email_not_before(&organization.id, &login.email).await?,
            active_owners: read.active_with_role(&organization.id, organization.top_role()).await?,
            primary_owner_taken,
            taken: seats::taken(read, organization).await?,
            removals_last_hour: read
                .removals_by_login(&organization.id, now.as_secs().saturating_sub(REMOVALS_WINDOW))
                .await?,
            new_id: new_id(now),
            now: now.as_secs(),
        })
    }

    /// Counts, logs and answers. A preview is counted apart, for it did nothing.
    fn logged_in(&self, organization: &Organization, login: &Login, outcome: Outcome, position: Position) -> LoggedIn {
        self.metrics.login(&organization.id, outcome.answer, login.preview);
        if !login.preview {
            if let Some(Change::Remove(_)) = outcome.effects.change {
                self.metrics.removal(&organization.id, "login");
            }
            for note in &outcome.effects.notes {
                self.note(organization, outcome.member.as_ref(), *note, "login");
            }
        }
        LoggedIn { answer: outcome.answer, member: outcome.member, position }
    }

    /// Counts and logs what an operator will want to know. `by` is who decided: a `login`, or the `directory`.
    pub(super) fn note(&self, organization: &Organization, member: Option<&Member>, note: Note, by: &str) {
        self.metrics.note(&organization.id, note);
        let member = member.map_or("", |member| member.id.as_str());
        match note {
            Note::EmailTaken | Note::LastOwner | Note::PrimaryOwnerKept | Note::RemovalsLimited => {
                tracing::warn!(organization = organization.id.as_str(), member, by, note = note.name(), "held back");
            }
            Note::EmailKept | Note::Linked | Note::PrimaryOwner => {
                tracing::info!(organization = organization.id.as_str(), member, by, note = note.name(), "noted");
            }
        }
    }
}

/// The member whom a login is about, as they were read.
fn concerned<'a>(facts: &'a Facts, outcome: &Outcome) -> Option<&'a Member> {
    effects::concerned(&outcome.effects, [&facts.linked, &facts.by_email, &facts.by_external_id])
}

/// What the audit says of a login: its plan, or why it was to be turned away.
fn reason(plan: &Plan) -> &'static str {
    match plan {
        Plan::Assign { .. } => "assign",
        Plan::Ensure { .. } => "ensure",
        Plan::Remove { reason } => reason.code(),
        Plan::Require => "require",
    }
}

/// The connection that the login came through, if a filter with this policy could have sent it.
fn trusted<'a>(organization: &'a Organization, login: &Login) -> Result<&'a Connection, MembershipError> {
    let connection = organization
        .connections
        .iter()
        .find(|connection| connection.id == login.connection && connection.issuer == login.issuer)
        .ok_or(MembershipError::PolicyMismatch("the organization has no such connection with this issuer"))?;
    let domain = login.email.domain();
    let spoken_for = connection.domains.as_ref().is_none_or(|domains| domains.contains(&domain));
    if !spoken_for || !organization.parent.domains.contains(&domain) {
        return Err(MembershipError::PolicyMismatch("the email's domain is not one that the connection speaks for"));
    }
    if !plan::fits(organization, &login.plan) {
        return Err(MembershipError::PolicyMismatch("the organization's rules cannot give this plan"));
    }
    Ok(connection)
}
