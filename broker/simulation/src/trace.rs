//! What happened in a run, line by line: a sum over all of it, by which two runs are compared, and its end, which is
//! shown when a run fails.

use std::collections::VecDeque;
use std::fmt;

/// How many lines are kept to be shown: some seconds of a world's life.
const LINES_KEPT: usize = 80;

/// The story of a run.
#[derive(Debug)]
pub struct Trace {
    sum: u64,
    lines: u64,
    last: VecDeque<String>,
    is_shown: bool,
}

impl Trace {
    /// A story that begins; `is_shown` lets it be told while it happens.
    pub fn new(is_shown: bool) -> Trace {
        Trace { sum: 0xcbf2_9ce4_8422_2325, lines: 0, last: VecDeque::new(), is_shown }
    }

    /// Something happened.
    pub fn tell(&mut self, what: fmt::Arguments<'_>) {
        let line = what.to_string();
        // FNV-1a: the same everywhere, and any line that differs shows.
        for byte in line.bytes().chain([b'\n']) {
            self.sum = (self.sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.lines += 1;
        if self.is_shown {
            #[allow(clippy::print_stdout)] // asked for by who replays a run
            {
                println!("{line}");
            }
        }
        if self.last.len() == LINES_KEPT {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    /// Whether somebody reads along.
    pub fn is_shown(&self) -> bool {
        self.is_shown
    }

    /// Tells what is no part of the story, to who reads along.
    pub fn whisper(&self, lines: &[String]) {
        for line in lines.iter().filter(|_| self.is_shown) {
            #[allow(clippy::print_stdout)] // as above
            {
                println!("    {line}");
            }
        }
    }

    /// The sum over all lines.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// How many lines there were.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The last lines.
    pub fn tail(&self) -> impl Iterator<Item = &str> {
        self.last.iter().map(String::as_str)
    }
}
