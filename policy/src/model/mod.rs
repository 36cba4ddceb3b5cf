//! The finished policy: names resolved, durations durations, impossible states not writable. Only `file` builds it.

mod connection;
mod denial_pages;
mod options;
mod organization;
mod routing;

use std::sync::Arc;
use std::time::Duration;

pub use connection::{
    Algorithm, Assignment, ClaimNames, ClaimPath, Connection, EmailTrust, Jwks, JwksUri, RemoteJwks, Requirement,
    ScimMatch,
};
pub use denial_pages::DenialPages;
pub use options::{
    AdminToken, CredentialSource, Credentials, Enforcement, HeaderNames, Offline, Sessions, StoreClient, Unmatched,
};
pub use organization::{
    AccessRule, BypassRule, Cap, GroupRole, GroupTier, Guards, HostPattern, Mappings, Organization, PathRule,
    PrimaryOwner, Product, Provisioning, SeatDefault, SeatTier, Seats, WhenFull,
};
pub use routing::{Candidates, Routes};

use crate::id::{OrganizationId, ParentId};

/// How long entries of the audit are kept where the policy does not say: 400 days, a year and the time to look at it.
pub const AUDIT_RETENTION: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// One policy file, checked and resolved.
#[derive(Debug)]
pub struct Policy {
    /// How the filter reaches the membership store.
    pub store: StoreClient,
    /// The customers, in the order of the file.
    pub parents: Vec<Arc<Parent>>,
    /// Every organization of every parent, in the order of the file.
    pub organizations: Vec<Arc<Organization>>,
    /// Which organizations a host may mean.
    pub routes: Routes,
    /// Where the credential is looked for, and whether the upstream sees it.
    pub credentials: Credentials,
    /// The filter's session cache.
    pub sessions: Sessions,
    /// The names of the identity headers.
    pub headers: HeaderNames,
    /// Whether denials block.
    pub enforcement: Enforcement,
    /// What happens to a host that no organization has.
    pub unmatched: Unmatched,
    /// What the operator puts into denials.
    pub denial_pages: DenialPages,
    /// Named tokens that may administer the store.
    pub admin_tokens: Vec<AdminToken>,
    /// How long entries of the audit are kept; default [`AUDIT_RETENTION`].
    pub audit_retention: Duration,
}

impl Policy {
    /// The organization with this id.
    pub fn organization(&self, id: &str) -> Option<&Arc<Organization>> {
        self.routes.organization(id)
    }

    /// The parent with this id.
    pub fn parent(&self, id: &str) -> Option<&Arc<Parent>> {
        self.parents.iter().find(|parent| parent.id.as_str() == id)
    }

    /// The organizations of one parent.
    pub fn organizations_of<'a>(&'a self, parent: &'a ParentId) -> impl Iterator<Item = &'a Arc<Organization>> {
        self.organizations.iter().filter(move |organization| organization.parent.id == *parent)
    }

    /// The ids of all organizations.
    pub fn organization_ids(&self) -> impl Iterator<Item = &OrganizationId> {
        self.organizations.iter().map(|organization| &organization.id)
    }
}

/// A customer: verified domains, connections, perhaps a directory (design §1).
#[derive(Debug)]
pub struct Parent {
    /// Its id in the file.
    pub id: ParentId,
    /// What it has bought, as the file names it.
    pub plan: Plan,
    /// Verified domains, lowercased; never empty.
    pub domains: Vec<String>,
    /// Trusted identity providers; never empty.
    pub connections: Vec<Arc<Connection>>,
    /// Its SCIM directory, if it has one.
    pub directory: Option<Directory>,
}

/// A plan is data: its name and what it includes (design §2, "Which modes may be had").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The name as the file writes it.
    pub name: String,
    /// Whether its organizations may be provisioned by SCIM.
    pub scim: bool,
}

impl Plan {
    /// The plans there are, by name, and whether SCIM is included.
    pub const CATALOG: &'static [(&'static str, bool)] = &[("team", false), ("enterprise", true), ("console", true)];

    /// The plan with this name.
    pub fn named(name: &str) -> Option<Self> {
        let (name, scim) = Self::CATALOG.iter().find(|(known, _)| *known == name)?;
        Some(Self { name: (*name).to_owned(), scim: *scim })
    }
}

/// A parent's SCIM directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Whether SCIM requests are served for it.
    pub scim: bool,
    /// The environment variable that holds its bearer token.
    pub token_env: Option<String>,
    /// What a PATCH is answered with.
    pub patch_response: PatchResponse,
}

/// What a SCIM PATCH is answered with where it does not ask for attributes (RFC 7644, 3.5.2 allows either).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PatchResponse {
    /// 204.
    NoContent,
    /// 200 with the resource.
    #[default]
    Resource,
}

impl PatchResponse {
    /// The value with this name in the file.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "no_content" => Some(Self::NoContent),
            "resource" => Some(Self::Resource),
            _ => None,
        }
    }
}
