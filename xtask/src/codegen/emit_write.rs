//! The function that writes a struct.

use std::fmt::Write;

use ottla_wire_schema::{Field, Message, Struct, Type, Versions};

use super::rust::{When, context, differs, fixed_bytes, method, snake, when, when_flexible};

pub(super) fn emit(message: &Message, part: &Struct) -> String {
    let context = context(message, part);
    let mut body = String::new();
    for field in &part.fields {
        body.push_str(&write_untagged(message, part, field, context));
    }
    body.push_str(&write_tags(message, part, context));
    let writer = if body.contains("writer") { "writer" } else { "_writer" };
    let form = if body.contains("form") { "form" } else { "_form" };
    format!("fn encode(&self, {writer}: &mut Writer, {form}: Form) -> Result<(), WireError> {{\n{body}Ok(())\n}}\n")
}

/// Writes a field in the versions where it stands in its place, and refuses a value in those that lack it.
fn write_untagged(message: &Message, part: &Struct, field: &Field, context: Versions) -> String {
    let present = if field.tag.is_some() { Versions::NONE } else { field.versions.and(context) };
    let lacking = refuse_value(message, part, field);
    let write = || format!("{};\n", write(message, part, field, present));
    match when(present, context) {
        When::Always => write(),
        When::If(condition) if lacking.is_empty() => format!("if {condition} {{ {} }}\n", write()),
        When::If(condition) => format!("if {condition} {{ {} }} else {lacking}", write()),
        When::Never if lacking.is_empty() => String::new(),
        When::Never if field.versions.and(context).is_empty() => lacking,
        // It is tagged where it is at all, and refused in the versions before that.
        When::Never => match when(Versions { min: 0, max: field.versions.min - 1 }, context) {
            When::Always => lacking,
            When::Never => String::new(),
            When::If(condition) => format!("if {condition} && {}", lacking.trim_start_matches("if ")),
        },
    }
}

/// `if` it has a value, an error; empty where the schema lets a writer drop it.
fn refuse_value(message: &Message, part: &Struct, field: &Field) -> String {
    if field.ignorable {
        return String::new();
    }
    let place = format!("self.{}", snake(&field.name));
    format!("if {} {{ return Err(form.lacks({})); }}\n", differs(field, &place), full_name(message, part, field))
}

/// How an error names a field: message, then field, with its struct when that is not the message.
fn full_name(message: &Message, part: &Struct, field: &Field) -> String {
    let struct_name = if part.name == message.name { String::new() } else { format!("{}.", part.name) };
    format!("{:?}, \"{struct_name}{}\"", message.name, field.name)
}

/// The call that writes a field in versions where it is present, without a semicolon.
fn write(message: &Message, part: &Struct, field: &Field, present: Versions) -> String {
    let place = format!("self.{}", snake(&field.name));
    if !field.is_nullable() {
        return write_value(field, &place);
    }
    let nullable = match &field.ty {
        Type::String | Type::Bytes => format!("{place}.as_deref()"),
        _ => format!("{place}.as_ref()"),
    };
    let form = if field.rigid { "form.rigid()" } else { "form" };
    let write_nullable = format!("writer.nullable_{}({nullable}, {form})?", method(&field.ty));
    let required = format!("form.required({nullable}, {})?", full_name(message, part, field));
    let write_required = match &field.ty {
        Type::Struct(_) => format!("{required}.encode(writer, {form})?"),
        ty => format!("writer.{}({required}, {form})?", method(ty)),
    };
    match when(field.nullable, present) {
        When::Always => write_nullable,
        When::Never => write_required,
        When::If(condition) => format!("if {condition} {{ {write_nullable}; }} else {{ {write_required}; }}"),
    }
}

fn write_value(field: &Field, place: &str) -> String {
    let form = if field.rigid { "form.rigid()" } else { "form" };
    match &field.ty {
        Type::Struct(_) => format!("{place}.encode(writer, form)?"),
        ty if fixed_bytes(ty).is_some() => format!("writer.{}({place})", method(ty)),
        ty => format!("writer.{}(&{place}, {form})?", method(ty)),
    }
}

fn write_tags(message: &Message, part: &Struct, context: Versions) -> String {
    let mut fields: Vec<(u32, &Field, Versions)> = part
        .fields
        .iter()
        .filter_map(|field| field.tag.map(|(tag, versions)| (tag, field, versions.and(context))))
        .filter(|(_, _, present)| !present.is_empty())
        .collect();
    fields.sort_by_key(|(tag, ..)| *tag);
    let mut calls = String::new();
    for (tag, field, present) in fields {
        let mut condition = differs(field, &format!("self.{}", snake(&field.name)));
        if let When::If(version) = when(present, message.flexible.and(context)) {
            condition = format!("{version} && {condition}");
        }
        let write = write(message, part, field, present);
        let closure = match write.strip_suffix('?') {
            Some(whole) if !whole.contains('?') => format!("|writer| {whole}"),
            _ => format!("|writer| {{ {write}; Ok(()) }}"),
        };
        let _ = writeln!(calls, "if {condition} {{ tags.field({tag}, {closure})?; }}");
    }
    let all = if calls.is_empty() {
        "writer.unsigned_varint(0);\n".to_owned()
    } else {
        format!("let mut tags = writer.tags();\n{calls}")
    };
    match when_flexible(message, context) {
        When::Always => all,
        When::Never => String::new(),
        When::If(condition) => format!("if {condition} {{ {all} }}\n"),
    }
}
