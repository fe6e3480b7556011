//! How Kafka's names, types, defaults and version ranges are said in Rust.

use ottla_wire_schema::{Field, Message, Struct, Type, Versions};

/// Types that generated files use; a struct of the same name would hide one.
const TAKEN: [&str; 14] = [
    "Array",
    "Cow",
    "Element",
    "Form",
    "Message",
    "Option",
    "Reader",
    "Records",
    "Result",
    "Uuid",
    "WireError",
    "Writer",
    "Self",
    "Width",
];

pub(super) fn is_taken(name: &str) -> bool {
    TAKEN.contains(&name)
}

/// `TopicId` → `topic_id`, `KRaftVersion` → `k_raft_version`; a word of Rust's own gets `r#`.
pub(super) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (place, &letter) in letters.iter().enumerate() {
        let after_small = place > 0 && !letters[place - 1].is_uppercase();
        let before_small = place > 0 && letters.get(place + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (after_small || before_small) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    match snake.as_str() {
        "type" | "match" | "move" | "ref" | "use" | "where" | "in" => format!("r#{snake}"),
        _ => snake,
    }
}

/// The versions in which a part of a message is ever seen.
pub(super) fn context(message: &Message, part: &Struct) -> Versions {
    message.versions.and(part.versions)
}

/// A condition on the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum When {
    Always,
    Never,
    /// A Rust expression over `form`.
    If(String),
}

/// Whether a version is one of `wanted`, when it is one of `context`.
pub(super) fn when(wanted: Versions, context: Versions) -> When {
    let both = wanted.and(context);
    if both.is_empty() {
        return When::Never;
    }
    match (both.min > context.min, both.max < context.max) {
        (false, false) => When::Always,
        (true, false) => When::If(format!("form.version >= {}", both.min)),
        (false, true) => When::If(format!("form.version <= {}", both.max)),
        (true, true) => When::If(format!("({}..={}).contains(&form.version)", both.min, both.max)),
    }
}

/// Whether a version is flexible, when it is one of `context`.
pub(super) fn when_flexible(message: &Message, context: Versions) -> When {
    match when(message.flexible, context) {
        When::If(_) => When::If("form.flexible".to_owned()),
        clear => clear,
    }
}

/// Whether a value of the type holds references into the frame.
pub(super) fn borrows(message: &Message, ty: &Type) -> bool {
    match ty {
        Type::String | Type::Bytes | Type::Records | Type::Array(_) => true,
        Type::Struct(name) => part_borrows(message, message.part(name)),
        _ => false,
    }
}

pub(super) fn part_borrows(message: &Message, part: &Struct) -> bool {
    part.fields.iter().any(|field| borrows(message, &field.ty))
}

/// `<'a>` where a struct has it.
pub(super) fn lifetime(message: &Message, part: &Struct) -> &'static str {
    if part_borrows(message, part) { "<'a>" } else { "" }
}

/// The type of a value that is there.
pub(super) fn value_type(message: &Message, ty: &Type) -> String {
    match ty {
        Type::Bool => "bool".to_owned(),
        Type::Int8 => "i8".to_owned(),
        Type::Int16 => "i16".to_owned(),
        Type::Int32 => "i32".to_owned(),
        Type::Int64 => "i64".to_owned(),
        Type::Uint16 => "u16".to_owned(),
        Type::Uint32 => "u32".to_owned(),
        Type::Float64 => "f64".to_owned(),
        Type::String => "Cow<'a, str>".to_owned(),
        Type::Bytes => "Cow<'a, [u8]>".to_owned(),
        Type::Records => "Records<'a>".to_owned(),
        Type::Uuid => "Uuid".to_owned(),
        Type::Struct(name) => format!("{name}{}", lifetime(message, message.part(name))),
        Type::Array(element) => format!("Array<'a, {}>", value_type(message, element)),
    }
}

pub(super) fn field_type(message: &Message, field: &Field) -> String {
    let value = value_type(message, &field.ty);
    if field.is_nullable() { format!("Option<{value}>") } else { value }
}

