//! The product behind Envoy: it answers with what it saw.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::http::{Request, Response};
use crate::server::Server;

/// Starts it.
///
/// # Errors
/// No port is free.
pub fn start() -> Result<Server> {
    Server::start(|request: &Request| {
        let headers: Vec<Value> = request
            .headers
            .iter()
            .map(|(name, value)| json!([String::from_utf8_lossy(name), String::from_utf8_lossy(value)]))
            .collect();
        let path = String::from_utf8_lossy(&request.target).into_owned();
        let mut response = Response::json(200, &json!({"method": request.method, "path": path, "headers": headers}));
        response.headers.push(("x-upstream".to_owned(), b"saw it".to_vec()));
        response
    })
}

/// The headers that the upstream saw; `None` where the request never came so far.
///
/// # Errors
/// The answer is not the upstream's after all.
pub fn saw(response: &Response) -> Result<Option<Vec<(String, String)>>> {
    if response.first("x-upstream").is_none() {
        return Ok(None);
    }
    let body = response.body_json()?;
    let headers = body.get("headers").context("the upstream tells headers")?;
    Ok(Some(serde_json::from_value(headers.clone())?))
}
