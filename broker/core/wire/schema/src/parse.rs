//! From the text of a `.schema` file to a [`Message`]; whatever is wrong is told with its line.
//!
//! The notation is described in `README.md` beside this crate.

use crate::model::{Field, Kind, Message, Struct, Type, Versions};

/// Where a schema is wrong and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ParseError {
    /// Counted from one.
    pub line: usize,
    /// What was expected.
    pub what: String,
}

/// Reads one message.
pub fn parse(text: &str) -> Result<Message, ParseError> {
    let lines: Vec<Line> = text
        .lines()
        .enumerate()
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(index, text)| Line {
            number: index + 1,
            depth: (text.len() - text.trim_start().len()) / 2,
            text: text.trim(),
        })
        .collect();
    let first_block = lines
        .iter()
        .position(|line| line.text == "fields" || line.text.starts_with("struct "))
        .ok_or_else(|| ParseError { line: 1, what: "a message has a line `fields`".to_owned() })?;
    let (head, body) = lines.split_at(first_block);
    let mut message = parse_head(head)?;
    parse_body(&mut message, body)?;
    for part in &message.structs {
        for field in &part.fields {
            check_struct_exists(&message, &field.ty).map_err(|name| ParseError {
                line: 1,
                what: format!("{}.{} is of a struct `{name}` that is nowhere", part.name, field.name),
            })?;
        }
    }
    Ok(message)
}

#[derive(Clone, Copy)]
struct Line<'t> {
    number: usize,
    depth: usize,
    text: &'t str,
}

impl Line<'_> {
    fn wrong(&self, what: impl Into<String>) -> ParseError {
        ParseError { line: self.number, what: what.into() }
    }
}

