//! A login: checked against the store's own policy, decided, and written where something changes.

use std::time::Duration;

use usher_policy::id::{Email, Tier};
use usher_policy::member::{Identity, Member};
use usher_policy::model::{Connection, Organization, ScimMatch};
use usher_policy::rules::effects::{Change, Note};
use usher_policy::rules::login::{Facts, Outcome, decide};
use usher_policy::rules::plan::{self, Plan};
use usher_policy::wire::{Answer, Login, Position};

use super::effects::{self, REMOVALS_WINDOW, Why};
use super::{Membership, MembershipError, new_id, seats};
use crate::audit::Cause;
use crate::database::{Known, Lane, Look, Question};
use crate::trace;

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
        let person = Person::of(organization, connection, login);
        let now = self.now();
        let question = person.question(now);
        let look = trace::asked(self.database.system(), "look", 1, self.database.look(&question)).await?;
        let position = look.position.clone();
        let outcome = decide(organization, login, &facts_at(look, now));
        if login.preview || effects::is_nothing(&outcome.effects) {
            return Ok(self.logged_in(organization, login, outcome, position));
        }

        // What was read may have changed meanwhile: read and decide again, with nobody in the way.
        let _place = self.place(organization).await?;
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
        let person = Person::of(organization, connection, login);
        let now = self.now();
        let question = person.question(now);
        let mut transaction = self.database.write(Lane::Short).await?;
        let known = [Known::ByIdentity(&person.identity), Known::ByEmail(&login.email)];
        transaction.lock(&organization.id, &known).await?;
        let mut facts = facts_at(transaction.look(&question).await?, now);
        let mut outcome = decide(organization, login, &facts);
        if effects::rest_on_others(organization, concerned(&facts, &outcome), &outcome.effects)
            && transaction.lock_organization(&organization.id).await?
        {
            facts = facts_at(transaction.look(&question).await?, now);
            outcome = decide(organization, login, &facts);
        }
        let why = Why { cause, reason: reason(&login.plan), before: concerned(&facts, &outcome) };
        effects::write(&mut *transaction, organization, &outcome.effects, &why, facts.now).await?;
        let position = transaction.commit().await?;
        Ok((outcome, position))
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

/// Who logs in, and what the decision wants to know of the organization.
struct Person<'a> {
    organization: &'a Organization,
    identity: Identity,
    email: &'a Email,
    external_id: Option<&'a str>,
    tiers: Vec<&'a Tier>,
}

impl<'a> Person<'a> {
    fn of(organization: &'a Organization, connection: &Connection, login: &'a Login) -> Self {
        let external_id = match connection.scim_match {
            ScimMatch::ExternalId => login.external_id.as_deref(),
            ScimMatch::Email => None,
        };
        let identity = Identity { issuer: login.issuer.clone(), subject: login.subject.clone() };
        let tiers = seats::limited(organization).collect();
        Self { organization, identity, email: &login.email, external_id, tiers }
    }

    fn question(&self, now: Duration) -> Question<'_> {
        Question {
            organization: &self.organization.id,
            identity: &self.identity,
            email: self.email,
            external_id: self.external_id,
            top_role: self.organization.top_role(),
            primary_owner: self.organization.primary_owner.as_ref().map(|owner| &owner.email),
            tiers: &self.tiers,
            removals_after: now.as_secs().saturating_sub(REMOVALS_WINDOW),
        }
    }
}

/// What the rules want to know of what was read at `now`.
fn facts_at(look: Look, now: Duration) -> Facts {
    Facts {
        linked: look.linked,
        by_email: look.by_email,
        by_external_id: look.by_external_id,
        ticket: look.ticket,
        email_not_before: look.email_not_before,
        active_owners: look.active_owners,
        primary_owner_taken: look.primary_owner_taken,
        taken: look.taken,
        removals_last_hour: look.removals,
        new_id: new_id(now),
        now: now.as_secs(),
    }
}

/// The member whom a login is about, as they were read.
fn concerned<'a>(facts: &'a Facts, outcome: &Outcome) -> Option<&'a Member> {
    let by_external_id = facts.by_external_id.first();
    effects::concerned(&outcome.effects, [facts.linked.as_ref(), facts.by_email.as_ref(), by_external_id])
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
        return Err(MembershipError::PolicyMismatch("the email's domain is not one that the connection vouches for"));
    }
    if !plan::fits(organization, &login.plan) {
        return Err(MembershipError::PolicyMismatch("the organization's rules cannot give this plan"));
    }
    Ok(connection)
}
