//! From text to filter: the grammar of RFC 7644, figure 1, with bounded length, depth and number.

use super::{Comparison, Filter, Literal, MAX_COMPARISONS, MAX_DEPTH, MAX_LENGTH, Operator};
use crate::scim::attribute_path::{AttributePath, Named};
use crate::scim::cursor::Cursor;
use crate::scim::error::ScimError;
use crate::scim::resource::ResourceType;
use crate::scim::schema::Kind;
use crate::scim::time::Moment;

impl Filter {
    /// Reads a filter on resources of this type.
    ///
    /// # Errors
    /// `invalidFilter`, with what is wrong.
    pub(crate) fn parse(kind: ResourceType, text: &str) -> Result<Self, ScimError> {
        if text.len() > MAX_LENGTH {
            return Err(ScimError::invalid_filter(format!("the filter is longer than {MAX_LENGTH} bytes")));
        }
        let mut parser = Parser::new(Cursor::new(text), kind);
        parser.cursor.blanks();
        let filter = parser.either(Scope::Resource, 0)?;
        parser.cursor.blanks();
        if parser.cursor.is_at_end() { Ok(filter) } else { Err(fault("there is more after its end")) }
    }

    /// Reads `filter]` from a path or a filter, after `attribute[`; gives what follows the bracket.
    ///
    /// # Errors
    /// `invalidFilter`, with what is wrong.
    pub(crate) fn parse_inner<'a>(
        kind: ResourceType,
        of: AttributePath,
        cursor: Cursor<'a>,
    ) -> Result<(Self, Cursor<'a>), ScimError> {
        let mut parser = Parser::new(cursor, kind);
        let filter = parser.bracketed(of, 0)?;
        Ok((filter, parser.cursor))
    }
}

/// Whose attributes the names mean.
#[derive(Clone, Copy)]
enum Scope {
    Resource,
    ValueOf(AttributePath),
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    kind: ResourceType,
    comparisons: usize,
}

impl<'a> Parser<'a> {
    fn new(cursor: Cursor<'a>, kind: ResourceType) -> Self {
        Self { cursor, kind, comparisons: 0 }
    }

    /// `a or b or c`: binds weakest.
    fn either(&mut self, scope: Scope, depth: usize) -> Result<Filter, ScimError> {
        let mut filters = vec![self.both(scope, depth)?];
        while self.joined_by("or") {
            filters.push(self.both(scope, depth)?);
        }
        Ok(single_or(filters, Filter::Or))
    }

    /// `a and b and c`.
    fn both(&mut self, scope: Scope, depth: usize) -> Result<Filter, ScimError> {
        let mut filters = vec![self.one(scope, depth)?];
        while self.joined_by("and") {
            filters.push(self.one(scope, depth)?);
        }
        Ok(single_or(filters, Filter::And))
    }

    /// ` and `, ` or `, and passes it.
    fn joined_by(&mut self, word: &str) -> bool {
        let mut ahead = self.cursor.clone();
        ahead.blanks();
        if !ahead.word(word) {
            return false;
        }
        // A blank or a parenthesis ends the word.
        if !ahead.blanks() && ahead.peek() != Some('(') {
            return false;
        }
        self.cursor = ahead;
        true
    }

    fn one(&mut self, scope: Scope, depth: usize) -> Result<Filter, ScimError> {
        if self.cursor.take('(') {
            return self.parenthesized(scope, depth);
        }
        let mut ahead = self.cursor.clone();
        if ahead.word("not") {
            ahead.blanks();
            if ahead.take('(') {
                self.cursor = ahead;
                return Ok(Filter::Not(Box::new(self.parenthesized(scope, depth)?)));
            }
        }
        self.condition(scope, depth)
    }

    fn parenthesized(&mut self, scope: Scope, depth: usize) -> Result<Filter, ScimError> {
        let depth = deeper(depth)?;
        self.cursor.blanks();
        let filter = self.either(scope, depth)?;
        self.cursor.blanks();
        if self.cursor.take(')') { Ok(filter) } else { Err(fault("a parenthesis is not closed")) }
    }

    fn bracketed(&mut self, of: AttributePath, depth: usize) -> Result<Filter, ScimError> {
        let depth = deeper(depth)?;
        self.cursor.blanks();
        let filter = self.either(Scope::ValueOf(of), depth)?;
        self.cursor.blanks();
        if self.cursor.take(']') { Ok(filter) } else { Err(fault("a bracket is not closed")) }
    }

    /// An attribute with what is asked of it.
    fn condition(&mut self, scope: Scope, depth: usize) -> Result<Filter, ScimError> {
        self.comparisons += 1;
        if self.comparisons > MAX_COMPARISONS {
            return Err(fault(&format!("it has more than {MAX_COMPARISONS} comparisons")));
        }
        let path = self.attribute(scope)?;
        if !self.cursor.take('[') {
            return self.comparison(path);
        }
        if matches!(scope, Scope::ValueOf(_)) || path.sub.is_some() || path.attribute.kind != Kind::Complex {
            return Err(fault("only a complex attribute of the resource can have a filter in brackets"));
        }
        let inner = self.bracketed(path, depth)?;
        if !self.cursor.take('.') {
            return Ok(Filter::Values(path, Box::new(inner)));
        }
        // `emails[type eq "work"].value eq "x"` is not in the RFC's grammar, but Entra asks so.
        let sub = self.attribute(Scope::ValueOf(path))?;
        let comparison = self.comparison(sub)?;
        Ok(Filter::Values(path, Box::new(Filter::And(vec![inner, comparison]))))
    }

