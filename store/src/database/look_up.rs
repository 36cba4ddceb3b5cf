//! Finding rows by many keys at once: key by key, by an index, whatever a planner guesses.

use sqlx::Database;

use super::bind::Bind;
use super::statement::Statement;

/// A database that can be told to look rows up one by one.
///
/// With `IN (…)` a planner may rather read all rows of a parent and filter them: SQLite does for two conditions of one
/// index, PostgreSQL as long as it has no statistics of a table that a push has just filled.
pub(super) trait LookUp: Database {
    /// Joins to each row so far the rows of `table` that meet `conditions`, which begin with the columns of an index.
    fn join_each(query: &mut Statement<Self>, table: &'static str, conditions: impl FnOnce(&mut Statement<Self>));
}

impl LookUp for sqlx::Postgres {
    fn join_each(query: &mut Statement<Self>, table: &'static str, conditions: impl FnOnce(&mut Statement<Self>)) {
        query.push(" CROSS JOIN LATERAL (SELECT * FROM ").push(table).push(" WHERE ");
        conditions(query);
        // The planner does not look across an offset, even if it skips nothing.
        query.push(" OFFSET 0) AS ").push(table);
    }
}

impl LookUp for sqlx::Sqlite {
    fn join_each(query: &mut Statement<Self>, table: &'static str, conditions: impl FnOnce(&mut Statement<Self>)) {
        // "… CROSS JOIN is … never reordered" (SQLite's query planner).
        query.push(" CROSS JOIN ").push(table).push(" ON ");
        conditions(query);
    }
}

/// Begins a statement that selects `columns` from `wanted`, which has one row with a `value` for each of the values.
pub(super) fn select_wanted<DB: Database>(columns: &'static str, values: &[String]) -> Statement<DB>
where
    String: Bind<DB>,
{
    let mut query = Statement::new("WITH wanted (value) AS (");
    query.push_rows(values, |row, value| {
        row.push_bind(value.clone());
    });
    query.push(") SELECT ").push(columns).push(" FROM wanted");
    query
}
