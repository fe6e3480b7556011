//! Draws random values of a message in one of its versions.
//!
//! Extremes are as likely as the usual, strings have letters of every width, and sometimes a length needs two bytes.

use ottla_wire_schema::{Field, Message, Struct, Type};

use crate::random::Random;
use crate::value::Value;

/// How much of a message is something else than its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Nothing.
    Default,
    /// A field here and there: so a version that lacks a field is tried for each field alone.
    Sparse,
    /// Nearly all.
    Dense,
}

/// A random value of the whole message; fields that the version lacks have their default.
pub fn draw(message: &Message, version: i16, fill: Fill, random: &mut Random) -> Value {
    Draw { message, version, fill, random }.part(message.top(), 0)
}

struct Draw<'d> {
    message: &'d Message,
    version: i16,
    fill: Fill,
    random: &'d mut Random,
}

impl Draw<'_> {
    fn part(&mut self, part: &Struct, depth: usize) -> Value {
        Value::Struct(part.fields.iter().map(|field| self.field(field, depth)).collect())
    }

    fn field(&mut self, field: &Field, depth: usize) -> Value {
        let filled = match self.fill {
            Fill::Default => 0,
            Fill::Sparse => 15,
            Fill::Dense => 85,
        };
        // A collection must hold something for its elements' fields to be tried at all.
        let filled = if matches!(field.ty, Type::Array(_) | Type::Struct(_)) { filled * 2 } else { filled };
        let present = field.versions.contains(self.version);
        let default = Value::default_of(self.message, field);
        // A default that is null and may not be so in this version is no value of it (a fetch's records of old).
        let needs_value = default == Value::Null && !field.nullable.contains(self.version);
        if !present || !(needs_value || self.random.chance(filled)) {
            return default;
        }
        if field.nullable.contains(self.version) && self.random.chance(25) {
            return Value::Null;
        }
        self.value(&field.ty, depth)
    }

    fn value(&mut self, ty: &Type, depth: usize) -> Value {
        match ty {
            Type::Bool => Value::Bool(self.random.chance(50)),
            Type::Int8 => Value::Number(i64::from(self.number() as i8)),
            Type::Int16 => Value::Number(i64::from(self.number() as i16)),
            Type::Int32 => Value::Number(i64::from(self.number() as i32)),
            Type::Int64 => Value::Number(self.number()),
            Type::Uint16 => Value::Number(i64::from(self.number() as u16)),
            Type::Uint32 => Value::Number(i64::from(self.number() as u32)),
            Type::Float64 => Value::Float(self.number() as f64 / 1024.0),
            Type::String => Value::Text(self.text()),
            Type::Bytes | Type::Records => {
                let count = self.length();
                Value::Bytes(self.random.bytes(count))
            }
            Type::Uuid => Value::Uuid(self.random.bytes(16).try_into().expect("sixteen were drawn")),
            Type::Struct(name) => self.part(self.message.part(name), depth + 1),
            Type::Array(element) => {
                let structs = matches!(**element, Type::Struct(_));
                let count = if structs { 1 + self.random.below(3) as usize } else { self.length() };
                // Deep down one element is enough: messages of four storeys would grow beyond reason.
                let count = if depth > 1 { count.min(2) } else { count };
                Value::Array((0..count).map(|_| self.value(element, depth + 1)).collect())
            }
        }
    }

    fn number(&mut self) -> i64 {
        match self.random.below(6) {
            0 => i64::MIN,
            1 => i64::MAX,
            2 => -1,
            3 => self.random.below(200) as i64,
            4 => 1 << self.random.below(63),
            _ => self.random.bits() as i64,
        }
    }

    fn length(&mut self) -> usize {
        match self.random.below(20) {
            0 => 120 + self.random.below(20) as usize,
            1..4 => 0,
            _ => self.random.below(8) as usize,
        }
    }

    fn text(&mut self) -> String {
        const LETTERS: [char; 12] = ['a', 'z', 'K', '0', '-', '"', '\\', '\n', 'é', 'Ω', '語', '🦀'];
        (0..self.length()).map(|_| LETTERS[self.random.below(LETTERS.len() as u64) as usize]).collect()
    }
}