    fn attribute(&mut self, scope: Scope) -> Result<AttributePath, ScimError> {
        let name = self.cursor.while_some(is_name);
        match scope {
            Scope::Resource => match AttributePath::resolve(self.kind, name) {
                Some(Named::Attribute(path)) => Ok(path),
                _ => Err(fault("it names an attribute that the resource does not have")),
            },
            Scope::ValueOf(of) => match of.attribute.sub_attribute(name) {
                Some(sub) => Ok(AttributePath { sub: Some(sub), ..of }),
                None => Err(fault("it names a part that the attribute does not have")),
            },
        }
    }

    fn comparison(&mut self, path: AttributePath) -> Result<Filter, ScimError> {
        if !self.cursor.blanks() {
            return Err(fault("after an attribute comes a blank and an operator"));
        }
        let name = self.cursor.while_some(|c| c.is_ascii_alphabetic());
        if name.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let operator = Operator::named(name).ok_or_else(|| fault("it has an unknown operator"))?;
        if !self.cursor.blanks() {
            return Err(fault("after an operator comes a blank and a value"));
        }
        let literal = self.literal()?;
        let path = path.leaf().ok_or_else(|| fault("a complex attribute without `value` cannot be compared"))?;
        let literal = typed(path.last().kind, operator, literal)?;
        Ok(Filter::Compare(Comparison { path, operator, literal }))
    }

    fn literal(&mut self) -> Result<Literal, ScimError> {
        if self.cursor.peek() == Some('"') {
            let text = self.cursor.json_string().ok_or_else(|| fault("a value is not a JSON string"))?;
            return Ok(Literal::Text(text));
        }
        match self.cursor.while_some(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '+') {
            word if word.eq_ignore_ascii_case("true") => Ok(Literal::Boolean(true)),
            word if word.eq_ignore_ascii_case("false") => Ok(Literal::Boolean(false)),
            word if word.eq_ignore_ascii_case("null") => Ok(Literal::Null),
            _ => Err(fault("a value is a string in double quotes, `true`, `false` or `null`")),
        }
    }
}

impl Operator {
    fn named(name: &str) -> Option<Self> {
        let all = [
            ("co", Self::Co),
            ("eq", Self::Eq),
            ("ew", Self::Ew),
            ("ge", Self::Ge),
            ("gt", Self::Gt),
            ("le", Self::Le),
            ("lt", Self::Lt),
            ("ne", Self::Ne),
            ("sw", Self::Sw),
        ];
        all.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, operator)| operator)
    }
}

/// The literal as the attribute's type has it.
fn typed(kind: Kind, operator: Operator, literal: Literal) -> Result<Literal, ScimError> {
    let equality = matches!(operator, Operator::Eq | Operator::Ne);
    match (kind, literal) {
        (_, Literal::Null) if equality => Ok(Literal::Null),
        // "Boolean and Binary attributes SHALL cause a failed response (HTTP status code 400) with invalidFilter."
        (Kind::Boolean, Literal::Boolean(value)) if equality => Ok(Literal::Boolean(value)),
        (Kind::Boolean, Literal::Text(text)) if equality => {
            let value = text.to_ascii_lowercase().parse();
            value.map(Literal::Boolean).map_err(|_| fault("a boolean is compared with `true` or `false`"))
        }
        (Kind::DateTime, Literal::Text(text)) if !matches!(operator, Operator::Co | Operator::Sw | Operator::Ew) => {
            let moment = Moment::parse(&text).ok_or_else(|| fault("a time is written as `2026-01-31T23:59:59Z`"))?;
            Ok(Literal::Moment(moment))
        }
        (Kind::Binary, Literal::Text(text)) if equality => Ok(Literal::Text(text)),
        (Kind::String | Kind::Reference, Literal::Text(text)) => Ok(Literal::Text(text)),
        _ => Err(fault("the operator or the value does not fit the attribute's type")),
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$' | ':' | '.')
}

fn deeper(depth: usize) -> Result<usize, ScimError> {
    if depth < MAX_DEPTH { Ok(depth + 1) } else { Err(fault(&format!("it is deeper than {MAX_DEPTH}"))) }
}

fn single_or(mut filters: Vec<Filter>, many: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match (filters.pop(), filters.is_empty()) {
        (Some(single), true) => single,
        (last, _) => {
            filters.extend(last);
            many(filters)
        }
    }
}

fn fault(what: &str) -> ScimError {
    ScimError::invalid_filter(format!("the filter cannot be used: {what}"))
}
