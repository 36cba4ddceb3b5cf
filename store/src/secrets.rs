//! The store's bearer secrets: read from the environment once, kept as hashes, compared in constant time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use usher_policy::Policy;
use usher_policy::id::ParentId;

use crate::audit::Actor;

/// The variable that holds the administrator's token where the policy names none (design §6).
pub const ADMIN_TOKEN_ENV: &str = "USHER_ADMIN_TOKEN";

/// The shortest secret that is accepted, in bytes (design §6).
pub const MIN_SECRET_LEN: usize = 16;

/// What is put behind a variable's name for the secret that was in it before: both open the same while a secret is rotated.
pub const PREVIOUS_SUFFIX: &str = "_PREVIOUS";

/// What each bearer token opens. The secrets themselves are not kept.
#[derive(Debug)]
pub struct Secrets {
    filter: Vec<Token<()>>,
    admins: Vec<Token<Arc<Administrator>>>,
    directories: Vec<Token<ParentId>>,
}

/// A token that opens something.
#[derive(Debug)]
struct Token<Of> {
    hash: SecretHash,
    of: Of,
    /// Whether it was used since it was read.
    used: AtomicBool,
}

/// Whose token something is, and whether it is used for the first time since it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Presented<Of> {
    pub(crate) of: Of,
    pub(crate) is_first: bool,
}

/// Who an admin token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Administrator {
    /// The name that logs show.
    pub(crate) name: String,
    /// The parents whose organizations they may see; `None` is all.
    pub(crate) parents: Option<Vec<ParentId>>,
}

impl Administrator {
    /// Whether they may see this parent's organizations.
    pub(crate) fn may_see(&self, parent: &ParentId) -> bool {
        self.parents.as_ref().is_none_or(|parents| parents.contains(parent))
    }
}

impl Secrets {
    /// Reads every secret that the policy calls for: the filter's, the administrators', the directories'.
    ///
    /// `USHER_ADMIN_TOKEN` must be set where the policy has no `admin_tokens`, and may be set where it has some. Next to each
    /// variable there may be another with [`PREVIOUS_SUFFIX`], whose secret opens the same. Empty is as good as not set.
    ///
    /// # Errors
    /// Every variable that is not set, empty, shorter than 16 bytes, or equal to another; never a value.
    pub fn from_env(policy: &Policy, variable: impl Fn(&str) -> Option<String>) -> Result<Self, SecretsError> {
        let mut reader = Reader { variable, seen: Vec::new(), faults: Vec::new() };

        let filter = reader.required(&policy.store.token_env);
        let mut admins = Vec::new();
        for token in &policy.admin_tokens {
            let administrator = Administrator { name: token.name.clone(), parents: token.parents.clone() };
            let administrator = Arc::new(administrator);
            let accepted = reader.required(&token.token_env);
            admins.extend(accepted.into_iter().map(|hash| Token::new(hash, Arc::clone(&administrator))));
        }
        if policy.admin_tokens.is_empty() || reader.value(ADMIN_TOKEN_ENV).is_some() {
            let administrator = Arc::new(Administrator { name: "admin".to_owned(), parents: None });
            let accepted = reader.required(ADMIN_TOKEN_ENV);
            admins.extend(accepted.into_iter().map(|hash| Token::new(hash, Arc::clone(&administrator))));
        }
        let mut directories = Vec::new();
        for parent in &policy.parents {
            let token_env = parent.directory.as_ref().filter(|directory| directory.scim);
            if let Some(name) = token_env.and_then(|directory| directory.token_env.as_ref()) {
                let accepted = reader.required(name);
                directories.extend(accepted.into_iter().map(|hash| Token::new(hash, parent.id.clone())));
            }
        }

        match reader.faults.as_slice() {
            [] => {
                Ok(Self { filter: filter.into_iter().map(|hash| Token::new(hash, ())).collect(), admins, directories })
            }
            _ => Err(SecretsError { faults: reader.faults }),
        }
    }

    /// Whether this token is the filter's.
    pub(crate) fn filter(&self, token: &[u8]) -> Option<Presented<()>> {
        used(find(&self.filter, token))
    }

