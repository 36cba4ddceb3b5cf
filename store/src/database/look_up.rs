//! Finding rows by many keys at once: key by key, by an index, whatever a planner guesses.

use sqlx::{Database, QueryBuilder};

use super::bind::Bind;

/// A database that can be told to look rows up one by one.
///
/// With `IN (…)` a planner may rather read all rows of a parent and filter them: SQLite does for two conditions of one
/// index, PostgreSQL as long as it has no statistics of a table that a push has just filled.
pub(super) trait LookUp: Database {
    /// Joins to each row so far the rows of `table` that meet `conditions`, which begin with the columns of an index.
    fn join_each(query: &mut QueryBuilder<Self>, table: &str, conditions: impl FnOnce(&mut QueryBuilder<Self>));
}

impl LookUp for sqlx::Postgres {
    fn join_each(query: &mut QueryBuilder<Self>, table: &str, conditions: impl FnOnce(&mut QueryBuilder<Self>)) {
        query.push(format_args!(" CROSS JOIN LATERAL (SELECT * FROM {table} WHERE "));
        conditions(query);
        // The planner does not look across an offset, even if it skips nothing.
        query.push(format_args!(" OFFSET 0) AS {table}"));
    }
}

impl LookUp for sqlx::Sqlite {
    fn join_each(query: &mut QueryBuilder<Self>, table: &str, conditions: impl FnOnce(&mut QueryBuilder<Self>)) {
        // "… CROSS JOIN is … never reordered" (SQLite's query planner).
        query.push(format_args!(" CROSS JOIN {table} ON "));
        conditions(query);
    }
}

/// Begins a statement that selects `columns` from `wanted`, which has one row with a `value` for each of the values.
pub(super) fn select_wanted<DB: Database>(columns: &str, values: &[String]) -> QueryBuilder<DB>
where
    String: Bind<DB>,
{
    let mut query = QueryBuilder::new("WITH wanted (value) AS (");
    query.push_values(values, |mut row, value| {
        row.push_bind(value.clone());
    });
    query.push(format_args!(") SELECT {columns} FROM wanted"));
    query
}
