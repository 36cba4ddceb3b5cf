//! What processes have used, as Linux counts it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// The time that a process has spent on processors: nanoseconds of every thread that it has now.
///
/// # Errors
/// The process is gone, or the kernel does not count.
pub(crate) fn used(process: u32) -> Result<Duration> {
    let mut sum = 0_u64;
    for thread in fs::read_dir(format!("/proc/{process}/task")).context("cannot list the threads of a process")? {
        // A thread may end while it is looked at; those that are measured do not.
        let Ok(line) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        let nanos: u64 =
            line.split(' ').next().unwrap_or_default().parse().context("schedstat begins with a number")?;
        sum += nanos;
    }
    Ok(Duration::from_nanos(sum))
}

/// The processor's name.
pub(crate) fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name));
    name.unwrap_or("an unknown processor").trim().to_owned()
}
/// The memory that a process holds, in bytes (`VmRSS`).
///
/// # Errors
/// The process is gone.
pub(crate) fn resident(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).context("cannot read a process's status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().context("VmRSS is in kB")?;
    Ok(kilobytes * 1024)
}
