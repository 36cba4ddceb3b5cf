//! Numbers (RFC 8259, 6): whole ones exactly as far as 64 bits go, all others as the nearest double.

use serde_json::Number;

use super::reader::{Reader, Wrong};

impl Reader<'_> {
    pub(super) fn number(&mut self) -> Result<Number, Wrong> {
        let start = self.place();
        let is_negative = self.peek() == Some(b'-');
        self.skip(usize::from(is_negative));
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits()?;
        if leading_zero && digits > 1 {
            return Err(Wrong::Expected("a number with a leading zero"));
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
        let text = self.since(start);
        let whole = match (is_whole, is_negative) {
            (true, false) => text.parse().ok().map(|whole: u64| Number::from(whole)),
            // There is no whole negative zero.
            (true, true) => text.parse().ok().filter(|whole| *whole != 0).map(|whole: i64| Number::from(whole)),
            (false, _) => None,
        };
        let number = whole.or_else(|| text.parse().ok().and_then(Number::from_f64));
        number.ok_or(Wrong::Expected("a number out of range"))
    }

    /// At least one digit; how many there are.
    fn digits(&mut self) -> Result<usize, Wrong> {
        let rest = self.rest();
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        self.skip(digits);
        if digits == 0 { Err(Wrong::Expected("expected a digit")) } else { Ok(digits) }
    }
}
