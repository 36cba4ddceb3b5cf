//! Columns with what they shall hold: one list of them adds a row, or changes one.

use sqlx::Database;

use super::bind::Bind;
use super::row;
use super::statement::Statement;

/// Names of columns, and what they shall hold.
pub(super) type Columns = Vec<(&'static str, Column)>;

/// What a column shall hold.
pub(super) enum Column {
    Number(u64),
    Optional(Option<String>),
    OptionalNumber(Option<u64>),
    Text(String),
}

impl Column {
    fn push_to<DB: Database>(self, query: &mut Statement<DB>)
    where
        String: Bind<DB>,
        Option<String>: Bind<DB>,
        i64: Bind<DB>,
        Option<i64>: Bind<DB>,
    {
        match self {
            Self::Number(number) => query.push_bind(row::signed(number)),
            Self::Optional(text) => query.push_bind(text),
            Self::OptionalNumber(number) => query.push_bind(number.map(row::signed)),
            Self::Text(text) => query.push_bind(text),
        };
    }
}

/// Adds a row.
pub(super) fn insert<DB: Database>(table: &'static str, columns: Columns) -> Statement<DB>
where
    String: Bind<DB>,
    Option<String>: Bind<DB>,
    i64: Bind<DB>,
    Option<i64>: Bind<DB>,
{
    let mut query = Statement::new("INSERT INTO ");
    query.push(table).push(" (");
    for (index, (name, _)) in columns.iter().enumerate() {
        query.push(between(index)).push(name);
    }
    query.push(") VALUES (");
    for (index, (_, value)) in columns.into_iter().enumerate() {
        query.push(between(index));
        value.push_to(&mut query);
    }
    query.push(")");
    query
}

/// Changes rows; which ones is to follow.
pub(super) fn update<DB: Database>(table: &'static str, columns: Columns) -> Statement<DB>
where
    String: Bind<DB>,
    Option<String>: Bind<DB>,
    i64: Bind<DB>,
    Option<i64>: Bind<DB>,
{
    let mut query = Statement::new("UPDATE ");
    query.push(table).push(" SET ");
    for (index, (name, value)) in columns.into_iter().enumerate() {
        query.push(between(index)).push(name).push(" = ");
        value.push_to(&mut query);
    }
    query
}

fn between(index: usize) -> &'static str {
    if index > 0 { ", " } else { "" }
}
