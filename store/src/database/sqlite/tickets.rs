//! Forgetting old tickets in SQLite.

use super::session::Session;
use crate::database::DatabaseError;
use crate::database::tickets::{
    Forgotten, TicketPage, TicketPlace, TicketSnapshot, TicketTransaction, Upkeep, forget_tickets,
};

forget_tickets!(sqlx::Sqlite);
