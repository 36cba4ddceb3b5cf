//! The whole suite on SQLite, and what only SQLite can show.

#[cfg(test)]
mod on_sqlite;
#[cfg(test)]
mod suite;
