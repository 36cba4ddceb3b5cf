//! An assertion is verified; where the connection's keys are missing or too old for it, that waits for newer ones.

use std::sync::Arc;

use usher_policy::Reason;
use usher_policy::model::{Connection, Jwks};
use usher_policy::token::Assertion;
use usher_policy::token::claimant::Claimant;
use usher_policy::token::verify::{VerifiedAssertion, VerifyError, verify};

use super::store::ExpectStore;
use super::{Desk, Next, Person, Visit};
use crate::keys::Lack;

/// A request whose assertion cannot be verified with the keys that are there.
#[derive(Debug)]
pub(crate) struct ExpectKeys {
    visit: Visit,
    assertion: Assertion,
    connection: Arc<Connection>,
    lack: Lack,
}

impl ExpectKeys {
    /// Verifies an assertion with the keys that are there.
    pub(super) fn check(visit: Visit, assertion: Assertion, desk: &Desk<'_>) -> Next {
        let verified = verify(&visit.organization, &assertion, desk.keys, desk.signatures, desk.now.unix_secs());
        let (connection, lack) = match verified {
            Ok(verified) => return log_in(visit, assertion, &verified, desk),
            Err(VerifyError::Deny(reason)) => return visit.deny_assertion(None, assertion, reason),
            Err(VerifyError::NoKeys(connection)) => (connection, Lack::Keys),
            Err(VerifyError::UnknownKey(connection)) => (connection, Lack::Kid),
        };
        let expect = Self { visit, assertion, connection, lack };
        match expect.connection.jwks {
            Jwks::Inline(_) => expect.refuse(),
            Jwks::Remote(_) => Next::AwaitKeys(expect),
        }
    }

    /// Whose keys are expected.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What is missing.
    pub(crate) fn lack(&self) -> Lack {
        self.lack
    }

    /// The keys may have changed: verifies again.
    pub(crate) fn check_again(self, desk: &Desk<'_>) -> Next {
        Self::check(self.visit, self.assertion, desk)
    }

    /// No newer keys will come in time.
    pub(crate) fn refuse(self) -> Next {
        let reason = match self.lack {
            Lack::Keys => Reason::KeysUnavailable,
            Lack::Kid => Reason::UnknownKey,
        };
        self.visit.deny_assertion(None, self.assertion, reason)
    }
}

/// Everything that the claims alone decide; then it is the store's turn.
fn log_in(visit: Visit, assertion: Assertion, verified: &VerifiedAssertion, desk: &Desk<'_>) -> Next {
    let person = |email| Some(Person { subject: verified.subject().clone(), email });
    let claimant = match Claimant::read(&visit.organization, verified) {
        Ok(claimant) => claimant,
        Err(reason) => return visit.deny_assertion(person(None), assertion, reason),
    };
    let email = claimant.email.clone();
    match claimant.login(&visit.organization, desk.is_shadow()) {
        Ok(login) => Next::AskStore(ExpectStore::login(visit, login, verified, desk)),
        Err(reason) => visit.deny_assertion(person(Some(email)), assertion, reason),
    }
}
