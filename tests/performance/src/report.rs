//! The table that `docs/performance.md` shows: both values, their spreads, the ratio, and the goal.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::server::Whose;
use crate::statistics::Samples;

/// What a measurement is called, how it is counted, and what we aim at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Figure {
    /// In words, as the table shows it.
    pub name: &'static str,
    /// Of one value.
    pub unit: &'static str,
    /// In words.
    pub goal: &'static str,
}

/// All rounds of all measurements.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order in which they were first measured.
    order: Vec<Figure>,
    samples: BTreeMap<(Figure, Whose), Samples>,
}

impl Report {
    /// Takes one round's value.
    pub fn push(&mut self, figure: Figure, whose: Whose, value: f64) {
        if !self.order.contains(&figure) {
            self.order.push(figure);
        }
        self.samples.entry((figure, whose)).or_default().push(value);
    }

    /// The table in Markdown. The ratio is ours divided by Kafka's.
    pub fn table(&self) -> String {
        let mut text = String::from("| | Apache Kafka | Ottla | ratio | goal |\n|---|---|---|---|---|\n");
        for figure in &self.order {
            let of = |whose| self.samples.get(&(*figure, whose));
            let shown = |whose| of(whose).map_or("–".to_owned(), |samples| show(samples, figure.unit));
            let ratio = match (of(Whose::Kafka), of(Whose::Ottla)) {
                (Some(kafka), Some(ottla)) => format!("{:.2}", ottla.median() / kafka.median()),
                _ => "–".to_owned(),
            };
            let row = format!(
                "| {} | {} | {} | {ratio} | {} |",
                figure.name,
                shown(Whose::Kafka),
                shown(Whose::Ottla),
                figure.goal
            );
            writeln!(text, "{row}").expect("a string takes every line");
        }
        text
    }
}

fn show(samples: &Samples, unit: &str) -> String {
    let (least, most) = samples.spread();
    format!("{} {unit} ({}–{})", short(samples.median()), short(least), short(most))
}

/// Three digits that mean something.
fn short(value: f64) -> String {
    let decimals = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_both_medians_and_their_ratio() {
        let figure = Figure { name: "start", unit: "ms", goal: "≤ 100 ms" };
        let mut report = Report::default();
        report.push(figure, Whose::Kafka, 2000.0);
        report.push(figure, Whose::Ottla, 20.0);
        let row = "| start | 2000 ms (2000–2000) | 20.0 ms (20.0–20.0) | 0.01 | ≤ 100 ms |\n";
        assert!(report.table().ends_with(row), "{}", report.table());
    }
}
