//! Members in SQLite.

use usher_policy::id::{Email, MemberId, OrganizationId, Role, Tier};
use usher_policy::member::{Identity, Member};
use usher_policy::model::Cap;
use usher_policy::rules::effects::Ticket;
use usher_policy::rules::seats::Taken;

use super::session::Session;
use crate::database::members::{MemberFilter, MemberSnapshot, MemberTransaction, keep_members};
use crate::database::row::{self, exactly_one};
use crate::database::{DatabaseError, FeedChange, Snapshot};

keep_members!(sqlx::Sqlite);
