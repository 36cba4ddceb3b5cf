//! The results as JUnit XML, as CI systems read it: a suite a file, a case a scenario.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::played::{Outcome, Played, PlayedFile};
use super::report;
use crate::counted::counted;

/// The whole document.
pub(super) fn report(files: &[PlayedFile]) -> String {
    let suites: Vec<Suite> = files.iter().map(Suite::of).collect();
    let all = suites.iter().fold(Counts::default(), |all, suite| all.and(suite.counts));
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string cannot fail.
    let _ = writeln!(xml, "<testsuites name=\"usher test\"{}>", all.attributes());
    for suite in suites {
        let name = attribute("name", &suite.name);
        let _ = writeln!(xml, "  <testsuite{name}{}>\n{}  </testsuite>", suite.counts.attributes(), suite.cases);
    }
    xml.push_str("</testsuites>\n");
    xml
}

struct Suite {
    name: String,
    counts: Counts,
    cases: String,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    took: Duration,
}

impl Counts {
    fn and(self, other: Self) -> Self {
        Self {
            tests: self.tests + other.tests,
            failures: self.failures + other.failures,
            errors: self.errors + other.errors,
            skipped: self.skipped + other.skipped,
            took: self.took + other.took,
        }
    }

    fn attributes(&self) -> String {
        let Self { tests, failures, errors, skipped, took } = self;
        let time = took.as_secs_f64();
        format!(
            " tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"{time:.3}\""
        )
    }
}

impl Suite {
    fn of(file: &PlayedFile) -> Self {
        let name = file.path.display().to_string();
        let mut suite = Self { name, counts: Counts::default(), cases: String::new() };
        match &file.outcome {
            Ok(played) => played.iter().for_each(|one| suite.add(one)),
            Err(faulty) => {
                let line = faulty.faults.iter().find_map(|fault| fault.line).unwrap_or(1);
                let inside = element("error", &counted(faulty.faults.len(), "fault"), &faulty.to_string());
                suite.case("the file can be read", &file.path, line, Duration::ZERO, &inside);
                suite.counts.errors += 1;
            }
        }
        suite
    }

    fn add(&mut self, played: &Played) {
        let scenario = &played.scenario;
        let inside = match &played.result {
            Outcome::Passed => String::new(),
            Outcome::Failed(failed) => {
                self.counts.failures += 1;
                let steps: Vec<String> = failed.iter().map(|step| report::of_step(&scenario.file, step)).collect();
                let first = failed.first().map(|step| format!("line {}: {}", step.line, step.title));
                element("failure", &first.unwrap_or_default(), &steps.join("\n"))
            }
            Outcome::Broken(error) => {
                self.counts.errors += 1;
                element("error", "it could not be played to its end", error)
            }
            Outcome::NotRun(why) => {
                self.counts.skipped += 1;
                format!("      <skipped{}/>\n", attribute("message", &format!("needs Envoy: {why}")))
            }
        };
        self.case(&scenario.name, &scenario.file, scenario.line, played.took, &inside);
    }

    fn case(&mut self, name: &str, file: &Path, line: usize, took: Duration, inside: &str) {
        self.counts.tests += 1;
        self.counts.took += took;
        let file = file.display().to_string();
        let attributes = [("name", name), ("classname", &file), ("file", &file), ("line", &line.to_string())]
            .map(|(name, value)| attribute(name, value))
            .concat();
        let time = took.as_secs_f64();
        let _ = writeln!(self.cases, "    <testcase{attributes} time=\"{time:.3}\">\n{inside}    </testcase>");
    }
}

fn element(name: &str, message: &str, text: &str) -> String {
    format!("      <{name}{}>{}</{name}>\n", attribute("message", message), escaped(text))
}

fn attribute(name: &str, value: &str) -> String {
    // XML 1.0, 3.3.3: a line break that is not written as a reference becomes a space.
    let value = escaped(value).replace('\n', "&#10;").replace('\r', "&#13;").replace('\t', "&#9;");
    format!(" {name}=\"{value}\"")
}

/// XML 1.0, 2.2 and 2.4: markup is escaped; what is no character of XML at all is replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' | '\r' => escaped.push(letter),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}
