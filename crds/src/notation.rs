//! The notation of `schema/*.schema`, described in `schema/README.md`: from its lines to [`Schema`]s.
//!
//! Given texts, it gives the kinds that they define, with every shape put in its place. It reads our own files only, so
//! an error names file-independent line text and is for the developer who wrote the line.

use std::collections::BTreeMap;

use crate::schema::{Bounds, Field, Schema};

/// A line that is not in the notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotationError(String);

impl core::fmt::Display for NotationError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotationError {}

/// Reads texts and gives the schema of each `kind` that they define.
///
/// # Errors
/// Names the line that is not in the notation, or the shape that is not defined.
pub fn parse(texts: &[&str]) -> Result<BTreeMap<String, Schema>, NotationError> {
    let mut definitions = Definitions::default();
    for text in texts {
        let lines: Vec<Line<'_>> = text.lines().filter_map(Line::read).collect();
        definitions.read(&lines)?;
    }
    let kinds = definitions.kinds.clone();
    kinds.into_iter().map(|(name, body)| Ok((name, definitions.object(&body)?))).collect()
}

/// One line without its comment and its description.
#[derive(Clone, Debug)]
struct Line<'a> {
    depth: usize,
    text: &'a str,
    description: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Option<Line<'a>> {
        let body = line.trim_start();
        if body.is_empty() || body.starts_with('#') {
            return None;
        }
        let depth = (line.len() - body.len()) / 2;
        let (text, description) = match body.split_once(" -- ") {
            Some((text, description)) => (text, Some(description.trim())),
            None => (body, None),
        };
        Some(Line { depth, text: text.trim_end(), description })
    }
}

/// A field and what is indented below it, before shapes are put in their places.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    required: bool,
    form: String,
    description: Option<String>,
    below: Vec<Entry>,
}

#[derive(Default)]
struct Definitions {
    kinds: BTreeMap<String, Vec<Entry>>,
    shapes: BTreeMap<String, (Option<String>, Vec<Entry>)>,
}

