//! What takes out each protection. Where nothing stands in the way because a thing cannot be said at all, the change says it.

mod assertions;
mod edge;
mod sessions;
mod store;

use super::Protection;

/// Every protection, in the order of the page.
pub(super) fn all() -> impl Iterator<Item = &'static Protection> {
    [assertions::ASSERTIONS, edge::EDGE, sessions::SESSIONS, store::STORE].into_iter().flatten()
}
