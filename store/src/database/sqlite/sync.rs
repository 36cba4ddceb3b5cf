//! What a reconciliation needs, in SQLite.

use usher_policy::id::{Email, MemberId, OrganizationId, ParentId, Role};
use usher_policy::member::Member;

use super::session::Session;
use crate::database::sync::{Lease, SyncSnapshot, SyncTransaction, reconcile};
use crate::database::{DatabaseError, row};
use crate::scim::{ResourceType, Stored};

reconcile!(sqlx::Sqlite);
