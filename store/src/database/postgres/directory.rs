//! Directories in PostgreSQL.

use sqlx::Row;
use usher_policy::id::{DirectoryUserId, MemberId, OrganizationId, ParentId};
use usher_policy::member::Member;

use super::session::Session;
use crate::database::DatabaseError;
use crate::database::directory::{DirectorySnapshot, DirectoryTransaction, Place};
use crate::database::directory_session::keep_directories;
use crate::database::directory_sql::MAX_IDS;
use crate::database::row::{self, exactly_one};
use crate::database::statement::Statement;
use crate::scim::{GroupOfUser, Lookup, ResourceType, Stored};

keep_directories!(sqlx::Postgres);
