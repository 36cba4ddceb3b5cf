//! Who an identity is, or may be linked to.

use super::super::history::Login;
use super::{Oracle, same};

impl Oracle {
    /// "Another subject with that email is `identity_conflict`, as are two candidates for one link".
    pub(super) fn conflicts(&self, login: &Login, linked: Option<usize>) -> bool {
        let found = self.candidates(login, linked);
        found.len() > 1 || found.iter().any(|at| !self.may_be_linked(*at, login))
    }

    /// Who this identity is, or may be linked to; more than one of them is one too many.
    pub(super) fn candidates(&self, login: &Login, linked: Option<usize>) -> Vec<usize> {
        if let Some(at) = linked {
            return vec![at];
        }
        let by_id = self.links_by_id(login) && login.external_id.is_some();
        (0..self.members.len())
            .filter(|at| {
                let member = &self.members[*at];
                same(&member.email, login.email) || by_id && member.external_id.as_deref() == login.external_id
            })
            .collect()
    }

    fn may_be_linked(&self, at: usize, login: &Login) -> bool {
        let member = &self.members[at];
        if let Some(identity) = &member.identity {
            return *identity == self.identity(login);
        }
        // Whom the directory made is known by the directory's id where the connection says so.
        let of_directory = member.source == "scim" || member.external_id.is_some();
        let by_id = login.external_id.is_some() && member.external_id.as_deref() == login.external_id;
        !self.links_by_id(login) || !of_directory || by_id
    }

    fn links_by_id(&self, login: &Login) -> bool {
        self.policy.connections[login.connection % self.policy.connections.len()].1 == "external_id"
    }
}
