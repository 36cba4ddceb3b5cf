//! One step: what happens, and what must come of it.

use serde_json::Value;
use usher_policy::model::Organization;
use usher_policy_file::{Fields, Node, Recorded, quoted};

use super::beginning::word;
use super::known::{self, Known};
use super::{directory, expected, refuse, text};
use crate::expect::{Expected, OUTCOMES};
use crate::step::{
    Action, Credential, Deed, DirectoryWord, KeyHealth, Login, Neighbours, Request, Step, StoreHealth, Target, Via,
};
use crate::token::{Forgery, KeyRing, Members};

const REQUESTS: [&str; 4] = ["login", "again", "request", "token"];
const NEIGHBOURS: [&str; 2] = ["store", "keys"];

/// Reads one step.
pub(super) fn read(node: &Node<'_>, known: &Known<'_>) -> Result<Step, Recorded> {
    let all = REQUESTS.into_iter().chain(Deed::VERBS).chain(DirectoryWord::VERBS);
    let verbs: Vec<&'static str> = all.filter(|verb| node.value().get(verb).is_some()).collect();
    if let [one, other, ..] = verbs.as_slice() {
        return refuse(node, format!("two actions: `{one}` and `{other}`. A step does one thing"));
    }
    node.object(|fields| {
        let mut expected = Expected::default();
        let line = node.line().unwrap_or_default();
        let step = |action, organization, of, expected| Ok(Step { line, action, organization, of, expected });
        let neighbours = NEIGHBOURS.iter().any(|name| node.value().get(name).is_some());
        let Some(verb) = verbs.first() else {
            let action = if neighbours { self::neighbours(fields) } else { look(fields) };
            let of = expected::after(fields, known, None, &mut expected);
            return step(action?, None, of?, expected);
        };
        let organization = fields.optional("organization", |node| known.organization(node));
        let meant = organization.as_ref().ok().and_then(|named| known.meant(named.as_ref()));
        let action = if REQUESTS.contains(verb) {
            let outcome = expected::outcome(fields, meant, &mut expected);
            request(fields, verb, meant, known).and_then(|request| outcome.map(|()| request))
        } else if DirectoryWord::VERBS.contains(verb) {
            directory::read(fields, verb, meant).map(Action::Directory)
        } else {
            let refused = expected::refused(fields, &mut expected);
            deed(fields, verb).and_then(|deed| refused.map(|()| Action::ByHand(deed)))
        };
        let named = organization.as_ref().ok().and_then(Option::as_ref);
        let of = expected::after(fields, known, named, &mut expected);
        step(action?, organization?, of?, expected)
    })
}

/// A look at members and seats; or a verb that is misspelt.
fn look(fields: &mut Fields<'_>) -> Result<Action, Recorded> {
    const AFTER: [&str; 4] = ["members", "seats", "writes", "of"];
    let names: Vec<String> =
        fields.node().value().as_object().into_iter().flat_map(|step| step.keys().cloned()).collect();
    if names.iter().all(|name| AFTER.contains(&name.as_str())) {
        return match names.is_empty() {
            true => refuse(fields.node(), "an empty step"),
            false => Ok(Action::Look),
        };
    }
    // All that could have been meant, for the fault of what is not known.
    let verbs = REQUESTS.into_iter().chain(Deed::VERBS).chain(DirectoryWord::VERBS);
    for name in verbs.chain(NEIGHBOURS).chain(OUTCOMES) {
        fields.field(name);
    }
    if names.iter().all(|name| OUTCOMES.contains(&name.as_str()) || AFTER.contains(&name.as_str())) {
        return refuse(fields.node(), "no action: an outcome is that of a `login`, `again`, `request` or `token`");
    }
    Ok(Action::Look)
}

fn neighbours(fields: &mut Fields<'_>) -> Result<Action, Recorded> {
    let store = fields.optional("store", |node| {
        word(node, "health of the store", &[("down", StoreHealth::Down), ("up", StoreHealth::Up)])
    });
    let keys = fields.optional("keys", |node| {
        let words = [("down", KeyHealth::Down), ("rotated", KeyHealth::Rotated), ("up", KeyHealth::Up)];
        word(node, "health of the key server", &words)
    });
    Ok(Action::Neighbours(Neighbours { store: store?, keys: keys? }))
}

