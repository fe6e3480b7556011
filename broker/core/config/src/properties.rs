//! Text of `server.properties` to keys and values and back: Java's property format, which is not quite what it looks like.
//!
//! Given the whole text, gives an ordered map; reading the file is the shell's. Escapes, continued lines, `=`, `:` or a blank
//! between key and value, comments with `#` or `!`, and the last of several equal keys wins, all as Java does it.

use core::fmt;
use std::collections::BTreeMap;

use crate::catalogue;
use crate::layers::{listener_key, synonyms};

/// Keys and values, ordered by key.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, String>);

/// A `\u` that is not followed by four hexadecimal digits, in this line (from 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadEscape {
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for BadEscape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: \\u must be followed by four hexadecimal digits", self.line)
    }
}

impl core::error::Error for BadEscape {}

impl Properties {
    /// None set.
    pub fn new() -> Properties {
        Properties::default()
    }

    /// Parses a text.
    ///
    /// # Errors
    /// When an escape is broken, which is the only way in which such a text can be wrong.
    pub fn parse(text: &str) -> Result<Properties, BadEscape> {
        let mut properties = Properties::new();
        for (line, entry) in logical_lines(text) {
            let (key, value) = split(&entry);
            let broken = BadEscape { line };
            properties.set(unescape(key).ok_or(broken)?, unescape(value).ok_or(broken)?);
        }
        Ok(properties)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Whether a key is set.
    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Sets a key.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.insert(key.into(), value.into());
    }

    /// Unsets a key.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        self.0.remove(key)
    }

    /// All of them, ordered by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// How many are set.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Properties {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Properties {
        Properties(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

/// For a log or a failed test: as it was written, without what is secret or looks it.
impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.iter().map(|(key, value)| (key, if is_secret(key) { "[hidden]" } else { value }));
        f.debug_map().entries(shown).finish()
    }
}

fn is_secret(name: &str) -> bool {
    let base = listener_key(name).map_or(name, |(_, base)| base);
    match synonyms(name, true).into_iter().chain([base]).find_map(catalogue::broker_key) {
        Some(key) => key.is_sensitive(),
        // Nobody knows what it is; these names are warning enough.
        None => ["password", "secret", "credential", "token", "jaas"].iter().any(|word| name.contains(word)),
    }
}

/// The text that parses to the same properties, a line for each.
impl fmt::Display for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in self.iter() {
            writeln!(f, "{}={}", escape(key, true), escape(value, false))?;
        }
        Ok(())
    }
}

/// Entries with comments and blank lines gone and continued lines joined, each with the line it begins on.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut entries: Vec<(usize, String)> = Vec::new();
    let mut continues = false;
    for (i, natural) in natural_lines(text).into_iter().enumerate() {
        let line = natural.trim_start_matches(BLANKS);
        // A line that continues nothing but an empty line is a new one: it may be a comment.
        continues &= entries.last().is_some_and(|(_, entry)| !entry.is_empty());
        if !continues && (line.is_empty() || line.starts_with(['#', '!'])) {
            continue;
        }
        if !continues {
            drop_empty(&mut entries);
            entries.push((i + 1, String::new()));
        }
        let slashes = line.bytes().rev().take_while(|b| *b == b'\\').count();
        continues = slashes % 2 == 1;
        let kept = if continues { &line[..line.len() - 1] } else { line };
        if let Some((_, entry)) = entries.last_mut() {
            entry.push_str(kept);
        }
    }
    drop_empty(&mut entries);
    entries
}

/// The last entry, if nothing was written into it.
fn drop_empty(entries: &mut Vec<(usize, String)>) {
    if entries.last().is_some_and(|(_, entry)| entry.is_empty()) {
        entries.pop();
    }
}

const BLANKS: [char; 3] = [' ', '\t', '\x0C'];

fn natural_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find(['\n', '\r']) {
        lines.push(&rest[..end]);
        let both = rest[end..].starts_with("\r\n");
        rest = &rest[end + if both { 2 } else { 1 }..];
    }
    lines.push(rest);
    lines
}

/// Key and value, both still escaped: the key ends at the first bare `=`, `:` or blank.
fn split(entry: &str) -> (&str, &str) {
    let mut escaped = false;
    let mut end = entry.len();
    for (i, c) in entry.char_indices() {
        if !escaped && (c == '=' || c == ':' || BLANKS.contains(&c)) {
            end = i;
            break;
        }
        escaped = c == '\\' && !escaped;
    }
    let after = entry[end..].trim_start_matches(BLANKS);
    let value = after.strip_prefix(['=', ':']).unwrap_or(after).trim_start_matches(BLANKS);
    (&entry[..end], value)
}

fn unescape(text: &str) -> Option<String> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    let mut buffer = [0; 2];
    while let Some(c) = chars.next() {
        let plain = match c {
            '\\' => match chars.next() {
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).collect();
                    let all = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                    units.push(u16::from_str_radix(&digits, 16).ok().filter(|_| all)?);
                    continue;
                }
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\x0C',
                Some(other) => other,
                None => continue,
            },
            other => other,
        };
        units.extend_from_slice(plain.encode_utf16(&mut buffer));
    }
    Some(String::from_utf16_lossy(&units))
}

fn escape(text: &str, is_key: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, c) in text.chars().enumerate() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\x0C' => out.push_str("\\f"),
            ' ' if is_key || i == 0 => out.push_str("\\ "),
            '=' | ':' if is_key => out.extend(['\\', c]),
            '#' | '!' if is_key && i == 0 => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Properties;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let parsed = Properties::parse(text).expect("no broken escape");
        let expected: Properties = expected.iter().copied().collect();
        assert_eq!(parsed, expected, "{text:?}");
        assert_eq!(Properties::parse(&parsed.to_string()), Ok(parsed), "written and read again: {text:?}");
    }

    #[test]
    fn properties_are_read_as_java_reads_them() {
        check("", &[]);
        check("# a comment\n! another\n\n   \na=b", &[("a", "b")]);
        check("a = b \nc:d\ne f", &[("a", "b "), ("c", "d"), ("e", "f")]);
        check("a=1\na=2", &[("a", "2")]);
        check("a=b\\\n   c\r\nd=e", &[("a", "bc"), ("d", "e")]);
        check("a=b\\\\\nc=d", &[("a", "b\\"), ("c", "d")]);
        check("a\\ b\\=c = x\\u0041\\ty", &[("a b=c", "xA\ty")]);
        check("# no \\\na=b", &[("a", "b")]);
        check("a\nb=", &[("a", ""), ("b", "")]);
        check("a==b", &[("a", "=b")]);
        check("url=http://h:1/x#y!z", &[("url", "http://h:1/x#y!z")]);
        check("face=\\uD83D\\uDE00", &[("face", "😀")]);
        check("a=b\\", &[("a", "b")]);
    }

    #[test]
    fn a_broken_escape_names_its_line() {
        let error = Properties::parse("a=1\n\nb=\\u12").expect_err("too few digits");
        assert_eq!(error.to_string(), "line 3: \\u must be followed by four hexadecimal digits");
    }
}
