//! Plays a scenario on a stage, to its end, and tells where what is seen is not what was written.

use std::fmt;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use usher_policy::Policy;
use usher_policy::model::Organization;

use crate::Scenario;
use crate::ask::{Ask, Memory, ask};
use crate::cast::{Cast, Memberships};
use crate::expect::{self, Expected, OUTCOMES, Seen};
use crate::step::{Action, Credential, Deed, DirectoryWord, Neighbours, Request, Step};

/// The code of a refusal that no rule gives: there is no such member.
pub const NOBODY: &str = "member_not_found";

/// What a scenario is played on: the rules alone, or the whole system.
pub trait Stage {
    /// The time at which the scenario begins, in seconds since the Unix epoch.
    fn now(&self) -> u64;
    /// The policy, its keys filled in.
    fn policy(&self) -> &Policy;
    /// Puts people in their places before the scenario begins.
    ///
    /// # Errors
    /// It cannot.
    fn begin(&mut self, memberships: Memberships) -> Result<()>;
    /// Sends a request.
    ///
    /// # Errors
    /// There is no verdict.
    fn request(&mut self, ask: &Ask) -> Result<Seen>;
    /// Sends the request of a session behind whose back something was done, until every worker has learnt of it; what
    /// was seen last is returned. Where there are no sessions, there is nothing to wait for.
    ///
    /// # Errors
    /// There is no verdict.
    fn settled(&mut self, ask: &Ask, _is_expected: &dyn Fn(&Seen) -> bool) -> Result<Seen> {
        self.request(ask)
    }
    /// How the last verdict came about, where the stage knows.
    fn told(&self) -> Vec<String> {
        Vec::new()
    }
    /// Does something by hand; the inner error is the code of a refusal.
    ///
    /// # Errors
    /// There is no answer.
    fn by_hand(&mut self, organization: &str, deed: &Deed, email: &str) -> Result<Result<(), String>>;
    /// Carries out what the directory of an organization's parent says; `email` gives a person's usual one.
    ///
    /// # Errors
    /// There is no answer, or not the one that such a request gets.
    fn directory(&mut self, organization: &str, word: &DirectoryWord, email: &dyn Fn(&str) -> String) -> Result<()>;
    /// All members of an organization, in the form of the store's API.
    ///
    /// # Errors
    /// There is no answer.
    fn members(&mut self, organization: &str) -> Result<Vec<Value>>;
    /// The seats of an organization, in the form of the store's API.
    ///
    /// # Errors
    /// There is no answer.
    fn seats(&mut self, organization: &str) -> Result<Value>;
    /// Makes the neighbours ill or well.
    ///
    /// # Errors
    /// It cannot.
    fn neighbours(&mut self, neighbours: &Neighbours) -> Result<()>;
}

/// A step, or a refusal of the policy, of which something is not as it was written.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Its place among the steps, from 0; none where the policy is refused and nothing happens.
    pub step: Option<usize>,
    /// Its line in the file, from 1; 0 where it stands in none.
    pub line: usize,
    /// What happens in it, in a few words.
    pub title: String,
    /// What was written.
    pub expected: Map<String, Value>,
    /// What was seen, in the same words.
    pub seen: Map<String, Value>,
    /// How a verdict came about, where the stage knows.
    pub told: Vec<String>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.step) {
            (0, Some(step)) => writeln!(f, "step {}: {}", step + 1, self.title)?,
            (line, _) => writeln!(f, "line {line}: {}", self.title)?,
        }
        write!(f, "{}", self.diff())
    }
}

impl Failed {
    /// What was written and what was seen, where they differ, in a few lines.
    pub fn diff(&self) -> String {
        crate::yaml::diff(&self.expected, &self.seen)
    }
}

/// Plays a scenario from its beginning; what failed is returned, with an empty list for success.
///
/// # Errors
/// It cannot begin, or a step after which the playing cannot go on.
pub fn perform(scenario: &Scenario, stage: &mut dyn Stage) -> Result<Vec<Failed>> {
    let mut memberships = Cast::new(stage.policy()).memberships(&scenario.before, stage.now())?;
    memberships.with_directory = scenario.steps.iter().any(|step| matches!(step.action, Action::Directory(_)));
    stage.begin(memberships)?;
    play(&scenario.steps, stage, &mut Memory::default())
}

