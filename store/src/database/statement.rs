//! A statement that is put together: of constant texts alone, with every value bound.

use sqlx::query::{Query, QueryAs, QueryScalar};
use sqlx::query_builder::Separated;
use sqlx::{Database, Encode, FromRow, QueryBuilder, Type};

/// sqlx's own takes any text for a part of a statement. This one takes what the compiler knows; clippy keeps the other out.
pub(super) struct Statement<DB: Database>(QueryBuilder<DB>);

impl<DB: Database> Statement<DB> {
    /// Begins one.
    pub(super) fn new(text: &'static str) -> Self {
        Self(QueryBuilder::new(text))
    }

    /// Goes on with more words.
    pub(super) fn push(&mut self, text: &'static str) -> &mut Self {
        self.0.push(text);
        self
    }

    /// Goes on with a value, which stays apart from the words.
    pub(super) fn push_bind<'t, T: Encode<'t, DB> + Type<DB>>(&mut self, value: T) -> &mut Self {
        self.0.push_bind(value);
        self
    }

    /// Goes on with values between commas.
    pub(super) fn push_list<'t, T>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Self
    where
        T: Encode<'t, DB> + Type<DB>,
    {
        let mut list = self.0.separated(", ");
        for value in values {
            list.push_bind(value);
        }
        self
    }

    /// Goes on with `VALUES` and a row for each.
    pub(super) fn push_rows<I: IntoIterator>(
        &mut self,
        each: I,
        mut push_row: impl FnMut(&mut Row<'_, DB>, I::Item),
    ) -> &mut Self {
        self.0.push_values(each, |row, item| push_row(&mut Row(row), item));
        self
    }

    /// What the database would do to run it, asked without its values.
    #[cfg(test)]
    pub(super) fn explained(&self) -> Self {
        Self(QueryBuilder::new(format!("EXPLAIN QUERY PLAN {}", self.0.sql().as_str())))
    }

    /// To be run.
    pub(super) fn build(&mut self) -> Query<'_, DB, DB::Arguments> {
        self.0.build()
    }

    /// To be run, for rows of this type.
    pub(super) fn build_query_as<'q, T: FromRow<'q, DB::Row>>(&'q mut self) -> QueryAs<'q, DB, T, DB::Arguments> {
        self.0.build_query_as()
    }

    /// To be run, for one column.
    pub(super) fn build_query_scalar<'q, T>(&'q mut self) -> QueryScalar<'q, DB, T, DB::Arguments>
    where
        (T,): for<'r> FromRow<'r, DB::Row>,
    {
        self.0.build_query_scalar()
    }
}

/// A row of values.
pub(super) struct Row<'s, DB: Database>(Separated<'s, DB, &'static str>);

impl<DB: Database> Row<'_, DB> {
    /// The value of the next column.
    pub(super) fn push_bind<'t, T: Encode<'t, DB> + Type<DB>>(&mut self, value: T) -> &mut Self {
        self.0.push_bind(value);
        self
    }
}
