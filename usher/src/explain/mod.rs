//! One request walked through the very functions that the filter runs, with every step told; pure.

mod assumed;
mod keys;
mod trace;
mod unproven;

use std::sync::Arc;

use usher_policy::Reason;
use usher_policy::model::{Connection, Enforcement, Jwks, Organization, Policy, Unmatched};
use usher_policy::rules::conclude::{Request, Standing, admit, conclude};
use usher_policy::rules::plan::Plan;
use usher_policy::rules::{access, login, route};
use usher_policy::token::signature::JwtSimple;
use usher_policy::token::{self, Assertion, Claimant, VerifiedAssertion, VerifyError};

pub(crate) use assumed::{AssumedMember, AssumedMemberError};
pub(crate) use keys::{KnownKeys, KnownKeysError};
use trace::Trace;
pub(crate) use trace::{Explanation, Verdict};

/// The request that is asked about.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// The `:authority`.
    pub(crate) host: &'a str,
    /// The `:path`, with its query.
    pub(crate) path: &'a str,
    /// The `:method`.
    pub(crate) method: &'a str,
    /// The credential, if one is presented.
    pub(crate) token: Option<&'a [u8]>,
    /// The clock, seconds since the Unix epoch.
    pub(crate) now: u64,
    /// The member that is assumed to be stored.
    pub(crate) member: Option<&'a AssumedMember>,
    /// Keys of remote connections.
    pub(crate) keys: &'a KnownKeys,
}

/// Explains what becomes of a request.
///
/// # Errors
/// The assumed member cannot be one of the organization that the request is for.
pub(crate) fn explain(policy: &Policy, question: &Question<'_>) -> Result<Explanation, AssumedMemberError> {
    let mut trace = Trace::default();
    let routed = match route::route(policy, question.host.as_bytes(), question.path.as_bytes()) {
        Ok(routed) => routed,
        Err(Reason::UnknownOrganization)
            if policy.unmatched == Unmatched::Pass && route::is_unmatched(policy, question.host.as_bytes()) =>
        {
            let told = format!(
                "no organization is served at `{}`: `unmatched: pass` lets it through, without identity",
                question.host
            );
            trace.step("route", told);
            return Ok(trace.allow());
        }
        Err(reason) => return Ok(trace.deny("route", reason)),
    };
    let organization = routed.organization;
    trace.organization(&organization.id);
    trace.step("route", describe(question.host, organization));
    let member = question.member.map(|assumed| assumed.resolve(organization)).transpose()?;
    if policy.enforcement == Enforcement::Shadow {
        trace.step("enforcement", "shadow: the verdict is logged and counted, but blocks nothing and writes nothing");
    }

    let request = Request { method: question.method, path: routed.path.as_ref() };
    if access::bypasses(organization, request) {
        trace.step("bypass", "a bypass rule matches: it passes without a look at the credential, and without identity");
        return Ok(trace.allow());
    }
    let case = Case { organization, question, member, request };
    Ok(match case.walk(&mut trace) {
        Ok(()) => trace.allow(),
        Err(Denial { step, reason }) => trace.deny(step, reason),
    })
}

/// A request of a known organization.
struct Case<'a> {
    organization: &'a Arc<Organization>,
    question: &'a Question<'a>,
    member: Option<assumed::Resolved>,
    request: Request<'a>,
}

/// The reason, and the step that gave it.
struct Denial {
    step: &'static str,
    reason: Reason,
}

