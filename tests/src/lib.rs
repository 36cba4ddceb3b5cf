//! What the end-to-end tests share: real processes, fake neighbours, tokens, and scenarios as data.

pub mod binaries;
pub mod http;
pub mod port;
pub mod process;
pub mod scenario;
pub mod server;
pub mod stage;
pub mod system;
pub mod token;
pub mod wait;
