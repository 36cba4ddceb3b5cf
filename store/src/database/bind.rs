//! What statements that are the same for every database may bind.

use sqlx::{Database, Encode, Type};

/// A value that this database's driver can send.
pub(super) trait Bind<DB: Database>: for<'q> Encode<'q, DB> + Type<DB> {}

impl<DB: Database, T: for<'q> Encode<'q, DB> + Type<DB>> Bind<DB> for T {}
