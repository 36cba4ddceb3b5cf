//! Free ports of this machine.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

// Below the ports that the system gives to outgoing connections, so that none of those is in the way later.
const FIRST: u32 = 12_000;
const COUNT: u32 = 20_000;

/// A port on which nobody listens; never the same one twice in this process.
///
/// # Errors
/// None is free.
pub fn free() -> Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Test processes that run at the same time begin at different places.
    let start = std::process::id().wrapping_mul(7919);
    (0..COUNT)
        .find_map(|_| {
            let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
            let port = u16::try_from(FIRST + offset).ok()?;
            TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(port)
        })
        .context("no port is free")
}
