//! One request walked through the very functions that the filter runs, with every step told; pure.
//!
//! The modules beside it put one step each into words. None of them decides anything.

mod assumed;
mod claims;
mod clock;
mod groups;
mod host;
mod keys;
mod log_line;
mod page;
mod path_rules;
mod person;
mod provider;
mod seat;
mod store;
mod trace;
mod unproven;
mod words;

use std::sync::Arc;

use usher_policy::Reason;
use usher_policy::model::{CredentialSource, Enforcement, Organization, Policy, Unmatched};
use usher_policy::rules::conclude::{Request, Standing, admit, conclude};
use usher_policy::rules::login::{self, Facts, Outcome};
use usher_policy::rules::plan::Plan;
use usher_policy::rules::{access, route};
use usher_policy::token::signature::JwtSimple;
use usher_policy::token::{self, Assertion, Claimant, VerifiedAssertion};

use self::assumed::Assumed;
pub(crate) use self::assumed::{AssumedError, AssumedMember};
pub(crate) use self::claims::{ClaimsError, read as read_claims, sign as sign_claims};
pub(crate) use self::keys::{KnownKeys, KnownKeysError};
pub(crate) use self::log_line::{LogLineError, MAX_LINES, told as explain_log_line};
pub(crate) use self::trace::{Explanation, Verdict};
use self::trace::{Told, Trace};
use self::unproven::Said;

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
    /// Whether the token was made here of claims alone.
    pub(crate) made_of_claims: bool,
    /// The clock, seconds since the Unix epoch.
    pub(crate) now: u64,
    /// The member that is assumed to be stored.
    pub(crate) member: Option<&'a AssumedMember>,
    /// The tiers that are assumed to be full.
    pub(crate) full: &'a [String],
    /// Keys of remote connections.
    pub(crate) keys: &'a KnownKeys,
}

/// Explains what becomes of a request.
///
/// # Errors
/// What is assumed of the store cannot be in the organization that the request is for.
pub(crate) fn explain(policy: &Policy, question: &Question<'_>) -> Result<Explanation, AssumedError> {
    let mut trace = Trace::default();
    let routed = match route::route(policy, question.host.as_bytes(), question.path.as_bytes()) {
        Ok(routed) => routed,
        Err(reason) => {
            trace.step("route", host::refused(policy, question.host, question.path, reason));
            let passes = reason == Reason::UnknownOrganization
                && policy.unmatched == Unmatched::Pass
                && route::is_unmatched(policy, question.host.as_bytes());
            if passes {
                trace.step("unmatched", Told::plain("`unmatched: pass` lets it through, without identity"));
                return Ok(trace.allow());
            }
            return Ok(trace.deny("route", reason));
        }
    };
    let organization = routed.organization;
    trace.organization(&organization.id);
    trace.step("route", host::served(question.host, organization, routed.path.as_ref()));
    let assumed = Assumed::resolve(question.member, question.full, organization)?;
    if policy.enforcement == Enforcement::Shadow {
        let told = "shadow: the verdict is logged and counted, but blocks nothing and writes nothing";
        trace.step("enforcement", Told::plain(told));
    }

    let request = Request { method: question.method, path: routed.path.as_ref() };
    let bypasses = access::bypasses(organization, request);
    if let Some(told) = path_rules::bypass(organization, request, bypasses) {
        trace.step("bypass", told);
    }
    if bypasses {
        return Ok(trace.allow());
    }
    let in_header = !matches!(policy.credentials.sources.first(), Some(CredentialSource::Cookie(_)));
    let case = Case { organization, question, assumed, request, in_header };
    Ok(match case.walk(&mut trace) {
        Ok(()) => trace.allow(),
        Err(Denial { step, reason }) => trace.deny(step, reason),
    })
}

/// A request of a known organization.
struct Case<'a> {
    organization: &'a Arc<Organization>,
    question: &'a Question<'a>,
    assumed: Assumed,
    request: Request<'a>,
    /// Whether the first source of credentials is a header, and no cookie.
    in_header: bool,
}

/// The reason, and the step that gave it.
struct Denial {
    step: &'static str,
    reason: Reason,
}

