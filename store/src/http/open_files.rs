//! Whether the system lets the store open as many files as it may have connections.

/// What the store opens besides connections from callers: the database, listeners, what the runtime needs.
const OTHERS: usize = 128;

/// How many files this process may open now, if the system says so (Linux).
pub(super) fn limit() -> Option<usize> {
    of(&std::fs::read_to_string("/proc/self/limits").ok()?)
}

/// Warns where connections would be refused before there are as many as the store allows.
pub(super) fn warn_if_few(limit: Option<usize>, connections: usize) {
    if let Some(limit) = limit.filter(|limit| *limit < connections.saturating_add(OTHERS)) {
        tracing::warn!(
            limit,
            connections,
            "the limit on open files is too low for so many connections: raise LimitNOFILE, or `ulimit -n`"
        );
    }
}

/// The soft limit, from a line like `Max open files  1024  524288  files`; what is unlimited needs no limit.
fn of(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{limit, of};

    #[test]
    fn the_soft_limit_counts() {
        let limits = |soft: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units\n\
                 Max processes             95000                95000                processes\n\
                 Max open files            {soft}               524288               files\n"
            )
        };
        assert_eq!(of(&limits("1024")), Some(1024));
        assert_eq!(of(&limits("unlimited")), None);
        assert_eq!(of(""), None);
        assert!(limit().is_none_or(|limit| limit > 0));
    }
}
