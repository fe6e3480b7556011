//! The function that reads a struct, and the width of those that always take the same number of bytes.

use std::fmt::Write;

use ottla_wire_schema::{Field, Message, Struct, Type, Versions};

use super::rust::{When, context, default, fixed_bytes, method, snake, when, when_flexible};

pub(super) fn emit(message: &Message, part: &Struct) -> String {
    let context = context(message, part);
    let mut fields = String::new();
    for field in &part.fields {
        let _ = writeln!(fields, "{}: {},", snake(&field.name), read_or_default(field, context));
    }
    let tags = read_tags(message, part, context);
    let mutable = if tags.contains("value.") { "mut " } else { "" };
    let body = if tags.is_empty() {
        format!("Ok(Self {{ {fields} }})")
    } else {
        format!("let {mutable}value = Self {{ {fields} }};\n{tags}Ok(value)")
    };
    let reader = if body.contains("reader") { "reader" } else { "_reader" };
    let form = if body.contains("form") { "form" } else { "_form" };
    format!("fn decode({reader}: &mut Reader<'a>, {form}: Form) -> Result<Self, WireError> {{\n{body}\n}}\n")
}

/// Where an untagged field is in the version, the call that reads it; otherwise its default.
fn read_or_default(field: &Field, context: Versions) -> String {
    let present = if field.tag.is_some() { Versions::NONE } else { field.versions.and(context) };
    match when(present, context) {
        When::Always => read(field, present),
        When::Never => default(field),
        When::If(condition) => format!("if {condition} {{ {} }} else {{ {} }}", read(field, present), default(field)),
    }
}

/// The call that reads a field in versions where it is present.
fn read(field: &Field, present: Versions) -> String {
    if !field.is_nullable() {
        return read_value(field, "");
    }
    match when(field.nullable, present) {
        When::Always => read_value(field, "nullable_"),
        When::Never => format!("Some({})", read_value(field, "")),
        When::If(condition) => {
            format!(
                "if {condition} {{ {} }} else {{ Some({}) }}",
                read_value(field, "nullable_"),
                read_value(field, "")
            )
        }
    }
}

fn read_value(field: &Field, nullable: &str) -> String {
    match &field.ty {
        Type::Struct(name) if nullable.is_empty() => format!("{name}::decode(reader, form)?"),
        ty if fixed_bytes(ty).is_some() => format!("reader.{}()?", method(ty)),
        ty => format!("reader.{nullable}{}({})?", method(ty), if field.rigid { "form.rigid()" } else { "form" }),
    }
}

fn read_tags(message: &Message, part: &Struct, context: Versions) -> String {
    let flexible = when_flexible(message, context);
    let mut arms = String::new();
    for field in &part.fields {
        let Some((tag, versions)) = field.tag else { continue };
        let present = versions.and(context);
        let guard = match when(present, message.flexible.and(context)) {
            When::Always => String::new(),
            When::Never => continue,
            When::If(condition) => format!(" if {condition}"),
        };
        let _ = writeln!(arms, "{tag}{guard} => value.{} = {},", snake(&field.name), read(field, present));
    }
    let call = if arms.is_empty() {
        "reader.skip_tags()?;\n".to_owned()
    } else {
        format!("reader.tags(|tag, reader| {{ match tag {{ {arms} _ => return Ok(false), }} Ok(true) }})?;\n")
    };
    match flexible {
        When::Always => call,
        When::Never => String::new(),
        When::If(condition) => format!("if {condition} {{ {call} }}\n"),
    }
}

/// A struct of numbers alone takes the same bytes everywhere but for its tagged fields; nothing for any other struct.
pub(super) fn emit_width(message: &Message, part: &Struct) -> String {
    let context = context(message, part);
    let mut terms = Vec::new();
    for field in part.fields.iter().filter(|field| field.tag.is_none()) {
        let Some(bytes) = fixed_bytes(&field.ty) else { return String::new() };
        match when(field.versions, context) {
            When::Always => terms.push(bytes.to_string()),
            When::Never => {}
            When::If(condition) => terms.push(format!("(if {condition} {{ {bytes} }} else {{ 0 }})")),
        }
    }
    if terms.is_empty() {
        return String::new();
    }
    let sum = match terms.join(" + ") {
        sum if terms.len() == 1 => sum.trim_start_matches('(').trim_end_matches(')').to_owned(),
        sum => sum,
    };
    let width = match when_flexible(message, context) {
        When::Always => format!("Width::BeforeTags({sum})"),
        When::Never => format!("Width::Exactly({sum})"),
        When::If(condition) => {
            format!(
                "let bytes = {sum};\nif {condition} {{ Width::BeforeTags(bytes) }} else {{ Width::Exactly(bytes) }}"
            )
        }
    };
    let form = if width.contains("form") { "form" } else { "_form" };
    format!("\nfn width({form}: Form) -> Width {{\n{width}\n}}\n")
}
