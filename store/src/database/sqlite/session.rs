//! What statements run on: a reader's snapshot, or a turn of the writer.

use sqlx::sqlite::{Sqlite, SqliteConnection};
use usher_policy::id::OrganizationId;
use usher_policy::member::Member;

use super::writer::Turn;
use crate::database::login::{self, People};
use crate::database::statement::Statement;
use crate::database::{DatabaseError, Look, Question, row};

/// The change feed's head; the newest change is always kept.
pub(super) const HEAD: &str = "SELECT database, mark, position FROM identity LEFT JOIN \
    (SELECT mark, position FROM changes ORDER BY position DESC LIMIT 1) ON TRUE";

/// A snapshot on a reader, a transaction on the writer.
pub(super) struct Session {
    access: Access,
    /// Whether the change feed grew.
    pub(super) appended: bool,
}

enum Access {
    Snapshot(sqlx::Transaction<'static, sqlx::Sqlite>),
    Turn(Turn),
}

impl Session {
    pub(super) fn reading(snapshot: sqlx::Transaction<'static, sqlx::Sqlite>) -> Self {
        Self { access: Access::Snapshot(snapshot), appended: false }
    }

    pub(super) fn writing(turn: Turn) -> Self {
        Self { access: Access::Turn(turn), appended: false }
    }

    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        match &mut self.access {
            Access::Snapshot(snapshot) => snapshot,
            Access::Turn(turn) => turn.connection(),
        }
    }

    /// Finds one member.
    pub(super) async fn find(&mut self, mut query: Statement<Sqlite>) -> Result<Option<Member>, DatabaseError> {
        query.build().fetch_optional(self.connection()).await?.as_ref().map(row::member).transpose()
    }

    /// Runs a statement; how many rows it touched.
    pub(super) async fn run(&mut self, mut query: Statement<Sqlite>) -> Result<u64, DatabaseError> {
        Ok(query.build().execute(self.connection()).await?.rows_affected())
    }

    /// The same members: nobody else writes meanwhile.
    pub(super) async fn locked(&self, _: &OrganizationId, found: Vec<Member>) -> Result<Vec<Member>, DatabaseError> {
        Ok(found)
    }

    /// The turn, to commit it; a snapshot has none.
    pub(super) fn into_turn(self) -> Option<Turn> {
        match self.access {
            Access::Snapshot(_) => None,
            Access::Turn(turn) => Some(turn),
        }
    }
}

/// What a login rests on.
pub(super) async fn look(connection: &mut SqliteConnection, question: &Question<'_>) -> Result<Look, DatabaseError> {
    let mut query = login::statement(question, People::Anyone, HEAD);
    let found = query.build().fetch_all(connection).await?;
    login::look(&found, question, People::Anyone)
}
