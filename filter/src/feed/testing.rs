//! For tests: shared data without a host, and a store's history as its feed tells it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use serde_json::{Value, json};

use super::Shared;

/// What the workers of one process share.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    values: RefCell<HashMap<String, (Vec<u8>, u32)>>,
    /// So many changes of the head are refused from now on, as if the worker had died before them.
    pub(crate) refuse_heads: Cell<u32>,
}

impl Memory {
    /// The key and value of everything that is shared.
    pub(crate) fn all(&self) -> Vec<(String, Vec<u8>)> {
        self.values.borrow().iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    }
}

impl Shared for Memory {
    fn read(&self, key: &str) -> Option<(Vec<u8>, u32)> {
        self.values.borrow().get(key).cloned()
    }

    fn set(&self, key: &str, value: &[u8], cas: Option<u32>) -> bool {
        if key.contains("head") && self.refuse_heads.get() > 0 {
            self.refuse_heads.set(self.refuse_heads.get() - 1);
            return false;
        }
        let known = self.values.borrow().get(key).map(|(_, cas)| *cas);
        known == cas && self.overwrite(key, value)
    }

    fn overwrite(&self, key: &str, value: &[u8]) -> bool {
        let mut values = self.values.borrow_mut();
        let cas = values.get(key).map_or(1, |(_, cas)| cas + 1);
        values.insert(key.to_owned(), (value.to_vec(), cas));
        true
    }
}

/// A store's history: members change one after another.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    changes: Vec<(u32, String, Option<String>)>,
    marks: u32,
    forgotten: usize,
}

impl History {
    /// A member has this role from now on, or is no more.
    pub(crate) fn write(&mut self, member: &str, role: Option<&str>) {
        self.marks += 1;
        self.changes.push((self.marks, member.to_owned(), role.map(str::to_owned)));
    }

    /// Goes back to what was true before: the database was restored.
    pub(crate) fn restore(&mut self, number: usize) {
        self.changes.truncate(number.max(self.forgotten));
    }

    /// Forgets its oldest changes.
    pub(crate) fn forget(&mut self, up_to: usize) {
        self.forgotten = up_to.min(self.changes.len());
    }

    /// How many changes there were.
    pub(crate) fn number(&self) -> usize {
        self.changes.len()
    }

    /// A member's role; `None` for who is none.
    pub(crate) fn role(&self, member: &str) -> Option<&str> {
        self.changes.iter().rev().find(|change| change.1 == member).and_then(|change| change.2.as_deref())
    }

    /// Where it stands.
    pub(crate) fn position(&self) -> String {
        self.at(self.changes.len())
    }

    /// The answer to a poll.
    pub(crate) fn poll(&self, path: &str) -> (u16, Vec<u8>) {
        let query = path.strip_prefix("/v1/changes?after=").unwrap();
        let after = query.split('&').next().unwrap();
        let number: usize = after.rsplit('-').next().unwrap().parse().unwrap();
        if number < self.forgotten || number > self.changes.len() || self.at(number) != after {
            return (410, Vec::new());
        }
        let changes: Vec<Value> = (number + 1..=self.changes.len().min(number + 3)).map(|at| self.change(at)).collect();
        let position = self.at(number + changes.len());
        (200, json!({"changes": changes, "position": position}).to_string().into_bytes())
    }

    fn change(&self, at: usize) -> Value {
        let (_, member, role) = &self.changes[at - 1];
        let status = if role.is_some() { "active" } else { "removed" };
        let seat_tier = role.as_ref().map(|_| "standard");
        json!({
            "position": self.at(at), "organization": "acme-chat", "member": member, "status": status, "role": role,
            "seat_tier": seat_tier,
        })
    }

    fn at(&self, number: usize) -> String {
        let mark = number.checked_sub(1).map_or(0, |at| self.changes[at].0);
        format!("d-{mark}-{number}")
    }
}
