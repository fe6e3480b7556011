//! The tables of the demonstration: what the input files say beside what consumers got, and whether both are the same.

use anyhow::{Result, bail};
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use ottla_test_clients::Record;

use super::data;

/// One row: a part of a data set that was sent, and all that consumers read of its topic in that part of the story.
pub struct Comparison<'a> {
    /// The data set.
    pub topic: &'a str,
    /// Who sent it.
    pub producer: &'a str,
    /// What was sent, in that order.
    pub sent: &'a [Record],
    /// What each reader got, by the reader's name.
    pub read: Vec<(&'a str, Vec<&'a Record>)>,
}

/// Prints a table of `comparisons` under `title`, and fails unless every row is the same on both sides.
pub fn compare(title: &str, comparisons: &[Comparison<'_>]) -> Result<()> {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header([
        "data",
        "written by",
        "records",
        "checksum of the file",
        "read",
        "read by",
        "checksum of what was read",
        "",
    ]);
    let mut wrong = Vec::new();
    for row in comparisons {
        let all = || row.read.iter().flat_map(|(_, records)| records.iter().copied());
        let sent = data::checksum(row.sent)?;
        let got = data::checksum(all())?;
        let shares: Vec<String> = row.read.iter().map(|(name, records)| format!("{name} {}", records.len())).collect();
        let verdict = if all().count() != row.sent.len() || sent != got {
            "DIFFERS"
        } else if !data::is_in_order(row.sent, all()) {
            "OUT OF ORDER"
        } else {
            "same, in order"
        };
        if verdict != "same, in order" {
            wrong.push(row.topic);
        }
        table.add_row([
            row.topic,
            row.producer,
            &row.sent.len().to_string(),
            &sent,
            &all().count().to_string(),
            &shares.join(", "),
            &got,
            verdict,
        ]);
    }
    println!("\n{title}\n{table}");
    if !wrong.is_empty() {
        bail!("what was read of {} is not what was sent", wrong.join(", "));
    }
    Ok(())
}
