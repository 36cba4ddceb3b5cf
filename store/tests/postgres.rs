//! The whole suite on PostgreSQL, and what only PostgreSQL can show.

#[cfg(test)]
mod on_postgres;
#[cfg(test)]
mod suite;
