//! The membership store: members, seats and logins over HTTP, on SQLite.
