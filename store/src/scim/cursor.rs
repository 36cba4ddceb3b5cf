//! A place in a text that is being read: the hand tools of the filter's and the path's parser.

/// The rest of a text.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next character, which stays.
    pub(crate) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Passes this character, if it is next.
    pub(crate) fn take(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Passes blanks; whether there were any.
    pub(crate) fn blanks(&mut self) -> bool {
        !self.while_some(|c| c == ' ').is_empty()
    }

    /// Passes as many characters as fit.
    pub(crate) fn while_some(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Passes this word, in any case, if it is next and ends there.
    pub(crate) fn word(&mut self, word: &str) -> bool {
        let mut ahead = self.clone();
        let found = ahead.while_some(|c| c.is_ascii_alphabetic());
        let matches = found.eq_ignore_ascii_case(word);
        if matches {
            *self = ahead;
        }
        matches
    }

    /// Passes a JSON string with its quotes and gives what it says.
    pub(crate) fn json_string(&mut self) -> Option<String> {
        let mut escaped = false;
        let mut end = None;
        for (index, c) in self.rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    end = Some(index + 1);
                    break;
                }
                _ => {}
            }
        }
        let (literal, rest) = self.rest.split_at_checked(end?)?;
        let text = serde_json::from_str(literal).ok()?;
        self.rest = rest;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn words_end_where_letters_end_and_strings_at_their_quote() {
        let mut cursor = Cursor::new("AND andes \"a\\\"ü\" x");
        assert!(cursor.word("and") && cursor.blanks() && !cursor.word("and") && cursor.word("andes"));
        assert!(cursor.blanks() && !cursor.blanks());
        assert_eq!(cursor.json_string().as_deref(), Some("a\"ü"));
        assert!(cursor.blanks() && cursor.take('x') && cursor.is_at_end());
        for unfinished in ["\"", "\"a", "\"\\\"", "\"\\x\"", ""] {
            assert_eq!(Cursor::new(unfinished).json_string(), None, "{unfinished}");
        }
    }
}