impl Case<'_> {
    fn walk(&self, trace: &mut Trace) -> Result<(), Denial> {
        let (assertion, said) = self.assertion(trace)?;
        let verified = self.verify(trace, &assertion, &said)?;
        let claimant = self.person(trace, &verified, &said)?;
        let login = claimant.login(self.organization, false).map_err(|reason| match reason {
            Reason::NotAssigned => at("assignment")(reason),
            _ => at("groups")(reason),
        })?;
        trace.plan(&login.plan);
        trace.step("plan", planned(&login.plan));

        let facts = self.assumed.facts(self.organization, &login, self.question.now);
        let outcome = login::decide(self.organization, &login, &facts);
        trace.step("store", store::told(&self.assumed, &facts, &outcome));
        self.seat(trace, &login.plan, &facts, &outcome);
        let answer = outcome.into_answer();
        let standing = Arc::new(conclude(self.organization, &login, &answer).map_err(at("conclude"))?);
        trace.standing(&standing);
        trace.step("conclude", place(&standing));

        trace.step("access", path_rules::access(self.organization, &standing, self.request));
        let permit = admit(self.organization, &standing, self.request).map_err(at("access"))?;
        let tier = permit.seat_tier().map(|tier| format!(", seat tier {tier}")).unwrap_or_default();
        trace.step("permit", Told::plain(format!("let in as {}: role {}{tier}", permit.email(), permit.role())));
        Ok(())
    }

    fn assertion(&self, trace: &mut Trace) -> Result<(Assertion, Said), Denial> {
        let token = match self.question.token {
            Some(token) if !token.is_empty() => token,
            Some(_) | None => return Err(at("credential")(Reason::NoCredentials)),
        };
        if self.in_header && token.contains(&b',') {
            let told = "there is a comma in it, as between two values of a header that arrive joined; no token has one";
            trace.step("credential", Told::plain(told));
            return Err(at("credential")(Reason::AmbiguousRequest));
        }
        let of = if self.question.made_of_claims {
            "made here from the given claims, so no signature is checked"
        } else {
            "as it was given"
        };
        match Assertion::parse(token) {
            Ok(assertion) => {
                trace
                    .step("credential", Told::plain(format!("a well-formed assertion of {} bytes, {of}", token.len())));
                Ok((assertion, Said::read(token)))
            }
            Err(reason) => {
                trace.step("credential", Told::plain(format!("an assertion {of}: {}", unproven::malformed(token))));
                Err(at("credential")(reason))
            }
        }
    }

    /// The checks of `token::verify`, told in the order in which they are made, up to the one that fails.
    fn verify(&self, trace: &mut Trace, assertion: &Assertion, said: &Said) -> Result<VerifiedAssertion, Denial> {
        let outcome = token::verify(self.organization, assertion, self.question.keys, &JwtSimple, self.question.now);
        let reason = outcome.as_ref().err().map(token::VerifyError::reason);
        let Some(chosen) = token::verify::connection(self.organization, assertion) else {
            trace.step("connection", provider::no_connection(self.organization, said));
            return Err(at("connection")(reason.unwrap_or(Reason::UnknownIssuer)));
        };
        trace.step("connection", provider::connection(chosen, said));
        let failed = match reason {
            None | Some(Reason::WrongAudience | Reason::Expired | Reason::NotYetValid) => None,
            Some(reason) => Some(reason),
        };
        trace.step(
            "signature",
            match self.question.made_of_claims {
                true if failed.is_none() => provider::unchecked(),
                _ => provider::signature(chosen, said, self.question.keys, failed),
            },
        );
        if let Some(reason) = failed {
            return Err(at("signature")(reason));
        }
        if reason == Some(Reason::WrongAudience) {
            trace.step("audience", provider::audience(chosen, said));
            return Err(at("audience")(Reason::WrongAudience));
        }
        trace.step("clock", clock::times(chosen, said, self.question.now));
        outcome.map_err(|error| at("clock")(error.reason()))
    }

    /// The checks of `Claimant::read`, likewise.
    fn person<'v>(
        &self,
        trace: &mut Trace,
        verified: &'v VerifiedAssertion,
        said: &Said,
    ) -> Result<Claimant<'v>, Denial> {
        let (organization, connection, claims) = (self.organization, verified.connection(), &said.claims);
        let outcome = Claimant::read(organization, verified);
        let reason = outcome.as_ref().err().copied();
        trace.step("email", person::email(organization, connection, claims));
        if let Some(reason @ (Reason::MissingClaim | Reason::EmailNotVerified | Reason::DomainNotVerified)) = reason {
            return Err(at("email")(reason));
        }
        if let Some(told) = person::required(connection, claims) {
            trace.step("require", told);
        }
        if reason == Some(Reason::NotAssigned) {
            return Err(at("require")(Reason::NotAssigned));
        }
        let assigned = outcome.as_ref().ok().map(|claimant| claimant.assigned);
        if let Some(told) = person::assignment(connection, claims, assigned) {
            trace.step("assignment", told);
        }
        let claimant = outcome.map_err(at("assignment"))?;
        if claimant.assigned {
            trace.step("groups", groups::found(organization, connection, claims, &claimant.groups));
            if let Ok(groups) = &claimant.groups
                && let Some(told) = groups::mapped(organization, groups)
            {
                trace.step("mapping", told);
            }
        }
        Ok(claimant)
    }

    fn seat(&self, trace: &mut Trace, plan: &Plan, facts: &Facts, outcome: &Outcome) {
        if let Some(member) = &outcome.member {
            let found = facts.linked.as_ref().or(facts.by_external_id.first()).or(facts.by_email.as_ref());
            let held = found.filter(|found| found.id == member.id).and_then(|found| found.seat_tier.as_ref());
            trace.step("seat", seat::rule(self.organization, plan, held, &facts.taken, member));
        }
    }
}

fn at(step: &'static str) -> impl Fn(Reason) -> Denial {
    move |reason| Denial { step, reason }
}

fn planned(plan: &Plan) -> Told {
    Told::plain(match plan {
        Plan::Assign { role, seat_tier: Some(tier) } => {
            format!("assign: member with role {role} and seat tier {tier}, renewed by this login")
        }
        Plan::Assign { role, seat_tier: None } => {
            format!("assign: member with role {role}, renewed by this login; no tier is mapped")
        }
        Plan::Ensure { role } => format!("ensure: becomes a member with role {role} if not one yet"),
        Plan::Remove { reason } => {
            format!("remove: {reason}; the member, if there is one, is removed and the seat freed")
        }
        Plan::Require => "require: must already be a member".to_owned(),
    })
}

fn place(standing: &Standing) -> Told {
    Told::plain(match standing.seat_tier() {
        Some(tier) => format!("an active member: role {}, seat tier {tier}", standing.role()),
        None => format!("an active member: role {}", standing.role()),
    })
}
