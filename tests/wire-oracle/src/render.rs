//! A value as the JSON that Kafka's own converters read, and as the text that our structs show.

use std::fmt::Write;

use ottla_wire::Records;
use ottla_wire_schema::{Field, Message, Struct, Type};
use serde_json::{Map, Value as Json};

use crate::value::Value;

/// As JSON, with the fields that the version has.
pub fn json(message: &Message, version: i16, value: &Value) -> Json {
    json_struct(message, message.top(), version, value)
}

fn json_struct(message: &Message, part: &Struct, version: i16, value: &Value) -> Json {
    let present = fields(part, value).filter(|(field, _)| field.versions.contains(version));
    let entries = present.map(|(field, value)| {
        let mut letters = field.name.chars();
        let name: String = letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect();
        (name, json_value(message, &field.ty, version, value))
    });
    Json::Object(entries.collect::<Map<_, _>>())
}

fn json_value(message: &Message, ty: &Type, version: i16, value: &Value) -> Json {
    match (value, ty) {
        (Value::Null, _) => Json::Null,
        (Value::Bool(value), _) => Json::from(*value),
        (Value::Number(value), _) => Json::from(*value),
        (Value::Float(value), _) => Json::from(*value),
        (Value::Text(text), _) => Json::from(text.as_str()),
        (Value::Bytes(bytes), _) => Json::from(base64(bytes)),
        (Value::Uuid(bytes), _) => Json::from(uuid(*bytes)),
        (Value::Array(elements), Type::Array(element)) => {
            elements.iter().map(|value| json_value(message, element, version, value)).collect()
        }
        (Value::Struct(_), Type::Struct(name)) => json_struct(message, message.part(name), version, value),
        _ => panic!("{value:?} is not of type {ty:?}"),
    }
}

/// As our struct shows it.
pub fn debug(message: &Message, value: &Value) -> String {
    let mut text = String::new();
    debug_struct(message, message.top(), value, &mut text);
    text
}

fn debug_struct(message: &Message, part: &Struct, value: &Value, text: &mut String) {
    text.push_str(&part.name);
    for (place, (field, value)) in fields(part, value).enumerate() {
        let before = if place == 0 { " { " } else { ", " };
        let _ = write!(text, "{before}{}: ", snake(&field.name));
        match (field.is_nullable(), value) {
            (true, Value::Null) => text.push_str("None"),
            (true, value) => {
                text.push_str("Some(");
                debug_value(message, &field.ty, value, text);
                text.push(')');
            }
            (false, value) => debug_value(message, &field.ty, value, text),
        }
    }
    if !part.fields.is_empty() {
        text.push_str(" }");
    }
}

fn debug_value(message: &Message, ty: &Type, value: &Value, text: &mut String) {
    let written = match (value, ty) {
        (Value::Bool(value), _) => write!(text, "{value}"),
        (Value::Number(value), _) => write!(text, "{value}"),
        (Value::Float(value), _) => write!(text, "{value:?}"),
        (Value::Text(value), _) => write!(text, "{value:?}"),
        (Value::Bytes(bytes), Type::Records) => write!(text, "{:?}", Records::Bytes(bytes)),
        (Value::Bytes(bytes), _) => write!(text, "{bytes:?}"),
        (Value::Uuid(bytes), _) => write!(text, "{}", uuid(*bytes)),
        (Value::Array(elements), Type::Array(element)) => {
            text.push('[');
            for (place, value) in elements.iter().enumerate() {
                text.push_str(if place == 0 { "" } else { ", " });
                debug_value(message, element, value, text);
            }
            text.push(']');
            Ok(())
        }
        (Value::Struct(_), Type::Struct(name)) => {
            debug_struct(message, message.part(name), value, text);
            Ok(())
        }
        _ => panic!("{value:?} is not of type {ty:?}"),
    };
    written.expect("a string takes whatever is written to it");
}

fn fields<'v>(part: &'v Struct, value: &'v Value) -> impl Iterator<Item = (&'v Field, &'v Value)> {
    let Value::Struct(values) = value else { panic!("{value:?} is no {}", part.name) };
    assert_eq!(values.len(), part.fields.len(), "one value for each field of {}", part.name);
    part.fields.iter().zip(values)
}

/// Written apart from the generator's, on purpose: two that must agree.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut before = ' ';
    for (place, letter) in name.char_indices() {
        let next_is_small = name[place + letter.len_utf8()..].starts_with(|next: char| next.is_ascii_lowercase());
        if place > 0 && letter.is_ascii_uppercase() && (!before.is_ascii_uppercase() || next_is_small) {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
        before = letter;
    }
    snake
}

fn uuid(bytes: [u8; 16]) -> String {
    // The standard alphabet with two letters exchanged and without padding: Kafka's text of an id.
    base64(&bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place)) & 63;
            text.push(if place <= chunk.len() { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_standards() {
        let check = |bytes: &str, text: &str| assert_eq!(base64(bytes.as_bytes()), text);
        check("", "");
        check("f", "Zg==");
        check("fo", "Zm8=");
        check("foo", "Zm9v");
        check("foob", "Zm9vYg==");
    }
}
