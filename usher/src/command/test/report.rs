//! What is told of each scenario: a line where it holds, the difference where it does not.

use std::fmt::Write as _;
use std::path::Path;

use usher_policy::Reason;
use usher_scenario::play::Failed;

use super::played::{Outcome, Played};

/// The lines of one scenario.
pub(super) fn lines(played: &Played) -> String {
    let scenario = &played.scenario;
    let title = format!("{}: {}", scenario.file.display(), scenario.name);
    match &played.result {
        Outcome::Passed => format!("ok    {title}\n"),
        Outcome::NotRun(why) => format!("-     {title} (not run here: needs Envoy: {why})\n"),
        Outcome::Failed(failed) => failed
            .iter()
            .fold(format!("FAIL  {title}\n"), |lines, step| lines + &indented(&of_step(&scenario.file, step))),
        Outcome::Broken(error) => {
            format!("FAIL  {title}\n{}", indented(&format!("{}:{}: {error}", scenario.file.display(), scenario.line)))
        }
    }
}

/// Where a step stands, what was written (`-`) and what was seen (`+`), and why.
pub(super) fn of_step(file: &Path, step: &Failed) -> String {
    let mut text = format!("{}:{}: {}\n{}", file.display(), step.line, step.title, step.diff());
    let reason = step.seen.get("deny").and_then(serde_json::Value::as_str).and_then(Reason::from_code);
    if let Some(reason) = reason.filter(|_| step.expected.get("deny") != step.seen.get("deny")) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "why: {} ({})", reason.code(), reason.title());
    }
    for told in &step.told {
        let _ = writeln!(text, "why: {told}");
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}\n")).collect()
}

/// Text without the control characters that a terminal would obey.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter }).collect()
}
