//! A value as bytes, by walking the schema: a second opinion on the generated code that shares nothing with it.

use ottla_wire_schema::{Field, Message, Struct, Type};

use crate::value::Value;

/// The bytes of a message in one of its versions.
pub fn encode(message: &Message, version: i16, value: &Value) -> Vec<u8> {
    let mut encoder = Encoder { message, version, flexible: message.flexible.contains(version), bytes: Vec::new() };
    encoder.part(message.top(), value);
    encoder.bytes
}

struct Encoder<'e> {
    message: &'e Message,
    version: i16,
    flexible: bool,
    bytes: Vec<u8>,
}

impl Encoder<'_> {
    fn part(&mut self, part: &Struct, value: &Value) {
        let Value::Struct(values) = value else { panic!("{value:?} is no {}", part.name) };
        let mut tagged: Vec<(u32, Vec<u8>)> = Vec::new();
        let version = self.version;
        for (field, value) in part.fields.iter().zip(values).filter(|(field, _)| field.versions.contains(version)) {
            match field.tag.filter(|(_, versions)| versions.contains(version)) {
                None => self.field(field, value),
                Some(_) if *value == Value::default_of(self.message, field) => {}
                Some((tag, _)) => {
                    let outside = std::mem::take(&mut self.bytes);
                    self.field(field, value);
                    tagged.push((tag, std::mem::replace(&mut self.bytes, outside)));
                }
            }
        }
        if self.flexible {
            tagged.sort();
            self.varint(tagged.len());
            for (tag, bytes) in tagged {
                self.varint(tag as usize);
                self.varint(bytes.len());
                self.bytes.extend(bytes);
            }
        }
    }

    fn field(&mut self, field: &Field, value: &Value) {
        let flexible = self.flexible;
        self.flexible &= !field.rigid;
        let nullable = field.nullable.contains(self.version);
        if nullable && matches!(field.ty, Type::Struct(_)) {
            self.bytes.push(if *value == Value::Null { 0xff } else { 1 });
        }
        match (&field.ty, value) {
            (Type::Struct(_), Value::Null) => {}
            (ty, Value::Null) => self.length(ty, None),
            (ty, value) => self.value(ty, value),
        }
        self.flexible = flexible;
    }

    fn value(&mut self, ty: &Type, value: &Value) {
        match (ty, value) {
            (Type::Bool, Value::Bool(value)) => self.bytes.push(u8::from(*value)),
            (Type::Int8, Value::Number(value)) => self.big_endian(*value, 1),
            (Type::Int16 | Type::Uint16, Value::Number(value)) => self.big_endian(*value, 2),
            (Type::Int32 | Type::Uint32, Value::Number(value)) => self.big_endian(*value, 4),
            (Type::Int64, Value::Number(value)) => self.big_endian(*value, 8),
            (Type::Float64, Value::Float(value)) => self.bytes.extend(value.to_bits().to_be_bytes()),
            (Type::Uuid, Value::Uuid(bytes)) => self.bytes.extend(bytes),
            (Type::String, Value::Text(text)) => {
                self.length(ty, Some(text.len()));
                self.bytes.extend(text.as_bytes());
            }
            (Type::Bytes | Type::Records, Value::Bytes(bytes)) => {
                self.length(ty, Some(bytes.len()));
                self.bytes.extend(bytes);
            }
            (Type::Array(element), Value::Array(values)) => {
                self.length(ty, Some(values.len()));
                for value in values {
                    self.value(element, value);
                }
            }
            (Type::Struct(name), Value::Struct(_)) => self.part(self.message.part(name), value),
            _ => panic!("{value:?} is not of type {ty:?}"),
        }
    }

    fn length(&mut self, ty: &Type, length: Option<usize>) {
        match (self.flexible, ty) {
            (true, _) => self.varint(length.map_or(0, |length| length + 1)),
            (false, Type::String) => self.big_endian(length.map_or(-1, |length| length as i64), 2),
            (false, _) => self.big_endian(length.map_or(-1, |length| length as i64), 4),
        }
    }

    fn big_endian(&mut self, value: i64, width: usize) {
        self.bytes.extend(&value.to_be_bytes()[8 - width..]);
    }

    fn varint(&mut self, value: usize) {
        let mut left = value;
        while left > 0x7f {
            self.bytes.push(0x80 | (left & 0x7f) as u8);
            left >>= 7;
        }
        self.bytes.push(left as u8);
    }
}
