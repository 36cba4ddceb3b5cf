//! Reading a document field by field: what is wrong is recorded with its path, and reading goes on.

use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::Hash;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::Fault;
use super::field_path::{FieldPath, Segment, quoted};
use super::suggest;

/// What was asked for could not be had, and the fault that says why is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Recorded(());

/// The faults found so far.
pub(super) struct Faults<'l> {
    line_of: &'l dyn Fn(&FieldPath<'_>) -> Option<usize>,
    list: RefCell<Vec<Fault>>,
}

impl<'l> Faults<'l> {
    /// None yet; `line_of` knows where in the text a field stands.
    pub(super) fn new(line_of: &'l dyn Fn(&FieldPath<'_>) -> Option<usize>) -> Self {
        Self { line_of, list: RefCell::default() }
    }

    /// The faults, in the order in which they were found.
    pub(super) fn take(&self) -> Vec<Fault> {
        self.list.take()
    }

    fn record(&self, path: &FieldPath<'_>, message: String) -> Recorded {
        let fault = Fault { path: path.to_string(), line: (self.line_of)(path), message };
        self.list.borrow_mut().push(fault);
        Recorded(())
    }
}

/// A value of the document and where it stands.
#[derive(Clone)]
pub struct Node<'d> {
    value: &'d Value,
    path: FieldPath<'d>,
    faults: &'d Faults<'d>,
}

impl<'d> Node<'d> {
    /// The whole document.
    pub(super) fn root(value: &'d Value, faults: &'d Faults<'d>) -> Self {
        Self { value, path: FieldPath::default(), faults }
    }

    /// Where it stands.
    pub(super) fn path(&self) -> &FieldPath<'d> {
        &self.path
    }

    /// The line it stands on, from 1, where it is known.
    pub fn line(&self) -> Option<usize> {
        (self.faults.line_of)(&self.path)
    }

    /// The value itself, for what has its own reader.
    pub fn value(&self) -> &'d Value {
        self.value
    }

    /// Records what is wrong with it.
    pub fn fault(&self, message: impl Into<String>) -> Recorded {
        self.faults.record(&self.path, message.into())
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        self.value.is_object()
    }

    /// Whether it is text.
    pub fn is_text(&self) -> bool {
        self.value.is_string()
    }

    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// Text of 1 to `most` bytes without control characters.
    pub fn text(&self, most: usize) -> Result<&'d str, Recorded> {
        let Value::String(text) = self.value else {
            let hint = match self.value {
                Value::Number(_) | Value::Bool(_) => ": put it in quotes",
                _ => "",
            };
            return Err(self.fault(format!("expected text, found {}{hint}", kind(self.value))));
        };
        if text.is_empty() {
            return Err(self.fault("empty text"));
        }
        if text.len() > most {
            return Err(self.fault(format!("{} bytes long: at most {most} are allowed", text.len())));
        }
        if text.chars().any(char::is_control) {
            return Err(self.fault(format!("{} has a control character", quoted(text))));
        }
        Ok(text)
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Result<bool, Recorded> {
        self.value
            .as_bool()
            .ok_or_else(|| self.fault(format!("expected `true` or `false`, found {}", kind(self.value))))
    }

    /// A whole number within the range.
    pub fn whole(&self, range: RangeInclusive<u32>) -> Result<u32, Recorded> {
        let number = self.value.as_u64().and_then(|number| u32::try_from(number).ok());
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            let found = match self.value {
                Value::Number(number) => format!("`{number}`"),
                other => kind(other).to_owned(),
            };
            self.fault(format!("expected a whole number from {} to {}, found {found}", range.start(), range.end()))
        })
    }

    /// One of a few words, each with its meaning.
    pub fn choice<T: Clone>(&self, what: &str, choices: &[(&str, T)]) -> Result<T, Recorded> {
        let text = self.text(256)?;
        match choices.iter().find(|(name, _)| *name == text) {
            Some((_, meaning)) => Ok(meaning.clone()),
            None => {
                let names = listed(choices.iter().map(|(name, _)| *name));
                Err(self.fault(format!("unknown {what} {}. Write {names}", quoted(text))))
            }
        }
    }

    /// A list with so many items, each read; all are read even where one has a fault.
    pub fn list<T>(
        &self,
        lengths: RangeInclusive<usize>,
        mut read: impl FnMut(&Self) -> Result<T, Recorded>,
    ) -> Result<Vec<T>, Recorded> {
        let Value::Array(items) = self.value else {
            return Err(self.fault(format!("expected a list, found {}", kind(self.value))));
        };
        let fits = self.counted(items.len(), lengths);
        let read_all: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let path = self.path.below(Segment::Item(index));
                read(&Self { value, path, faults: self.faults })
            })
            .collect();
        fits?;
        read_all.into_iter().collect()
    }

    /// A list in which nothing stands twice.
    pub fn distinct<T: Clone + Eq + Hash>(
        &self,
        lengths: RangeInclusive<usize>,
        mut read: impl FnMut(&Self) -> Result<T, Recorded>,
    ) -> Result<Vec<T>, Recorded> {
        let mut seen = HashSet::new();
        self.list(lengths, |item| {
            let value = read(item)?;
            if !seen.insert(value.clone()) {
                return Err(item.fault("is repeated"));
            }
            Ok(value)
        })
    }

    /// The members of an object whose names the file chooses, such as the tiers in `caps`.
    pub fn members(&self, lengths: RangeInclusive<usize>) -> Result<Vec<(&'d str, Self)>, Recorded> {
        let members = self.map()?;
        self.counted(members.len(), lengths)?;
        let member = |(name, value): (&'d String, &'d Value)| {
            let path = self.path.below(Segment::Member(name));
            (name.as_str(), Self { value, path, faults: self.faults })
        };
        Ok(members.iter().map(member).collect())
    }

    /// An object with known fields; every field that `read` did not ask for is a fault.
    pub fn object<T>(&self, read: impl FnOnce(&mut Fields<'d>) -> Result<T, Recorded>) -> Result<T, Recorded> {
        let mut fields = Fields { node: self.clone(), members: self.map()?, known: Vec::new() };
        let result = read(&mut fields);
        fields.refuse_unknown()?;
        result
    }

    fn map(&self) -> Result<&'d Map<String, Value>, Recorded> {
        match self.value {
            Value::Object(members) => Ok(members),
            other => Err(self.fault(format!("expected fields (`name: value`), found {}", kind(other)))),
        }
    }

    fn counted(&self, count: usize, lengths: RangeInclusive<usize>) -> Result<(), Recorded> {
        if count < *lengths.start() {
            return Err(self.fault("must not be empty"));
        }
        if count > *lengths.end() {
            return Err(self.fault(format!("{count} entries: at most {} are allowed", lengths.end())));
        }
        Ok(())
    }
}