    /// The parent whose directory's token this is.
    pub(crate) fn directory(&self, token: &[u8]) -> Option<Presented<ParentId>> {
        used(find(&self.directories, token))
    }

    /// The administrator whose token this is.
    pub(crate) fn administrator(&self, token: &[u8]) -> Option<Presented<Arc<Administrator>>> {
        used(find(&self.admins, token))
    }

    /// Whose token this is, of whatever kind; it is not used.
    pub(crate) fn holder(&self, token: &[u8]) -> Option<Actor> {
        let filter = find(&self.filter, token).map(|_| Actor::Filter);
        let administrator = find(&self.admins, token).map(|token| Actor::Administrator(token.of.name.clone()));
        let directory = find(&self.directories, token).map(|token| Actor::Directory(token.of.clone()));
        filter.or(administrator).or(directory)
    }
}

impl<Of> Token<Of> {
    fn new(hash: SecretHash, of: Of) -> Self {
        Self { hash, of, used: AtomicBool::new(false) }
    }
}

/// The one of these tokens that this is. Every one is compared, so time tells nothing.
fn find<'a, Of>(tokens: &'a [Token<Of>], token: &[u8]) -> Option<&'a Token<Of>> {
    let hash = SecretHash::of(token);
    let mut found = None;
    for known in tokens {
        if known.hash.matches(&hash).into() {
            found = Some(known);
        }
    }
    found
}

fn used<Of: Clone>(token: Option<&Token<Of>>) -> Option<Presented<Of>> {
    // Read first: that it was used is known nearly always, and then nobody waits for the others.
    token.map(|token| Presented {
        of: token.of.clone(),
        is_first: !token.used.load(Ordering::Relaxed) && !token.used.swap(true, Ordering::Relaxed),
    })
}

/// Why the secrets cannot be used: what is wrong with each variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretsError {
    faults: Vec<Fault>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    Equal(String, String),
    Missing(String),
    Short(String),
}

impl std::error::Error for SecretsError {}

impl fmt::Display for SecretsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("secrets from the environment: ")?;
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            match fault {
                Fault::Equal(first, second) => write!(f, "`{first}` and `{second}` are equal, each needs its own")?,
                Fault::Missing(name) => {
                    write!(f, "`{name}` is not set or empty, it needs a secret of at least {MIN_SECRET_LEN} bytes")?
                }
                Fault::Short(name) => write!(f, "`{name}` is shorter than {MIN_SECRET_LEN} bytes")?,
            }
        }
        f.write_str(" (`openssl rand -hex 32` makes one)")
    }
}

struct Reader<F> {
    variable: F,
    seen: Vec<(String, SecretHash)>,
    faults: Vec<Fault>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    /// The secret of a variable and, where there is one, the secret that it had before.
    fn required(&mut self, name: &str) -> Vec<SecretHash> {
        let mut accepted = Vec::new();
        match self.value(name) {
            Some(value) => accepted.extend(self.secret(name, &value)),
            None => self.fault(Fault::Missing(name.to_owned())),
        }
        let previous = format!("{name}{PREVIOUS_SUFFIX}");
        if let Some(value) = self.value(&previous) {
            accepted.extend(self.secret(&previous, &value));
        }
        accepted
    }

    fn value(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn secret(&mut self, name: &str, value: &str) -> Option<SecretHash> {
        if value.len() < MIN_SECRET_LEN {
            self.fault(Fault::Short(name.to_owned()));
            return None;
        }
        let hash = SecretHash::of(value.as_bytes());
        // The same variable named twice is one secret for two things, too.
        let equal = self.seen.iter().find(|(_, known)| known.matches(&hash).into()).map(|(other, _)| other.clone());
        if let Some(other) = equal {
            self.fault(Fault::Equal(other, name.to_owned()));
        }
        self.seen.push((name.to_owned(), hash.clone()));
        Some(hash)
    }

    fn fault(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

/// SHA-256 of a secret: one length for all, and nothing to steal from memory.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a secret, or of what somebody presents as one.
    pub(crate) fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    fn matches(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