impl Case<'_> {
    fn walk(&self, trace: &mut Trace) -> Result<(), Denial> {
        let assertion = self.assertion(trace)?;
        let verified = self.verify(trace, &assertion)?;
        let claimant = Claimant::read(self.organization, &verified).map_err(at("identity"))?;
        trace.step("identity", person(&claimant));
        let login = claimant.login(self.organization, false).map_err(at("plan"))?;
        trace.plan(&login.plan);
        trace.step("plan", planned(&login.plan));

        let facts = assumed::facts(self.member.as_ref(), self.organization, &login, self.question.now);
        let outcome = login::decide(self.organization, &login, &facts);
        trace.step("store", assumed::tell(&facts, &outcome));
        let answer = assumed::answer(outcome);
        let standing = conclude(self.organization, &login.plan, &login.subject, &answer).map_err(at("conclude"))?;
        trace.standing(&standing);
        trace.step("conclude", place(&standing));

        let permit = admit(self.organization, &standing, self.request).map_err(at("access"))?;
        let asked = if self.organization.access.is_empty() {
            "no access rules"
        } else {
            "every access rule that matches allows"
        };
        trace.step("access", format!("{asked}: let in as {}", permit.role()));
        Ok(())
    }

    fn assertion(&self, trace: &mut Trace) -> Result<Assertion, Denial> {
        let token = match self.question.token {
            Some(token) if !token.is_empty() => token,
            Some(_) | None => return Err(at("credential")(Reason::NoCredentials)),
        };
        let assertion = Assertion::parse(token).map_err(at("credential"))?;
        trace.step("credential", format!("a well-formed assertion of {} bytes", token.len()));
        Ok(assertion)
    }

    fn verify(&self, trace: &mut Trace, assertion: &Assertion) -> Result<VerifiedAssertion, Denial> {
        let now = self.question.now;
        match token::verify(self.organization, assertion, self.question.keys, &JwtSimple, now) {
            Ok(verified) => {
                let (connection, issuer) = (&verified.connection().id, verified.issuer());
                let (issued, expires) = (verified.issued_at(), verified.expires_at());
                trace.step("verify", format!("connection `{connection}` ({issuer}) signed it; issued at {issued}, expires at {expires}, now {now}"));
                Ok(verified)
            }
            Err(error) => {
                match &error {
                    VerifyError::NoKeys(connection) => trace.step("verify", missing_keys(connection)),
                    VerifyError::Deny(_) | VerifyError::UnknownKey(_) => self.compare(trace),
                }
                Err(at("verify")(error.reason()))
            }
        }
    }

    /// Tells the token's own words and the organization's, so that the difference is seen.
    fn compare(&self, trace: &mut Trace) {
        if let Some(said) = self.question.token.and_then(|token| unproven::said(token, self.question.now)) {
            trace.step("verify", said);
        }
        trace.step("verify", unproven::taken(self.organization));
    }
}

fn at(step: &'static str) -> impl Fn(Reason) -> Denial {
    move |reason| Denial { step, reason }
}

fn describe(host: &str, organization: &Organization) -> String {
    let (id, parent, product) = (&organization.id, &organization.parent.id, &organization.product.name);
    let mode = organization.provisioning.mode();
    let mappings = if organization.provisioning.mappings().is_some() { " with group mappings" } else { "" };
    format!("`{host}` is organization `{id}` of parent `{parent}`: product {product}, provisioning {mode}{mappings}")
}

fn missing_keys(connection: &Connection) -> String {
    let id = &connection.id;
    match &connection.jwks {
        Jwks::Inline(_) => format!("connection `{id}` has no usable keys in the policy"),
        Jwks::Remote(jwks) => {
            let (scheme, authority, path) = (jwks.uri.scheme(), jwks.uri.authority(), &jwks.uri.path);
            format!(
                "the keys of connection `{id}` are at {scheme}://{authority}{path}; this command uses no network: save them and pass `--jwks {id}=FILE`"
            )
        }
    }
}

fn person(claimant: &Claimant) -> String {
    let groups = match &claimant.groups {
        Ok(groups) if groups.is_empty() => "no groups".to_owned(),
        Ok(groups) => {
            format!("groups {}", groups.iter().map(|group| format!("`{group}`")).collect::<Vec<_>>().join(", "))
        }
        Err(reason) => format!("groups not known ({reason})"),
    };
    let assigned = if claimant.assigned { "" } else { "; not assigned at the provider" };
    format!("subject `{}`, email {} (accepted), {groups}{assigned}", claimant.subject, claimant.email)
}

fn planned(plan: &Plan) -> String {
    match plan {
        Plan::Assign { role, seat_tier: Some(tier) } => {
            format!("assign: member with role {role} and seat tier {tier}, renewed by this login")
        }
        Plan::Assign { role, seat_tier: None } => {
            format!("assign: member with role {role}, renewed by this login; no tier is mapped")
        }
        Plan::Ensure { role } => format!("ensure: made a member with role {role} if not yet one"),
        Plan::Remove { reason } => format!("remove: {reason}; the member, if there is one, goes and the seat is freed"),
        Plan::Require => "require: must be a member already".to_owned(),
    }
}

fn place(standing: &Standing) -> String {
    match standing.seat_tier() {
        Some(tier) => format!("an active member: role {}, seat tier {tier}", standing.role()),
        None => format!("an active member: role {}", standing.role()),
    }
}