/// The method of wire's reader and writer for a type; structs have none.
pub(super) fn method(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::Int8 => "int8",
        Type::Int16 => "int16",
        Type::Int32 => "int32",
        Type::Int64 => "int64",
        Type::Uint16 => "uint16",
        Type::Uint32 => "uint32",
        Type::Float64 => "float64",
        Type::Uuid => "uuid",
        Type::String => "string",
        Type::Bytes => "bytes",
        Type::Records => "records",
        Type::Array(_) => "array",
        Type::Struct(_) => "struct",
    }
}

/// How many bytes a value takes, where all take the same and need no other check than their length.
pub(super) fn fixed_bytes(ty: &Type) -> Option<usize> {
    match ty {
        Type::Bool | Type::Int8 => Some(1),
        Type::Int16 | Type::Uint16 => Some(2),
        Type::Int32 | Type::Uint32 => Some(4),
        Type::Int64 | Type::Float64 => Some(8),
        Type::Uuid => Some(16),
        _ => None,
    }
}

/// The default of a value that is there, as written or what its type has.
fn value_default(field: &Field) -> String {
    let written = field.default.as_deref().filter(|text| *text != "null");
    match &field.ty {
        Type::Bool => written.unwrap_or("false").to_owned(),
        Type::Float64 => written.unwrap_or("0.0").to_owned(),
        Type::String => format!("Cow::Borrowed({:?})", written.unwrap_or_default()),
        Type::Bytes => "Cow::Borrowed(&[])".to_owned(),
        Type::Records => "Records::default()".to_owned(),
        Type::Uuid => "Uuid::ZERO".to_owned(),
        Type::Struct(name) => format!("{name}::default()"),
        Type::Array(_) => "Array::default()".to_owned(),
        _ => written.unwrap_or("0").to_owned(),
    }
}

/// The default of a field.
pub(super) fn default(field: &Field) -> String {
    if field.is_null_by_default() {
        "None".to_owned()
    } else if field.is_nullable() {
        format!("Some({})", value_default(field))
    } else {
        value_default(field)
    }
}

/// Whether `derive(Default)` gives the field's default.
pub(super) fn default_is_derived(field: &Field) -> bool {
    let plain = matches!(field.default.as_deref(), None | Some("" | "0" | "false" | "null"));
    plain && (!field.is_nullable() || field.is_null_by_default())
}

/// Whether the value in `place` is not the default.
pub(super) fn differs(field: &Field, place: &str) -> String {
    if field.is_null_by_default() {
        return format!("{place}.is_some()");
    }
    if field.is_nullable() {
        return match &field.ty {
            Type::String | Type::Bytes => format!("{place}.as_ref().is_none_or(|value| !value.is_empty())"),
            Type::Array(_) => format!("{place}.as_ref().is_none_or(|value| !value.is_empty())"),
            _ => format!("{place} != {}", default(field)),
        };
    }
    let written = field.default.as_deref();
    match (&field.ty, written) {
        (Type::Bool, Some("true")) => format!("!{place}"),
        (Type::Bool, _) => place.to_owned(),
        (Type::String | Type::Bytes, None | Some("")) | (Type::Array(_) | Type::Records, _) => {
            format!("!{place}.is_empty()")
        }
        (Type::String, Some(text)) => format!("{place} != {text:?}"),
        (Type::Uuid, _) => format!("!{place}.is_zero()"),
        _ => format!("{place} != {}", value_default(field)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_rust() {
        let check = |name: &str, expected: &str| assert_eq!(snake(name), expected);
        check("TopicId", "topic_id");
        check("timeoutMs", "timeout_ms");
        check("KRaftVersion", "k_raft_version");
        check("LastKnownElr", "last_known_elr");
        check("Type", "r#type");
    }

    #[test]
    fn conditions_say_no_more_than_the_context_leaves_open() {
        let range = |min, max| Versions { min, max };
        let check = |wanted, context, expected| assert_eq!(when(wanted, context), expected);
        check(range(0, i16::MAX), range(4, 18), When::Always);
        check(range(0, 3), range(4, 18), When::Never);
        check(range(12, i16::MAX), range(4, 18), When::If("form.version >= 12".to_owned()));
        check(range(0, 12), range(4, 18), When::If("form.version <= 12".to_owned()));
        check(range(7, 12), range(4, 18), When::If("(7..=12).contains(&form.version)".to_owned()));
    }
}