/// The fields of one object, while it is read.
pub struct Fields<'d> {
    node: Node<'d>,
    members: &'d Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'d> Fields<'d> {
    /// A field that must be there; `example` is what a fault proposes for it.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        example: &str,
        read: impl FnOnce(&Node<'d>) -> Result<T, Recorded>,
    ) -> Result<T, Recorded> {
        match self.field(name) {
            Some(node) => read(&node),
            None => Err(self.fault(name, format!("missing. Write for example `{name}: {example}`"))),
        }
    }

    /// A field that may be left out.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Node<'d>) -> Result<T, Recorded>,
    ) -> Result<Option<T>, Recorded> {
        self.field(name).map(|node| read(&node)).transpose()
    }

    /// A field with a default.
    pub fn or<T>(
        &mut self,
        name: &'static str,
        default: T,
        read: impl FnOnce(&Node<'d>) -> Result<T, Recorded>,
    ) -> Result<T, Recorded> {
        Ok(self.optional(name, read)?.unwrap_or(default))
    }

    /// The field, if it is there. An empty one (`null`) is read, and so a fault.
    pub fn field(&mut self, name: &'static str) -> Option<Node<'d>> {
        self.known.push(name);
        let value = self.members.get(name)?;
        Some(Node { value, path: self.node.path.below(Segment::Member(name)), faults: self.node.faults })
    }

    /// Records what is wrong with a field, be it there or not.
    pub fn fault(&self, name: &'static str, message: impl Into<String>) -> Recorded {
        self.node.faults.record(&self.path(name), message.into())
    }

    /// Where the field stands, or would.
    pub(super) fn path(&self, name: &'static str) -> FieldPath<'d> {
        self.node.path.below(Segment::Member(name))
    }

    /// The object itself.
    pub fn node(&self) -> &Node<'d> {
        &self.node
    }

    fn refuse_unknown(&self) -> Result<(), Recorded> {
        let mut outcome = Ok(());
        for name in self.members.keys().filter(|name| !self.known.contains(&name.as_str())) {
            let hint = match suggest::closest(name, &self.known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known here: {}", listed(self.known.iter().copied())),
            };
            let path = self.node.path.below(Segment::Member(name));
            let message = format!("unknown field {}: {hint}", quoted(name));
            outcome = Err(self.node.faults.record(&path, message));
        }
        outcome
    }
}

/// Names in a sentence: `` `a`, `b` ``, and no more than twenty of them.
pub fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 20;
    let mut names: Vec<String> = names.take(MOST + 1).map(quoted).collect();
    match names.len() {
        0 => "nothing".to_owned(),
        count => {
            if count > MOST {
                names.truncate(MOST);
                names.push("…".to_owned());
            }
            names.join(", ")
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing (null)",
        Value::Bool(true) => "`true`",
        Value::Bool(false) => "`false`",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "fields",
    }
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn at_most_twenty_names_are_listed() {
        let names = |count: usize| listed(std::iter::repeat_n("a", count));
        assert_eq!((names(0).as_str(), names(1).as_str(), names(2).as_str()), ("nothing", "`a`", "`a`, `a`"));
        assert_eq!(names(20), vec!["`a`"; 20].join(", "));
        assert_eq!(names(21), format!("{}, …", names(20)));
        assert_eq!(names(30), names(21));
    }

    #[test]
    fn a_list_has_at_most_so_many_entries() {
        let taken = |count: usize| {
            let list = serde_json::json!(vec!["a"; count]);
            crate::read(&list, &|_| None, |node| node.list(1..=3, |node| node.text(9).map(str::to_owned))).is_ok()
        };
        assert_eq!([taken(0), taken(1), taken(3), taken(4)], [false, true, true, false]);
    }
}