fn parse_head(lines: &[Line<'_>]) -> Result<Message, ParseError> {
    let (first, rest) = lines
        .split_first()
        .ok_or_else(|| ParseError { line: 1, what: "the first line says kind and name".to_owned() })?;
    let (kind, name) = first.text.split_once(' ').ok_or_else(|| first.wrong("the first line says kind and name"))?;
    let kind = match kind {
        "request" => Kind::Request,
        "response" => Kind::Response,
        "header" => Kind::Header,
        "data" => Kind::Data,
        "metadata" => Kind::Metadata,
        "coordinator-key" => Kind::CoordinatorKey,
        "coordinator-value" => Kind::CoordinatorValue,
        other => return Err(first.wrong(format!("`{other}` is no kind of message"))),
    };
    let mut message = Message {
        kind,
        name: name.to_owned(),
        key: None,
        versions: Versions::NONE,
        flexible: Versions::NONE,
        listeners: Vec::new(),
        latest_unstable: false,
        structs: Vec::new(),
    };
    for line in rest {
        let (word, value) = line.text.split_once(' ').ok_or_else(|| line.wrong("a word and its value"))?;
        match word {
            "key" => message.key = Some(value.parse().map_err(|_| line.wrong("a key is a number"))?),
            "versions" => message.versions = parse_versions(line, value)?,
            "flexible" => message.flexible = parse_versions(line, value)?,
            "listeners" => message.listeners = value.split(' ').map(str::to_owned).collect(),
            "latest-unstable" => message.latest_unstable = value == "true",
            other => return Err(line.wrong(format!("`{other}` says nothing about a message"))),
        }
    }
    message.structs.push(Struct { name: message.name.clone(), versions: message.versions, fields: Vec::new() });
    Ok(message)
}

/// Blocks `struct NAME VERSIONS` and `fields`, each followed by indented fields.
fn parse_body(message: &mut Message, lines: &[Line<'_>]) -> Result<(), ParseError> {
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let length = lines[at + 1..].iter().take_while(|line| line.depth > 0).count();
        let block = &lines[at + 1..at + 1 + length];
        at += 1 + length;
        match line.text.split(' ').collect::<Vec<_>>()[..] {
            ["fields"] => {
                let fields = parse_fields(message, block, 1)?;
                message.structs[0].fields = fields;
            }
            ["struct", name, versions] => {
                let versions = parse_versions(&line, versions)?;
                add_struct(message, &line, name, versions, block, 1)?;
            }
            _ => return Err(line.wrong("a block begins with `fields` or `struct NAME VERSIONS`")),
        }
    }
    Ok(())
}

fn add_struct(
    message: &mut Message,
    line: &Line<'_>,
    name: &str,
    versions: Versions,
    block: &[Line<'_>],
    depth: usize,
) -> Result<(), ParseError> {
    if message.structs.iter().any(|part| part.name == name) {
        return Err(line.wrong(format!("a second struct `{name}`")));
    }
    let place = message.structs.len();
    message.structs.push(Struct { name: name.to_owned(), versions, fields: Vec::new() });
    message.structs[place].fields = parse_fields(message, block, depth)?;
    Ok(())
}

fn parse_fields(message: &mut Message, lines: &[Line<'_>], depth: usize) -> Result<Vec<Field>, ParseError> {
    let mut fields = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        if line.depth != depth {
            return Err(line.wrong("indented too deep for what stands above"));
        }
        let length = lines[at + 1..].iter().take_while(|line| line.depth > depth).count();
        let block = &lines[at + 1..at + 1 + length];
        at += 1 + length;
        let field = parse_field(&line)?;
        if !block.is_empty() {
            let name =
                struct_of(&field.ty).ok_or_else(|| line.wrong("only a struct has fields of its own"))?.to_owned();
            add_struct(message, &line, &name, field.versions, block, depth + 1)?;
        }
        fields.push(field);
    }
    Ok(fields)
}

fn parse_field(line: &Line<'_>) -> Result<Field, ParseError> {
    let mut pieces = line.text.split(", ");
    let [name, ty, versions] = pieces.next().unwrap_or_default().split(' ').collect::<Vec<_>>()[..] else {
        return Err(line.wrong("a field is `Name TYPE VERSIONS`, then attributes after commas"));
    };
    let mut field = Field {
        name: name.to_owned(),
        ty: parse_type(ty),
        versions: parse_versions(line, versions)?,
        nullable: Versions::NONE,
        tag: None,
        default: None,
        ignorable: false,
        key: false,
        rigid: false,
        entity: None,
    };
    for piece in pieces {
        match piece.split(' ').collect::<Vec<_>>()[..] {
            ["nullable", versions] => field.nullable = parse_versions(line, versions)?.and(field.versions),
            ["tag", number, versions] => {
                let number = number.parse().map_err(|_| line.wrong("a tag is a number"))?;
                field.tag = Some((number, parse_versions(line, versions)?.and(field.versions)));
            }
            ["default", value] => field.default = Some(value.trim_matches('"').to_owned()),
            ["entity", entity] => field.entity = Some(entity.to_owned()),
            ["flexible", "none"] => field.rigid = true,
            ["ignorable"] => field.ignorable = true,
            ["key"] => field.key = true,
            // We borrow every run of bytes anyway.
            ["zero-copy"] => {}
            _ => return Err(line.wrong(format!("`{piece}` says nothing about a field"))),
        }
    }
    Ok(field)
}

fn parse_type(text: &str) -> Type {
    match text {
        "bool" => Type::Bool,
        "int8" => Type::Int8,
        "int16" => Type::Int16,
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "uint16" => Type::Uint16,
        "uint32" => Type::Uint32,
        "float64" => Type::Float64,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "records" => Type::Records,
        "uuid" => Type::Uuid,
        other => match other.strip_prefix("[]") {
            Some(element) => Type::Array(Box::new(parse_type(element))),
            None => Type::Struct(other.to_owned()),
        },
    }
}

fn parse_versions(line: &Line<'_>, text: &str) -> Result<Versions, ParseError> {
    let number = |text: &str| text.parse::<i16>().map_err(|_| line.wrong(format!("`{text}` is no version")));
    if text == "none" {
        Ok(Versions::NONE)
    } else if let Some(min) = text.strip_suffix('+') {
        Ok(Versions { min: number(min)?, max: i16::MAX })
    } else if let Some((min, max)) = text.split_once('-') {
        Ok(Versions { min: number(min)?, max: number(max)? })
    } else {
        Ok(Versions { min: number(text)?, max: number(text)? })
    }
}

fn struct_of(ty: &Type) -> Option<&str> {
    match ty {
        Type::Struct(name) => Some(name),
        Type::Array(element) => struct_of(element),
        _ => None,
    }
}

fn check_struct_exists<'m>(message: &Message, ty: &'m Type) -> Result<(), &'m str> {
    match struct_of(ty) {
        Some(name) if !message.structs.iter().any(|part| part.name == name) => Err(name),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_structs_become_parts_with_the_versions_of_their_field() {
        let message = parse(
            "request PairsRequest\nkey 7\nversions 1-3\nflexible 2+\nlisteners broker controller\nlatest-unstable true\n\n\
             struct Shared 0+\n  Id uuid 0+\n\n\
             fields\n  Pairs []Pair 2+, nullable 3+, tag 4 3+, default null, ignorable\n    Left string 2, key, entity topicName\n    \
             Right Shared 2+\n  After int16 0+, default -1\n",
        )
        .unwrap();
        assert_eq!(
            message.structs.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(),
            ["PairsRequest", "Shared", "Pair"]
        );
        assert_eq!(message.part("Pair").versions, Versions { min: 2, max: i16::MAX });
        let pairs = &message.top().fields[0];
        assert_eq!(pairs.tag, Some((4, Versions { min: 3, max: i16::MAX })));
        assert!(pairs.is_null_by_default() && pairs.ignorable && message.latest_unstable);
        assert_eq!(message.top().fields[1].default.as_deref(), Some("-1"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let check = |text: &str, line: usize| assert_eq!(parse(text).unwrap_err().line, line, "{text}");
        check("letter Pair\nversions 0\nfields\n", 1);
        check("data Pair\nversions 0\nweight 3\nfields\n", 3);
        check("data Pair\nversions 0-x\nfields\n", 2);
        check("data Pair\nversions 0\nfields\n  Left int32\n", 4);
        check("data Pair\nversions 0\nfields\n  Left int32 0+, heavy\n", 4);
        check("data Pair\nversions 0\nfields\n  Left int32 0+\n    Right int32 0+\n", 4);
        check("data Pair\nversions 0\nfields\n  Left Missing 0+\n", 1);
    }
}
