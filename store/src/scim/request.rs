//! Who asks: a parent's directory, by its token. Nothing else of a request is read before.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, Uri, header};
use usher_policy::id::ParentId;
use usher_policy::model::{Directory, Organization};

use super::change::Failure;
use super::error::{ScimError, ScimErrorKind};
use super::etag::Version;
use crate::audit::{Actor, Cause};
use crate::http::{App, Problem, cause, opened_by, refused, within_rate};
use crate::in_force::InForce;
use crate::membership;
use crate::places::{Place, Places};

/// Whether the client spoke TLS to whatever is in front of the store.
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The path up to the parent's id.
const PREFIX_OF_PARENTS: &str = "/scim/v2/";

/// Most bodies of one directory that are read, or held until it is their turn. What is in them takes many times the room of
/// its text: however many requests a directory sends at once, the store must hold it.
const MAX_BODIES: usize = 4;

/// How much of one directory is done at once.
pub(crate) struct Turns {
    /// Requests with a body, from before it is read until they are answered.
    bodies: Places,
    reads: Places,
    pub(crate) writes: Places,
}

impl Default for Turns {
    fn default() -> Self {
        // Two that write would wait for each other in the database, and hold a connection the while.
        Self { bodies: Places::for_each(MAX_BODIES), reads: Places::for_each(2), writes: Places::for_each(1) }
    }
}

/// A request with the token of the directory that the path names.
pub(crate) struct DirectoryRequest {
    pub(super) app: Arc<App>,
    pub(super) in_force: Arc<InForce>,
    pub(super) parent: ParentId,
    pub(super) directory: Directory,
    /// The directory's address, without a slash at the end: what `location` and `$ref` begin with.
    pub(super) base: String,
    /// For the audit.
    pub(super) cause: Cause,
    if_match: Option<String>,
    if_none_match: Option<String>,
    /// For the body, where there is one.
    _body: Option<Place>,
}

impl DirectoryRequest {
    /// The organizations in which this directory decides.
    pub(super) fn organizations(&self) -> Vec<Arc<Organization>> {
        membership::all_of(self.in_force.policy.organizations_of(&self.parent))
    }

    /// Waits until it is this directory's turn to read. The turn ends when what this gives is dropped.
    ///
    /// # Errors
    /// `policy_replaced`, where another policy came in force meanwhile: by that one it may be another's directory.
    pub(super) async fn turn_to_read(&self) -> Result<Place, Problem> {
        self.turn(&self.app.directories.reads).await
    }

    /// Changes the directory in its turn, which only one request has at a time, until nobody gets in its way.
    ///
    /// # Errors
    /// As for reading, and those of the change.
    pub(super) async fn change<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, Problem>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let _turn = self.turn(&self.app.directories.writes).await?;
        Ok(self.app.memberships.until_settled(attempt).await?)
    }

    async fn turn(&self, places: &Places) -> Result<Place, Problem> {
        let place = a_place(places, &self.parent).await?;
        match Arc::ptr_eq(&self.in_force, &self.app.in_force.now()) {
            true => Ok(place),
            false => Err(Problem::policy_replaced()),
        }
    }

    /// Whether `If-Match` lets this version be changed; without one, every version.
    pub(super) fn may_change(&self, version: Version) -> bool {
        self.if_match.as_ref().is_none_or(|header| version.is_named_by(header))
    }

    /// Whether the client has this version already (`If-None-Match`).
    pub(super) fn is_known(&self, version: Version) -> bool {
        self.if_none_match.as_ref().is_some_and(|header| version.is_named_by(header))
    }
}

impl FromRequestParts<Arc<App>> for DirectoryRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let named = parts.uri.path().strip_prefix(PREFIX_OF_PARENTS).and_then(|path| path.split('/').next());
        let in_force = app.in_force.now();
        let opened = |token| in_force.secrets.directory(token);
        let owner = opened_by(parts, app, &in_force, "directory", opened, |owner| Actor::Directory(owner.clone()))?;
        // Another's token is no token here, and tells nothing about who else there is.
        if named != Some(owner.as_str()) {
            refused(parts, app, &in_force, "directory");
            return Err(Problem::unauthorized());
        }
        within_rate(parts, app)?;
        let parent = in_force.policy.parents.iter().find(|parent| parent.id == owner);
        let directory = parent.and_then(|parent| parent.directory.clone()).ok_or_else(Problem::unauthorized)?;
        let body = match parts.method {
            Method::PATCH | Method::POST | Method::PUT => Some(a_place(&app.directories.bodies, &owner).await?),
            _ => None,
        };
        let base = format!("{}/scim/v2/{owner}", origin(&parts.headers, &parts.uri));
        let joined = |name| {
            let values: Vec<_> = parts.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
            parts.headers.contains_key(name).then(|| values.join(","))
        };
        Ok(Self {
            app: Arc::clone(app),
            parent: owner.clone(),
            directory,
            base,
            cause: cause(parts, Actor::Directory(owner)),
            if_match: joined(&header::IF_MATCH),
            if_none_match: joined(&header::IF_NONE_MATCH),
            _body: body,
            in_force,
        })
    }
}

async fn a_place(places: &Places, parent: &ParentId) -> Result<Place, Problem> {
    places.take(parent).await.map_err(|_| Problem::internal())
}

/// The id in the path. It is text like any other: what is no id is found nowhere.
pub(crate) struct ResourceId(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for ResourceId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| no_such_id())?;
        let id = params.iter().find(|(name, _)| *name == "id").map(|(_, id)| id);
        // PostgreSQL could not even compare a NUL.
        let id = id.filter(|id| !id.contains('\0')).ok_or_else(no_such_id)?;
        Ok(Self(id.to_owned()))
    }
}

fn no_such_id() -> Problem {
    ScimError::new(ScimErrorKind::NotFound, "the directory has nothing with this id").into()
}

/// `https://host` as the client wrote it; nothing where that is not clear. It decides nothing: it is what links begin with
/// in an answer to the same client.
fn origin(headers: &HeaderMap, uri: &Uri) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| uri.authority().map(|authority| authority.as_str()));
    let is_plain = |host: &&str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte))
    };
    let Some(host) = host.filter(is_plain) else { return String::new() };
    let is_tls = headers.get(X_FORWARDED_PROTO).is_some_and(|scheme| scheme == "https");
    format!("{}://{host}", if is_tls { "https" } else { "http" })
}

#[cfg(test)]
mod tests {
    use super::origin;
    use axum::http::{HeaderMap, HeaderValue, Uri, header};

    #[test]
    fn links_begin_with_what_the_client_wrote_if_that_is_a_host() {
        let told = |host: &'static str, scheme: &'static str, uri: &str| {
            let mut headers = HeaderMap::new();
            if !host.is_empty() {
                headers.insert(header::HOST, HeaderValue::from_static(host));
            }
            headers.insert("x-forwarded-proto", HeaderValue::from_static(scheme));
            origin(&headers, &uri.parse::<Uri>().unwrap())
        };
        assert_eq!(told("store:7070", "", "/x"), "http://store:7070");
        assert_eq!(told("scim.acme.example", "https", "/x"), "https://scim.acme.example");
        assert_eq!(told("[::1]:80", "https, http", "/x"), "http://[::1]:80");
        assert_eq!(told("", "", "http://store/x"), "http://store");
        assert_eq!(told("", "", "/x"), "");
        assert_eq!(told("a\"b", "", "/x"), "");
        assert_eq!(told("a/b", "", "/x"), "");
    }
}