/// Plays all steps; what failed is returned, with an empty list for success.
///
/// # Errors
/// A step after which the playing cannot go on.
pub fn play(steps: &[Step], stage: &mut dyn Stage, memory: &mut Memory) -> Result<Vec<Failed>> {
    let mut failed = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let played = step_of(step, stage, memory);
        let (seen, told) = played.with_context(|| match step.line {
            0 => format!("step {}: {}", index + 1, step.title()),
            line => format!("line {line}: {}", step.title()),
        })?;
        if seen != *step.expected.fields() {
            failed.push(Failed {
                step: Some(index),
                line: step.line,
                title: step.title(),
                expected: step.expected.fields().clone(),
                seen,
                told,
            });
        }
    }
    Ok(failed)
}

/// What is seen of one step, in the words of what is expected of it.
fn step_of(step: &Step, stage: &mut dyn Stage, memory: &mut Memory) -> Result<(Map<String, Value>, Vec<String>)> {
    let looked_at = step.of.as_ref().or(step.organization.as_ref());
    let organization = Cast::new(stage.policy()).organization(looked_at.map(String::as_str))?.clone();
    let id = organization.id.as_str();
    let before = if step.expected.field("writes").is_some() { stage.members(id)? } else { Vec::new() };

    let mut seen = Map::new();
    let mut told = Vec::new();
    match &step.action {
        Action::Look => {}
        Action::Neighbours(neighbours) => {
            memory.unsettled = true;
            stage.neighbours(neighbours)?;
        }
        Action::ByHand(deed) => {
            memory.unsettled = true;
            let theirs = Cast::new(stage.policy()).organization(step.organization.as_deref())?.clone();
            let email = Cast::email(&theirs, deed.person());
            if let Err(code) = stage.by_hand(theirs.id.as_str(), deed, &email)? {
                seen.insert("refused".to_owned(), json!(code));
            }
        }
        Action::Directory(word) => {
            memory.unsettled = true;
            let theirs = Cast::new(stage.policy()).organization(step.organization.as_deref())?.clone();
            stage.directory(theirs.id.as_str(), word, &|person| Cast::email(&theirs, person))?;
        }
        Action::Request(request) => {
            seen = sent(step, request, stage, memory)?;
            told = stage.told();
        }
    }
    look(&organization, &step.expected, &before, stage, &mut seen)?;
    Ok((seen, told))
}

fn sent(step: &Step, request: &Request, stage: &mut dyn Stage, memory: &mut Memory) -> Result<Map<String, Value>> {
    let ask = ask(request, step.organization.as_deref(), stage.policy(), stage.now(), memory)?;
    let written: Map<_, _> =
        OUTCOMES.iter().filter_map(|name| Some(((*name).to_owned(), step.expected.field(name)?.clone()))).collect();
    let is_expected = |seen: &Seen| expect::outcome(&step.expected, seen, &ask) == written;
    let behind_its_back = ask.may_be_session && memory.unsettled;
    let seen = if behind_its_back { stage.settled(&ask, &is_expected)? } else { stage.request(&ask)? };
    // A denied login may have ended other sessions of the same person.
    memory.unsettled |= matches!((&seen, &request.credential), (Seen::Deny(_), Credential::New(_)));
    Ok(expect::outcome(&step.expected, &seen, &ask))
}

fn look(
    organization: &Organization,
    expected: &Expected,
    before: &[Value],
    stage: &mut dyn Stage,
    seen: &mut Map<String, Value>,
) -> Result<()> {
    let id = organization.id.as_str();
    let email = |person: &str| Cast::email(organization, person);
    let person = |email: &str| Cast::person(organization, email);
    if let Some(written) = expected.field("members").and_then(Value::as_object) {
        let members = expect::members(written, &stage.members(id)?, email, person);
        seen.insert("members".to_owned(), Value::Object(members));
    }
    if let Some(written) = expected.field("seats").and_then(Value::as_object) {
        seen.insert("seats".to_owned(), Value::Object(expect::seats(written, &stage.seats(id)?)));
    }
    if let Some(written) = expected.field("writes") {
        let writes = expect::writes(written, before, &stage.members(id)?, email, person);
        seen.insert("writes".to_owned(), writes);
    }
    Ok(())
}
