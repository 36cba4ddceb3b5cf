//! Numbers (RFC 8259, 6): whole ones exactly as far as 64 bits go, all others as the nearest double.

use serde_json::Number;

use super::document::Node;
use super::reader::{Reader, Stop};

/// So many digits make a number that 64 bits hold, with or without a sign.
const SURELY_WHOLE: usize = 18;

impl Reader<'_> {
    pub(super) fn number(&mut self) -> Result<(), Stop> {
        let start = self.place();
        self.skip(usize::from(self.peek() == Some(b'-')));
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits()?;
        if leading_zero && digits > 1 {
            return self.fail("a number with a leading zero");
        }
        let mut is_whole = true;
        if self.peek() == Some(b'.') {
            is_whole = false;
            self.skip(1);
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            is_whole = false;
            self.skip(1);
            self.skip(usize::from(matches!(self.peek(), Some(b'+' | b'-'))));
            self.digits()?;
        }
        let is_one = (is_whole && digits <= SURELY_WHOLE) || number(self.since(start)).is_some();
        if is_one { self.push(Node::Number(start, self.place())) } else { self.fail("a number out of range") }
    }

    /// At least one digit; how many there are.
    fn digits(&mut self) -> Result<usize, Stop> {
        let rest = self.rest();
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        self.skip(digits);
        if digits == 0 { self.fail("expected a digit") } else { Ok(digits) }
    }
}

/// What a number is that is written as JSON has them; `None` where it is too large even for a double.
pub(super) fn number(text: &str) -> Option<Number> {
    if let Ok(whole) = text.parse::<u64>() {
        return Some(Number::from(whole));
    }
    match text.parse::<i64>() {
        // There is no whole negative zero.
        Ok(whole) if whole != 0 => Some(Number::from(whole)),
        Ok(_) | Err(_) => text.parse().ok().and_then(Number::from_f64),
    }
}
