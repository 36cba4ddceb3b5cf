//! A list of members, page after page, until there is no more.

use serde_json::Value;
use ureq::http::Method;

use super::{PAGE, StoreClient, StoreClientError, query_string};

/// Most pages that are read; more is a store that runs in circles.
const MAX_PAGES: usize = 10_000;

/// The pages of a list of members, each asked for when it is wanted.
#[derive(Debug)]
pub(crate) struct MemberPages<'a> {
    client: &'a StoreClient,
    path: String,
    filters: Vec<(&'a str, &'a str)>,
    next: Next,
    left: usize,
}

/// Where a list goes on.
#[derive(Debug)]
enum Next {
    Cursor(String),
    End,
    First,
}

impl<'a> MemberPages<'a> {
    /// All pages of the members at `path` that pass the filters.
    pub(super) fn new(client: &'a StoreClient, path: String, filters: Vec<(&'a str, &'a str)>) -> Self {
        Self { client, path, filters, next: Next::First, left: MAX_PAGES }
    }

    fn page(&mut self, cursor: Option<&str>) -> Result<Vec<Value>, StoreClientError> {
        let mut query = vec![("limit", PAGE)];
        query.extend_from_slice(&self.filters);
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let path = format!("{}?{}", self.path, query_string(&query));
        let mut page = self.client.call(Method::GET, &path, None)?.document;
        let Some(Value::Array(members)) = page.get_mut("members").map(Value::take) else {
            return Err(self.client.misunderstood(&path, 200));
        };
        if let Some(cursor) = page.get("next").and_then(Value::as_str) {
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                return Err(self.client.misunderstood(&path, 200));
            }
            self.next = Next::Cursor(cursor.to_owned());
        }
        Ok(members)
    }
}

impl Iterator for MemberPages<'_> {
    type Item = Result<Vec<Value>, StoreClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        // After an error there is no more.
        match std::mem::replace(&mut self.next, Next::End) {
            Next::Cursor(cursor) => Some(self.page(Some(&cursor))),
            Next::End => None,
            Next::First => Some(self.page(None)),
        }
    }
}
