//! A struct's definition, and its `Default` where it cannot be derived.

use std::fmt::Write;

use ottla_wire_schema::{Field, Kind, Message, Struct};

use super::rust::{default, default_is_derived, field_type, lifetime, snake};

pub(super) fn emit(message: &Message, part: &Struct) -> String {
    let mut text = String::new();
    let derived = part.fields.iter().all(default_is_derived);
    let default_word = if derived { ", Default" } else { "" };
    let name = &part.name;
    let lifetime = lifetime(message, part);
    let _ = writeln!(text, "/// {}", describe(message, part));
    let _ = writeln!(text, "#[derive(Clone, Debug{default_word}, PartialEq)]\npub struct {name}{lifetime} {{");
    for field in &part.fields {
        let _ = writeln!(text, "/// {}", describe_field(field));
        let _ = writeln!(text, "pub {}: {},", snake(&field.name), field_type(message, field));
    }
    text.push_str("}\n\n");
    if !derived {
        let anonymous = if lifetime.is_empty() { "" } else { "<'_>" };
        let _ = writeln!(text, "impl Default for {name}{anonymous} {{\nfn default() -> Self {{\nSelf {{");
        for field in &part.fields {
            let _ = writeln!(text, "{}: {},", snake(&field.name), default(field));
        }
        text.push_str("}\n}\n}\n\n");
    }
    text
}

fn describe(message: &Message, part: &Struct) -> String {
    if part.name != message.name {
        return format!("Of [`{}`], in versions {}.", message.name, part.versions);
    }
    let key = message.key.map_or(String::new(), |key| match message.kind {
        Kind::Request | Kind::Response => format!(", API key {key}"),
        _ => format!(", record type {key}"),
    });
    format!("Kafka's `{}`{key}, versions {}, flexible {}.", message.name, message.versions, message.flexible)
}

/// All that the schema says and the Rust type does not.
fn describe_field(field: &Field) -> String {
    let mut text = format!("Versions {}", field.versions);
    if let Some((tag, versions)) = field.tag {
        let _ = write!(text, ", tag {tag} in {versions}");
    }
    if field.is_nullable() {
        let _ = write!(text, ", null in {}", field.nullable);
    }
    if let Some(default) = field.default.as_deref().filter(|default| !default.is_empty()) {
        let _ = write!(text, ", default {default}");
    }
    if field.ignorable {
        text.push_str(", ignorable");
    }
    if let Some(entity) = &field.entity {
        let _ = write!(text, "; a {entity}");
    }
    text.push('.');
    text
}
