//! What the end-to-end tests share: real processes, fake neighbours, and the stage that they make.

pub mod binaries;
pub mod http;
pub mod http2;
pub mod pages;
pub mod policy;
pub mod port;
pub mod process;
pub mod scenarios;
pub mod server;
pub mod stage;
pub mod system;
pub mod wait;
