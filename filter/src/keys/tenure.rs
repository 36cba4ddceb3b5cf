//! How long it stands what a key set has verified.

use std::cell::Cell;
use std::rc::Rc;

/// Begins with a key set, or when its provider has withdrawn a key, and ends when it withdraws the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tenure {
    has_ended: Rc<Cell<bool>>,
}

impl Tenure {
    /// Whatever was verified in it is to be verified again.
    pub(crate) fn end(&self) {
        self.has_ended.set(true);
    }

    /// Whether it has.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.get()
    }
}
