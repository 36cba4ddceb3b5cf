//! Which `bypass` and `access` rules are for a request, and what they ask for.

use serde_json::{Value, json};
use usher_policy::id::{Role, Tier};
use usher_policy::model::{Organization, PathRule};
use usher_policy::rules::conclude::{Request, Standing};

use super::trace::Told;
use super::words::{listed, quoted};

/// The most rules that are told one by one; the facts have them all.
const MOST: usize = 8;

/// Whether a rule is for a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    Matches,
    OtherMethod,
    OtherPath,
}

impl Match {
    fn of(path: &PathRule, methods: Option<&[String]>, request: Request<'_>) -> Self {
        if !request.path.is_some_and(|asked| path.matches(asked)) {
            Self::OtherPath
        } else if methods.is_some_and(|methods| !methods.iter().any(|method| method == request.method)) {
            Self::OtherMethod
        } else {
            Self::Matches
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Matches => "matches",
            Self::OtherMethod => "other_method",
            Self::OtherPath => "other_path",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Matches => "matches",
            Self::OtherMethod => "is for other methods",
            Self::OtherPath => "is for another path",
        }
    }
}

/// Each bypass, whether it is for this request, and what came of them; `None` without any.
pub(super) fn bypass(organization: &Organization, request: Request<'_>, passes: bool) -> Option<Told> {
    let rules: Vec<_> = organization
        .bypass
        .iter()
        .enumerate()
        .map(|(number, rule)| {
            let found = Match::of(&rule.path, rule.methods.as_deref(), request);
            let told = format!("bypass[{number}] {} {}", written(&rule.path, rule.methods.as_deref()), found.words());
            (told, json!({"rule": format!("bypass[{number}]"), "result": found.name()}))
        })
        .collect();
    let so = if passes { "passes without a credential check, and without identity" } else { "no bypass" };
    (!rules.is_empty()).then(|| told(rules, so))
}

/// Each access rule, whether it is for this request, and whether role and tier pass it.
pub(super) fn access(organization: &Organization, standing: &Standing, request: Request<'_>) -> Told {
    let rules: Vec<_> = organization
        .access
        .iter()
        .enumerate()
        .map(|(number, rule)| {
            let found = Match::of(&rule.path, rule.methods.as_deref(), request);
            let role_passes = rule.roles.as_ref().is_none_or(|roles| roles.contains(standing.role()));
            let tier_passes = rule
                .seat_tiers
                .as_ref()
                .is_none_or(|tiers| standing.seat_tier().is_some_and(|tier| tiers.contains(tier)));
            let asked = asked(rule.roles.as_deref(), rule.seat_tiers.as_deref());
            let (result, words) = match (found, role_passes, tier_passes) {
                (Match::Matches, false, _) => {
                    ("denies_role", format!("matches, requires {asked}, and does not have role {}", standing.role()))
                }
                (Match::Matches, true, false) => {
                    ("denies_seat_tier", format!("matches, requires {asked}, and does not have the seat tier"))
                }
                (Match::Matches, true, true) => ("allows", format!("matches, requires {asked}, and allows")),
                (other, ..) => (other.name(), other.words().to_owned()),
            };
            let told = format!("access[{number}] {} {words}", written(&rule.path, rule.methods.as_deref()));
            (told, json!({"rule": format!("access[{number}]"), "result": result}))
        })
        .collect();
    if rules.is_empty() {
        return Told::plain("no access rules");
    }
    let is_for_it =
        |fact: &Value| !matches!(fact.get("result").and_then(Value::as_str), Some("other_method" | "other_path"));
    let matched = rules.iter().any(|(_, fact)| is_for_it(fact));
    told(rules, if matched { "every rule that matches must allow" } else { "nothing is required" })
}

fn told(rules: Vec<(String, Value)>, so: &str) -> Told {
    let (words, facts): (Vec<_>, Vec<_>) = rules.into_iter().unzip();
    let more = words.len().saturating_sub(MOST);
    let mut detail = words.into_iter().take(MOST).collect::<Vec<_>>().join("; ");
    if more > 0 {
        detail.push_str(&format!("; and {more} more"));
    }
    Told::with(format!("{detail}: {so}"), json!({"rules": facts}))
}

fn written(path: &PathRule, methods: Option<&[String]>) -> String {
    let path = match path {
        PathRule::Exact(path) | PathRule::Prefix(path) => quoted(path),
    };
    match methods {
        Some(methods) => format!("{path} ({})", methods.join(", ")),
        None => path,
    }
}

fn asked(roles: Option<&[Role]>, tiers: Option<&[Tier]>) -> String {
    let roles = roles.map(|roles| format!("role {}", listed(roles.iter().map(Role::as_str))));
    let tiers = tiers.map(|tiers| format!("seat tier {}", listed(tiers.iter().map(Tier::as_str))));
    roles.into_iter().chain(tiers).collect::<Vec<_>>().join(" and ")
}
