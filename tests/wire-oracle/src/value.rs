//! A value of a schema's type, without any of our generated code.

use ottla_wire_schema::{Field, Message, Struct, Type};

/// What a field may hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// `bool`.
    Bool(bool),
    /// Any whole number.
    Number(i64),
    /// `float64`.
    Float(f64),
    /// `string`.
    Text(String),
    /// `bytes` and `records`.
    Bytes(Vec<u8>),
    /// `uuid`.
    Uuid([u8; 16]),
    /// Elements of one type.
    Array(Vec<Value>),
    /// One value for each field of the struct, in the schema's order.
    Struct(Vec<Value>),
}

impl Value {
    /// The default of a field: what the schema says, otherwise zero or empty; null only where it says so.
    ///
    /// # Panics
    /// When the schema's default is not of the field's type.
    pub fn default_of(message: &Message, field: &Field) -> Value {
        if field.is_null_by_default() {
            return Value::Null;
        }
        let written = field.default.as_deref().unwrap_or_default();
        match &field.ty {
            Type::Bool => Value::Bool(written == "true"),
            Type::Float64 => Value::Float(if written.is_empty() { 0.0 } else { written.parse().expect("a float") }),
            Type::String => Value::Text(written.to_owned()),
            Type::Bytes | Type::Records => Value::Bytes(Vec::new()),
            Type::Uuid => Value::Uuid([0; 16]),
            Type::Struct(name) => Value::default_struct(message, message.part(name)),
            Type::Array(_) => Value::Array(Vec::new()),
            _ => Value::Number(whole_number(written)),
        }
    }

    /// A struct of defaults.
    pub fn default_struct(message: &Message, part: &Struct) -> Value {
        Value::Struct(part.fields.iter().map(|field| Value::default_of(message, field)).collect())
    }
}

fn whole_number(written: &str) -> i64 {
    match written.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).expect("a hexadecimal number"),
        None if written.is_empty() => 0,
        None => written.parse().expect("a number"),
    }
}
