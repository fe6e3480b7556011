//! What a person sees while a chore works: one line a step, with a spinner on a terminal and plain lines elsewhere
//! (a CI log has no cursor to move). Given the step's name and notes on how far it is; nothing is decided here.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Without a terminal a long step says that it lives, at this interval: far below the silence that CI systems suspect.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// A step that is under way. Dropping it without [`Step::done`] leaves its line unfinished, as an error message follows.
pub struct Step {
    name: String,
    began: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
}

/// Begins a step.
pub fn step(name: impl Into<String>) -> Step {
    let name = name.into();
    let bar = std::io::stderr().is_terminal().then(|| {
        let style = ProgressStyle::with_template("{spinner} {prefix} {wide_msg:.dim} {elapsed}")
            .expect("the template is well formed");
        let bar = ProgressBar::new_spinner().with_style(style).with_prefix(name.clone());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    });
    if bar.is_none() {
        eprintln!("    {name} ...");
    }
    Step { name, began: Instant::now(), told: Instant::now(), bar }
}

impl Step {
    /// How far the step is.
    pub fn note(&mut self, note: impl Into<String>) {
        match &self.bar {
            Some(bar) => bar.set_message(note.into()),
            None if self.told.elapsed() >= SIGN_OF_LIFE => {
                self.told = Instant::now();
                eprintln!("    {} ... {} ({} s)", self.name, note.into(), self.began.elapsed().as_secs());
            }
            None => {}
        }
    }

    /// The step succeeded.
    pub fn done(self) {
        self.done_with("");
    }

    /// The step succeeded, and this came of it.
    pub fn done_with(self, result: &str) {
        let took = self.began.elapsed().as_secs_f64();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let separator = if result.is_empty() { "" } else { ": " };
        eprintln!("  ✓ {}{separator}{result} ({took:.1} s)", self.name);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
