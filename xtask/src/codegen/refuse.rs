//! What a schema may say and the generated code could not keep safe; found here, not by a client.

use anyhow::{Result, ensure};
use ottla_wire_schema::{Message, Struct, Type, Versions};

use super::rust::{context, is_taken};

/// Tagged fields are counted in one byte by wire's writer.
const TAGS_MAX: usize = 127;

pub(super) fn refuse(message: &Message) -> Result<()> {
    for part in &message.structs {
        ensure!(!is_taken(&part.name), "struct `{}` hides a type that generated code uses", part.name);
        ensure!(part.fields.iter().filter(|field| field.tag.is_some()).count() <= TAGS_MAX, "too many tags");
        for field in &part.fields {
            let tagged = field.tagged().and(message.versions);
            ensure!(message.flexible.covers(tagged), "{} is tagged in a version that is not flexible", field.name);
            let present = field.versions.and(message.versions);
            ensure!(field.tag.is_none() || tagged == present, "{} is tagged in some of its versions only", field.name);
            if let Type::Array(element) = &field.ty {
                ensure!(!matches!(**element, Type::Array(_)), "{} is an array of arrays", field.name);
            }
        }
        refuse_recursion(message, part, &mut vec![&part.name])?;
    }
    for version in message.versions.min..=message.versions.max {
        for part in message.structs.iter().filter(|part| part.versions.contains(version)) {
            refuse_empty_elements(message, part, version)?;
        }
    }
    Ok(())
}

/// The depth of a value is the depth of its schema: a struct within itself would let a client choose our stack.
fn refuse_recursion<'m>(message: &'m Message, part: &'m Struct, above: &mut Vec<&'m String>) -> Result<()> {
    for field in &part.fields {
        let element = if let Type::Array(element) = &field.ty { element } else { &field.ty };
        let Type::Struct(name) = element else { continue };
        ensure!(!above.contains(&name), "struct `{name}` contains itself");
        above.push(name);
        refuse_recursion(message, message.part(name), above)?;
        above.pop();
    }
    Ok(())
}

/// The reader bounds a count by the bytes that are left, and so its own time: each element must take one at least.
fn refuse_empty_elements(message: &Message, part: &Struct, version: i16) -> Result<()> {
    for field in part.fields.iter().filter(|field| field.versions.contains(version)) {
        if let Type::Array(element) = &field.ty {
            let Type::Struct(name) = &**element else { continue };
            let bytes = struct_bytes_min(message, message.part(name), version);
            ensure!(bytes > 0, "an element of {} may be empty in version {version}", field.name);
        }
    }
    Ok(())
}

fn struct_bytes_min(message: &Message, part: &Struct, version: i16) -> usize {
    let tags = usize::from(message.flexible.contains(version));
    let now = Versions { min: version, max: version };
    let fields = part.fields.iter().filter(|field| !now.and(field.versions).and(context(message, part)).is_empty());
    let untagged = fields.filter(|field| !field.tagged().contains(version));
    tags + untagged.map(|field| if matches!(field.ty, Type::Struct(_)) { 0 } else { 1 }).sum::<usize>()
}
