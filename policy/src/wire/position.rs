//! A position of the change feed: one place in one database's history, and to everyone but store and filter an opaque text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One place in one database's history. Numbers order positions only within one database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Position {
    /// Which database, 1 to 64 letters and digits: another one's position is not followed.
    pub database: String,
    /// The mark of the change at this number, 1 to 64 letters and digits: a history that was restored and went on
    /// differently has another.
    pub mark: String,
    /// The place in the order of commits; 0 is before the first change.
    pub number: u64,
}

impl Position {
    /// The longest text of a position, in bytes: two names, two hyphens, 20 digits.
    pub const MAX_LEN: usize = 2 * MAX_NAME + 22;

    /// The mark of the position before the first change.
    pub const NO_MARK: &'static str = "0";
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.database, self.mark, self.number)
    }
}

/// The text is not a position that a store gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no position of the change feed")]
pub struct NoPosition;

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let mut parts = text.split('-');
        let (Some(database), Some(mark), Some(number), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NoPosition);
        };
        // One text for one position: `007` and `+7` are none.
        let canonical = (number == "0" || !number.starts_with('0')) && number.bytes().all(|byte| byte.is_ascii_digit());
        if !is_name(database) || !is_name(mark) || !canonical {
            return Err(NoPosition);
        }
        let number = number.parse().map_err(|_| NoPosition)?;
        Ok(Self { database: database.to_owned(), mark: mark.to_owned(), number })
    }
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.to_string()
    }
}

impl TryFrom<String> for Position {
    type Error = NoPosition;

    fn try_from(text: String) -> Result<Self, NoPosition> {
        text.parse()
    }
}

/// It stands in a URL as it is.
fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::{NoPosition, Position};

    #[test]
    fn a_position_is_read_as_it_was_written() {
        for (text, number) in [("d1-9f-42", 42), ("A-0-0", 0), ("d-m-18446744073709551615", u64::MAX)] {
            let position: Position = text.parse().unwrap();
            assert_eq!((position.number, position.to_string().as_str()), (number, text));
            let json = serde_json::to_string(&position).unwrap();
            assert_eq!(serde_json::from_str::<Position>(&json).unwrap(), position);
        }
        let longest = Position { database: "d".repeat(64), mark: "m".repeat(64), number: u64::MAX }.to_string();
        assert_eq!(longest.len(), Position::MAX_LEN);
        assert!(longest.parse::<Position>().is_ok());
    }

    #[test]
    fn no_other_text_is_a_position() {
        for text in [
            "",
            "42",
            "d-42",
            "d-m-",
            "d-m-042",
            "d-m-00",
            "d-m-+42",
            "d-m--1",
            "d-m-4-2",
            "d-m-4x",
            "-m-4",
            "d--4",
            "d-m-18446744073709551616",
            "d/..-m-4",
            "d&wait=0s-m-4",
            "d m-m-4",
            " d-m-4",
            "d-m-4\n",
            "ü-m-4",
        ] {
            assert_eq!(text.parse::<Position>(), Err(NoPosition), "{text:?}");
            assert!(serde_json::from_str::<Position>(&serde_json::to_string(text).unwrap()).is_err());
        }
        assert_eq!(format!("{}-m-1", "d".repeat(65)).parse::<Position>(), Err(NoPosition));
        assert_eq!(format!("d-{}-1", "m".repeat(65)).parse::<Position>(), Err(NoPosition));
    }
}