impl Definitions {
    fn read(&mut self, lines: &[Line<'_>]) -> Result<(), NotationError> {
        let mut rest = lines;
        while let Some((head, after)) = rest.split_first() {
            let length = after.iter().take_while(|line| 0 < line.depth).count();
            let body = entries(&after[..length], 1)?;
            match head.text.split_once(' ') {
                Some(("kind", name)) => drop(self.kinds.insert(name.to_owned(), body)),
                Some(("shape", name)) => {
                    drop(self.shapes.insert(name.to_owned(), (head.description.map(str::to_owned), body)));
                }
                _ => return Err(NotationError(format!("`{}` begins neither a kind nor a shape", head.text))),
            }
            rest = &after[length..];
        }
        Ok(())
    }

    fn object(&self, entries: &[Entry]) -> Result<Schema, NotationError> {
        entries.iter().map(|entry| self.field(entry)).collect::<Result<_, _>>().map(Schema::Object)
    }

    fn field(&self, entry: &Entry) -> Result<Field, NotationError> {
        let schema = self
            .form(&entry.form, &entry.below)
            .map_err(|NotationError(message)| NotationError(format!("{message} (field `{}`)", entry.name)))?;
        let shape = self.shapes.get(&entry.form).and_then(|(description, _)| description.clone());
        let description = entry.description.clone().or(shape);
        Ok(Field { name: entry.name.clone(), required: entry.required, schema, description })
    }

    fn form(&self, form: &str, below: &[Entry]) -> Result<Schema, NotationError> {
        if let Some(item) = form.strip_prefix('[').and_then(|form| form.strip_suffix(']')) {
            return Ok(Schema::List(Box::new(self.form(item, below)?)));
        }
        if let Some(expression) = form.strip_prefix('/').and_then(|form| form.strip_suffix('/')) {
            return Ok(Schema::Pattern(expression.replace("\\/", "/")));
        }
        if let Some(shapes) = form.strip_prefix("loose ") {
            return shapes.split(' ').map(|shape| self.form(shape, &[])).collect::<Result<_, _>>().map(Schema::Loose);
        }
        if form.contains(" | ") {
            return Ok(Schema::Word(form.split(" | ").map(str::to_owned).collect()));
        }
        let (name, bounds) = form.split_once(' ').unwrap_or((form, ""));
        Ok(match name {
            "string" => Schema::Text,
            "bool" => Schema::Flag,
            "int" => Schema::Whole(read_bounds(bounds)?),
            "number" => Schema::Number(read_bounds(bounds)?),
            "map" => Schema::PlainMap,
            "free" => Schema::Free,
            "any" => Schema::Any,
            "object" => self.object(below)?,
            shape if shape.starts_with(|letter: char| letter.is_ascii_uppercase()) => {
                let (_, body) = self
                    .shapes
                    .get(shape)
                    .ok_or_else(|| NotationError(format!("the shape `{shape}` is not defined")))?;
                let all: Vec<Entry> = body.iter().chain(below).cloned().collect();
                self.object(&all)?
            }
            // A single word is an enumeration of one.
            word => Schema::Word(vec![word.to_owned()]),
        })
    }
}

fn entries(lines: &[Line<'_>], depth: usize) -> Result<Vec<Entry>, NotationError> {
    let mut entries = Vec::new();
    let mut rest = lines;
    while let Some((head, after)) = rest.split_first() {
        if head.depth != depth {
            return Err(NotationError(format!("`{}` is indented too far", head.text)));
        }
        let length = after.iter().take_while(|line| depth < line.depth).count();
        let (name, form) =
            head.text.split_once(' ').ok_or_else(|| NotationError(format!("`{}` has no type", head.text)))?;
        entries.push(Entry {
            name: name.trim_end_matches('!').to_owned(),
            required: name.ends_with('!'),
            form: form.trim().to_owned(),
            description: head.description.map(str::to_owned),
            below: self::entries(&after[..length], depth + 1)?,
        });
        rest = &after[length..];
    }
    Ok(entries)
}

fn read_bounds(text: &str) -> Result<Bounds, NotationError> {
    if text.is_empty() {
        return Ok(Bounds::default());
    }
    let wrong = || NotationError(format!("`{text}` is not a pair of bounds"));
    let (least, greatest) = text.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str| match text {
        "" => Ok(None),
        digits => digits.parse().map(Some).map_err(|_| wrong()),
    };
    Ok(Bounds { least: number(least)?, greatest: number(greatest)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_put_in_their_places() {
        let kinds = parse(&["shape A -- an A\n  x int 1..\n", "kind K\n  a A\n    y bool\n  b [A] -- many\n"]).unwrap();
        let x = Field {
            name: "x".into(),
            required: false,
            schema: Schema::Whole(Bounds { least: Some(1), greatest: None }),
            description: None,
        };
        let y = Field { name: "y".into(), required: false, schema: Schema::Flag, description: None };
        let a = Field {
            name: "a".into(),
            required: false,
            schema: Schema::Object(vec![x.clone(), y]),
            description: Some("an A".into()),
        };
        let b = Field {
            name: "b".into(),
            required: false,
            schema: Schema::List(Box::new(Schema::Object(vec![x]))),
            description: Some("many".into()),
        };
        assert_eq!(kinds["K"], Schema::Object(vec![a, b]));
    }

    #[test]
    fn a_wrong_line_is_named() {
        let error = |text: &str| parse(&[text]).unwrap_err().to_string();
        assert_eq!(error("kind K\n  a Absent"), "the shape `Absent` is not defined (field `a`)");
        assert_eq!(error("kind K\n  a"), "`a` has no type");
        assert_eq!(error("kind K\n      a int"), "`a int` is indented too far");
        assert_eq!(error("kind K\n  a int 1-2"), "`1-2` is not a pair of bounds (field `a`)");
        assert_eq!(error("thing K"), "`thing K` begins neither a kind nor a shape");
    }
}
