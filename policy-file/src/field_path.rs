//! Where in the document a value stands: `parents[0].organizations[1].hosts[0]`.

use std::fmt;
use std::rc::Rc;

/// A way from the document's root; cheap to extend and to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldPath<'d>(Option<Rc<Step<'d>>>);

#[derive(Debug)]
struct Step<'d> {
    above: FieldPath<'d>,
    segment: Segment<'d>,
}

/// One step down.
#[derive(Clone, Copy, Debug)]
pub(super) enum Segment<'d> {
    /// To a list's item.
    Item(usize),
    /// To an object's member.
    Member(&'d str),
}

impl<'d> FieldPath<'d> {
    /// The path of what stands below.
    pub(super) fn below(&self, segment: Segment<'d>) -> Self {
        Self(Some(Rc::new(Step { above: self.clone(), segment })))
    }

    /// The steps from the root.
    pub(super) fn segments(&self) -> Vec<Segment<'d>> {
        let mut segments = Vec::new();
        let mut at = self;
        while let Some(step) = &at.0 {
            segments.push(step.segment);
            at = &step.above;
        }
        segments.reverse();
        segments
    }
}

impl fmt::Display for FieldPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, segment) in self.segments().into_iter().enumerate() {
            match segment {
                Segment::Item(index) => write!(f, "[{index}]")?,
                Segment::Member(name) if !is_plain(name) => write!(f, "[\"{}\"]", shortened(name))?,
                Segment::Member(name) if depth == 0 => f.write_str(name)?,
                Segment::Member(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

/// A value of the document as it may stand in a message: escaped and shortened.
pub fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    let mut short: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}

fn is_plain(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}