fn request(
    fields: &mut Fields<'_>,
    verb: &str,
    organization: Option<&Organization>,
    known: &Known<'_>,
) -> Result<Action, Recorded> {
    let target = target(fields);
    let credential = match verb {
        "login" => {
            // Even where the step has a fault: the next `again` shall not have another for it.
            if let Some(person) = fields.node().value().get("login").and_then(Value::as_str) {
                known.logs_in(person);
            }
            login(fields, organization).map(|login| Credential::New(Box::new(login)))
        }
        "again" => fields.required("again", "ada", |node| {
            let person = text::name(node)?;
            if !known.has_token(&person) {
                return refuse(node, format!("no step before this one has `login: {person}`"));
            }
            Ok(Credential::Again(person))
        }),
        "token" => fields.required("token", "a.b.c", text::any).map(Credential::Text),
        _ => fields.required("request", "without token", |node| match node.value().as_str() {
            Some("without token") => Ok(Credential::None),
            _ => refuse(node, "write `request: without token`"),
        }),
    };
    Ok(Action::Request(Box::new(Request { credential: credential?, target: target? })))
}

fn target(fields: &mut Fields<'_>) -> Result<Target, Recorded> {
    let host = fields.optional("host", text::any);
    let path = fields.optional("path", text::any);
    let method = fields.optional("method", text::name);
    let via = fields.optional("via", via);
    let headers = fields.or("headers", Vec::new(), |node| {
        node.list(0..=1000, |node| match node.list(2..=2, text::any)?.as_slice() {
            [name, value] => Ok((name.clone(), value.clone())),
            _ => refuse(node, "a header is `[name, value]`"),
        })
    });
    Ok(Target { host: host?, path: path?, method: method?, via: via?, headers: headers? })
}

fn via(node: &Node<'_>) -> Result<Via, Recorded> {
    match (node.text(256)?, node.text(256)?.split_once(' ')) {
        ("bearer", _) => Ok(Via::Bearer),
        (_, Some(("cookie", name))) => Ok(Via::Cookie(name.to_owned())),
        (_, Some(("header", name))) => Ok(Via::Header(name.to_owned())),
        (other, _) => {
            refuse(node, format!("unknown way {}. Write `bearer`, `cookie NAME` or `header NAME`", quoted(other)))
        }
    }
}

fn login(fields: &mut Fields<'_>, organization: Option<&Organization>) -> Result<Login, Recorded> {
    let person = fields.required("login", "ada", text::name);
    let texts = |node: &Node<'_>| node.list(0..=10_000, text::any);
    let groups = fields.optional("groups", texts);
    let claims = fields.or("claims", Members::new(), object);
    let without = fields.or("without", Vec::new(), texts);
    let iat = fields.optional("iat", text::seconds);
    let exp = fields.optional("exp", text::seconds);
    let nbf = fields.optional("nbf", text::seconds);
    let alg = fields.optional("alg", known::algorithm);
    let key = fields.or("key", KeyRing::Main, |node| word(node, "key", &KeyRing::NAMES));
    let kid = fields.optional("kid", |node| text::or_null(node, text::any));
    let header = fields.optional("header", object);
    let connection = fields.optional("connection", |node| known::connection(node, organization));
    let forge = fields.optional("forge", |node| word(node, "forgery", &Forgery::NAMES));
    Ok(Login {
        person: person?,
        groups: groups?,
        claims: claims?,
        without: without?,
        iat: iat?,
        exp: exp?,
        nbf: nbf?,
        alg: alg?,
        key: key?,
        kid: kid?,
        header: header?,
        connection: connection?,
        forge: forge?,
    })
}

fn object(node: &Node<'_>) -> Result<Members, Recorded> {
    node.members(0..=1000)?;
    Ok(node.value().as_object().cloned().unwrap_or_default())
}

fn deed(fields: &mut Fields<'_>, verb: &'static str) -> Result<Deed, Recorded> {
    let person = fields.required(verb, "ada", text::name);
    // A role that the product lacks may be tried by hand, and is refused with a code.
    let role = |fields: &mut Fields<'_>| fields.optional("role", text::name);
    Ok(match verb {
        "activate" => Deed::Activate(person?),
        "add" => {
            let (role, tier) = (role(fields), fields.optional("seat_tier", text::name));
            Deed::Add { person: person?, role: role?, seat_tier: tier? }
        }
        "change" => {
            let role = role(fields);
            let tier = fields.optional("seat_tier", |node| text::or_null(node, text::name));
            Deed::Change { person: person?, role: role?, seat_tier: tier? }
        }
        "remove" => Deed::Remove(person?),
        "suspend" => Deed::Suspend(person?),
        _ => Deed::Unlink(person?),
    })
}
