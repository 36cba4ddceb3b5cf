//! `usher seats`: how many seats an organization has, how many are held, and who waits.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::Failure;
use super::administration::Administration;
use crate::output::print;
use crate::table::Table;

/// The arguments of `usher seats`.
#[derive(Debug, Args)]
pub(crate) struct Seats {
    /// The organization's id
    #[arg(value_name = "ORG")]
    organization: String,
    #[command(flatten)]
    administration: Administration,
}

impl Seats {
    /// Prints the seats.
    ///
    /// # Errors
    /// The store cannot be asked or says no.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        let seats = self.administration.client()?.seats(&self.organization)?.document;
        let text = if self.administration.json { format!("{seats:#}\n") } else { table(&seats) };
        print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn table(seats: &Value) -> String {
    let mut table = Table::with_heads(&["SEAT TIER", "USED", "CAP"]);
    for tier in seats.get("tiers").and_then(Value::as_array).into_iter().flatten() {
        let name = tier.get("tier").and_then(Value::as_str).unwrap_or("-");
        table.row([name, &number(tier.get("used"), "-"), &number(tier.get("cap"), "unlimited")]);
    }
    format!("{}pending: {}\n", table.text(), number(seats.get("pending"), "-"))
}

fn number(value: Option<&Value>, without: &str) -> String {
    value.and_then(Value::as_u64).map_or_else(|| without.to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::table;

    #[test]
    fn a_tier_without_a_cap_is_unlimited() {
        let seats = json!({"tiers": [{"tier": "premium", "cap": 2, "used": 1}, {"tier": "standard", "cap": null, "used": 0}], "pending": 3});
        assert_eq!(table(&seats), "SEAT TIER  USED  CAP\npremium    1     2\nstandard   0     unlimited\npending: 3\n");
    }
}
