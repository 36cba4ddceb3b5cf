//! The results as people read them: a table in Markdown, a chart in SVG.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::compare::{Extent, Figures};
use crate::{cpu, envoy};

/// The table, with the command, the versions and the date.
///
/// # Errors
/// Envoy or `date` does not run.
pub(crate) fn markdown(figures: &[Figures], extent: &Extent, options: &[&str]) -> Result<String> {
    let mut text = String::from("# What a request costs\n\n");
    let command = ["cargo xtask bench"].into_iter().chain(options.iter().copied()).collect::<Vec<_>>().join(" ");
    writeln!(
        text,
        "`{command}` on {}: Envoy {} with one worker on {} ({} cores), usher {}. {} rounds of {} s each, in turns, in one \
         Envoy process; medians, and in brackets the middle half of the rounds. Processor time is that of all threads of the \
         process, divided by the requests; \"added\" is what it is more than the router alone in the same round.{}{}\n",
        today()?,
        envoy::version()?,
        cpu::processor(),
        std::thread::available_parallelism()?,
        env!("CARGO_PKG_VERSION"),
        extent.rounds,
        extent.span.as_secs_f64(),
        match extent.rate {
            0 => String::new(),
            rate => format!(" Latencies are at {rate} requests a second, from the moment each should have been sent."),
        },
        if extent.has_upstream { "" } else { " Envoy answers itself: there is no upstream." },
    )?;
    text.push_str("| way | Envoy, us a request | added | other process, us | requests/s | p50 | p99 | p99.9 |\n");
    text.push_str("|---|---|---|---|---|---|---|---|\n");
    for row in figures {
        let service = row.service.map_or_else(|| "-".to_owned(), |spread| format!("{:.1}", spread.median));
        let [p50, p99, p999] = row.latencies.map(shown);
        writeln!(
            text,
            "| {} | {:.1} | **{:.1}** ({:.1} to {:.1}) | {service} | {:.0} | {p50} | {p99} | {p999} |",
            row.title, row.envoy.median, row.added.median, row.added.low, row.added.high, row.throughput
        )?;
    }
    text.push('\n');
    text.push_str(&ratios(figures)?);
    Ok(text)
}

/// The ratios that usher is held to.
fn ratios(figures: &[Figures]) -> Result<String> {
    let added = |name: &str| figures.iter().find(|row| row.name == name).map(|row| row.added.median);
    let both = |name: &str| {
        let row = figures.iter().find(|row| row.name == name)?;
        Some(row.added.median + row.service.map_or(0.0, |service| service.median))
    };
    let first_alone = |name: &str| Some(added(name)? - (added("login")? - added("noop")?));
    let rows = [
        ("a session, of `jwt_authn` with cache, 6 headers and RBAC", added("usher"), added("jwt-6")),
        ("the same of the filter that only makes the host calls of a session", added("bare-session"), added("jwt-6")),
        (
            "first sight without the call to the store, RS256, of `jwt_authn` without cache",
            first_alone("first-rs256"),
            added("jwt-rs256"),
        ),
        (
            "the same of the filter that only makes the host calls of a first sight",
            first_alone("bare-first"),
            added("jwt-rs256"),
        ),
        ("first sight without the call to the store, ES256", first_alone("first-es256"), added("jwt-es256")),
        ("the same, EdDSA", first_alone("first-eddsa"), added("jwt-eddsa")),
        ("HTTP `ext_authz` over both processes, of a session", both("authz-http"), added("usher")),
        ("gRPC `ext_authz` over both processes, of a session", both("authz-grpc"), added("usher")),
    ];
    let mut text = String::from("| compared | ratio |\n|---|---|\n");
    for (what, one, other) in rows {
        if let (Some(one), Some(other)) = (one, other) {
            writeln!(text, "| {what} | {:.2} ({one:.1} / {other:.1} us) |", one / other)?;
        }
    }
    text.push_str(
        "\nThe call to the store is taken off as what the wasm filter that puts a login to the same store costs more than the one that does nothing.\n",
    );
    Ok(text)
}

fn shown(duration: Duration) -> String {
    if duration.is_zero() {
        return "-".to_owned();
    }
    let micros = duration.as_secs_f64() * 1e6;
    if micros < 1000.0 { format!("{micros:.0} us") } else { format!("{:.1} ms", micros / 1000.0) }
}

fn today() -> Result<String> {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d"]).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A bar for each way: Envoy's part, and that of the other process behind it.
pub(crate) fn chart(figures: &[Figures]) -> String {
    const LEFT: f64 = 430.0;
    const WIDTH: f64 = 480.0;
    const ROW: f64 = 26.0;
    let rows: Vec<_> = figures.iter().filter(|row| row.name != "router").collect();
    let whole = |row: &Figures| row.added.median.max(0.0) + row.service.map_or(0.0, |service| service.median);
    let longest = rows.iter().map(|row| whole(row)).fold(1.0, f64::max);
    let height = ROW * rows.len() as f64 + 60.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1000 {height:.0}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>Processor time added to each request</title>\n\
         <rect width=\"1000\" height=\"{height:.0}\" fill=\"#fff\"/>\n\
         <text x=\"10\" y=\"22\" font-weight=\"bold\">Processor time added to each request, us: in Envoy, and in another process</text>\n"
    );
    for (number, row) in rows.iter().enumerate() {
        let y = 40.0 + ROW * number as f64;
        let scale = WIDTH / longest;
        let own = row.added.median.max(0.0) * scale;
        let other = row.service.map_or(0.0, |service| service.median) * scale;
        let color = if row.title.starts_with("**") { "#0b6e4f" } else { "#7a8793" };
        let title = row.title.replace("**", "").replace('`', "").replace('&', "&amp;").replace('<', "&lt;");
        // Writing into a text cannot fail.
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{title}</text>\
             <rect x=\"{LEFT:.0}\" y=\"{y:.0}\" width=\"{own:.1}\" height=\"18\" fill=\"{color}\"/>\
             <rect x=\"{:.1}\" y=\"{y:.0}\" width=\"{other:.1}\" height=\"18\" fill=\"#d9a441\"/>\
             <text x=\"{:.1}\" y=\"{:.0}\">{:.1}</text>",
            LEFT - 8.0,
            y + 14.0,
            LEFT + own,
            LEFT + own + other + 6.0,
            y + 14.0,
            whole(row)
        );
    }
    svg.push_str("</svg>\n");
    svg
}
