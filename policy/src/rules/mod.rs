//! The rules of design §2 as pure functions: route, plan, seats, login, by hand, by the directory, conclude.

pub mod access;
pub mod conclude;
pub mod directory;
pub mod effects;
pub mod hand;
pub mod login;
pub mod mapping;
pub mod path;
pub mod plan;
pub mod route;
pub mod seats;
#[cfg(test)]
pub(crate) mod testing;
