//! What a resource may hold: a [`Schema`] read from the notation, and its three uses. The API server gets it as an OpenAPI
//! schema, `validate` checks documents against it without a server, and a test walks its leaves to prove that the
//! operator ignores none of them in silence.
//!
//! Deliberately elsewhere: how a schema is written (`notation`), and what the values mean (the operator's plan).

use core::fmt;

use serde_json::{Map, Value, json};

/// What one place of a document may hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Schema {
    /// A string.
    Text,
    /// A string that the expression finds something in.
    Pattern(String),
    /// One of these words.
    Word(Vec<String>),
    /// A whole number within bounds, both inclusive.
    Whole(Bounds),
    /// A number within bounds, both inclusive.
    Number(Bounds),
    /// True or false.
    Flag,
    /// An object with any keys and plain values.
    PlainMap,
    /// An object with anything in it.
    Free,
    /// Anything.
    Any,
    /// Anything for the API server, one of these for us.
    Loose(Vec<Schema>),
    /// A list.
    List(Box<Schema>),
    /// An object with these fields, in the order in which they are written.
    Object(Vec<Field>),
}

/// Least and greatest value; `None` where there is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The least value allowed.
    pub least: Option<i64>,
    /// The greatest value allowed.
    pub greatest: Option<i64>,
}

/// A named place of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Whether every age demanded it.
    pub required: bool,
    /// What it holds.
    pub schema: Schema,
    /// What `kubectl explain` says of it.
    pub description: Option<String>,
}

/// One place of a document, from its root.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

/// One step down into a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into a field of an object.
    Field(String),
    /// Into an element of a list.
    Element(usize),
}

/// What is wrong with a document at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub path: Path,
    /// What.
    pub fault: Fault,
}

/// The kinds of faults; the texts say what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No age of the resource has this field.
    Unknown {
        /// The field that was meant, if one of a similar name belongs here.
        nearest: Option<String>,
    },
    /// A required field is absent.
    Missing,
    /// The value is not of the kind that belongs here.
    Wrong {
        /// What belongs here.
        expected: String,
        /// What stands there.
        found: String,
    },
}

/// A place where a plain value can stand, with two values that may stand there.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Where.
    pub path: Path,
    /// Two different values that the schema allows, or one where it allows but one.
    pub samples: Vec<Value>,
}

impl Path {
    /// The root.
    pub fn root() -> Path {
        Path::default()
    }

    /// The place of a field below this one.
    pub fn field(&self, name: &str) -> Path {
        let mut steps = self.0.clone();
        steps.push(Step::Field(name.to_owned()));
        Path(steps)
    }

    /// The place of a list's element below this one.
    pub fn element(&self, index: usize) -> Path {
        let mut steps = self.0.clone();
        steps.push(Step::Element(index));
        Path(steps)
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether `other` is this place or lies below it.
    pub fn contains(&self, other: &Path) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                // A key with dots of its own (an annotation, a label) would read as several fields.
                Step::Field(name) if name.contains('.') => write!(f, "[\"{name}\"]")?,
                Step::Field(name) if place == 0 => write!(f, "{name}")?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Element(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.fault {
            Fault::Unknown { nearest: None } => write!(f, "{path} is not a field of this resource"),
            Fault::Unknown { nearest: Some(name) } => {
                write!(f, "{path} is not a field of this resource: did you mean {name}?")
            }
            Fault::Missing => write!(f, "{path} is missing"),
            Fault::Wrong { expected, found } => write!(f, "{path} must be {expected}, and is {found}"),
        }
    }
}

impl Schema {
    /// The schema as the API server reads it.
    pub fn to_open_api(&self) -> Value {
        match self {
            Schema::Text => json!({"type": "string"}),
            Schema::Pattern(expression) => json!({"type": "string", "pattern": expression}),
            Schema::Word(words) => json!({"type": "string", "enum": words}),
            Schema::Whole(bounds) => bounds.to_open_api("integer"),
            Schema::Number(bounds) => bounds.to_open_api("number"),
            Schema::Flag => json!({"type": "boolean"}),
            Schema::PlainMap | Schema::Free => {
                json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
            }
            Schema::Any | Schema::Loose(_) => json!({"x-kubernetes-preserve-unknown-fields": true}),
            Schema::List(item) => json!({"type": "array", "items": item.to_open_api()}),
            Schema::Object(fields) => object_to_open_api(fields),
        }
    }

    /// Everything that is wrong with a document, in its own order; empty for a right one. An explicit null counts as
    /// absent, as it does for the API server.
    pub fn check(&self, document: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.check_at(&Path::root(), document, &mut problems);
        problems
    }

    /// Every place where a plain value can stand, each list with one element.
    pub fn leaves(&self) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        self.leaves_at(&Path::root(), &mut leaves);
        leaves
    }

    /// The schema of a field, where this is an object that has it.
    pub fn field(&self, name: &str) -> Option<&Schema> {
        match self {
            Schema::Object(fields) => fields.iter().find(|field| field.name == name).map(|field| &field.schema),
            _ => None,
        }
    }

    fn check_at(&self, path: &Path, value: &Value, problems: &mut Vec<Problem>) {
        let mut wrong = |expected: String| {
            problems.push(Problem { path: path.clone(), fault: Fault::Wrong { expected, found: describe(value) } });
        };
        match (self, value) {
            (Schema::Any, _) | (Schema::Text, Value::String(_)) | (Schema::Flag, Value::Bool(_)) => {}
            (Schema::Free, Value::Object(_)) => {}
            (Schema::Text, _) => wrong("a string".into()),
            (Schema::Flag, _) => wrong("true or false".into()),
            (Schema::Free | Schema::PlainMap | Schema::Object(_), value) if !value.is_object() => {
                wrong("an object".into());
            }
            (Schema::Pattern(expression), Value::String(text)) if matches(expression, text) => {}
            (Schema::Pattern(expression), _) => wrong(format!("a string that {expression} matches")),
            (Schema::Word(words), Value::String(text)) if words.contains(text) => {}
            (Schema::Word(words), _) => wrong(format!("one of {}", words.join(", "))),
            (Schema::Whole(bounds), value) if value.as_i64().is_some_and(|number| bounds.holds(number as f64)) => {}
            (Schema::Whole(bounds), _) => wrong(format!("a whole number{bounds}")),
            (Schema::Number(bounds), value) if value.as_f64().is_some_and(|number| bounds.holds(number)) => {}
            (Schema::Number(bounds), _) => wrong(format!("a number{bounds}")),
            (Schema::PlainMap, value) => check_plain_map(path, value, problems),
            (Schema::Free, _) => unreachable!("an object is right, anything else was refused above"),
            (Schema::Loose(shapes), value) => check_loose(shapes, path, value, problems),
            (Schema::List(item), Value::Array(elements)) => {
                for (index, element) in elements.iter().enumerate() {
                    item.check_at(&path.element(index), element, problems);
                }
            }
            (Schema::List(_), _) => wrong("a list".into()),
            (Schema::Object(fields), value) => check_object(fields, path, value, problems),
        }
    }

    fn leaves_at(&self, path: &Path, leaves: &mut Vec<Leaf>) {
        let mut leaf = |samples: Vec<Value>| leaves.push(Leaf { path: path.clone(), samples });
        match self {
            Schema::Text => leaf(vec![json!("sample"), json!("other")]),
            // The expressions in use are of three families: quantities, byte rates and listener names.
            Schema::Pattern(expression) => {
                let candidates = ["7", "70", "7m", "7KB/s", "70KB/s", "sample", "other"];
                leaf(
                    candidates
                        .iter()
                        .filter(|text| matches(expression, text))
                        .take(2)
                        .map(|text| json!(text))
                        .collect(),
                );
            }
            Schema::Word(words) => leaf(words.iter().map(|word| json!(word)).collect()),
            Schema::Whole(bounds) => leaf(bounds.samples().into_iter().map(|number| json!(number)).collect()),
            Schema::Number(bounds) => leaf(bounds.samples().into_iter().map(|number| json!(number)).collect()),
            Schema::Flag => leaf(vec![json!(true), json!(false)]),
            Schema::PlainMap | Schema::Free => leaf(vec![json!({"sample": "7"}), json!({"other": "8"})]),
            Schema::Any => leaf(vec![json!("7"), json!("8")]),
            Schema::Loose(shapes) => shapes.iter().for_each(|shape| shape.leaves_at(path, leaves)),
            Schema::List(item) => item.leaves_at(&path.element(0), leaves),
            Schema::Object(fields) => {
                fields.iter().for_each(|field| field.schema.leaves_at(&path.field(&field.name), leaves));
            }
        }
    }
}

impl Bounds {
    fn holds(self, number: f64) -> bool {
        self.least.is_none_or(|least| least as f64 <= number)
            && self.greatest.is_none_or(|greatest| number <= greatest as f64)
    }

    fn samples(self) -> [i64; 2] {
        match (self.least, self.greatest) {
            (least, Some(greatest)) => [greatest, least.unwrap_or(greatest - 1)],
            (Some(least), None) => [least, least + 8],
            (None, None) => [7, 8],
        }
    }

    fn to_open_api(self, name: &str) -> Value {
        let mut schema = json!({"type": name});
        if let Some(least) = self.least {
            schema["minimum"] = json!(least);
        }
        if let Some(greatest) = self.greatest {
            schema["maximum"] = json!(greatest);
        }
        schema
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.greatest) {
            (Some(least), Some(greatest)) => write!(f, " from {least} to {greatest}"),
            (Some(least), None) => write!(f, " of at least {least}"),
            (None, Some(greatest)) => write!(f, " of at most {greatest}"),
            (None, None) => Ok(()),
        }
    }
}

fn object_to_open_api(fields: &[Field]) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let mut schema = field.schema.to_open_api();
        if let Some(description) = &field.description {
            schema["description"] = json!(description);
        }
        properties.insert(field.name.clone(), schema);
    }
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn check_plain_map(path: &Path, value: &Value, problems: &mut Vec<Problem>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        if value.is_object() || value.is_array() {
            let fault = Fault::Wrong { expected: "a plain value".into(), found: describe(value) };
            problems.push(Problem { path: path.field(key), fault });
        }
    }
}

/// The shape that the value's outer form points at decides; without one, all forms are named.
fn check_loose(shapes: &[Schema], path: &Path, value: &Value, problems: &mut Vec<Problem>) {
    let fits = |shape: &&Schema| match shape {
        Schema::List(_) => value.is_array(),
        Schema::Object(_) => value.is_object(),
        _ => false,
    };
    match shapes.iter().find(fits) {
        Some(shape) => shape.check_at(path, value, problems),
        None => {
            let fault = Fault::Wrong { expected: "a list or an object".into(), found: describe(value) };
            problems.push(Problem { path: path.clone(), fault });
        }
    }
}

fn check_object(fields: &[Field], path: &Path, value: &Value, problems: &mut Vec<Problem>) {
    let object = value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    for (name, value) in object {
        match fields.iter().find(|field| field.name == *name) {
            Some(field) => field.schema.check_at(&path.field(name), value, problems),
            None => {
                problems
                    .push(Problem { path: path.field(name), fault: Fault::Unknown { nearest: nearest(fields, name) } });
            }
        }
    }
    for field in fields.iter().filter(|field| field.required) {
        if value.get(&field.name).is_none_or(Value::is_null) {
            problems.push(Problem { path: path.field(&field.name), fault: Fault::Missing });
        }
    }
}

/// The field whose name is like this one: a third of its letters at most are others, missing or too many.
fn nearest(fields: &[Field], name: &str) -> Option<String> {
    /// Longer than any field's name; comparing takes time that grows with the length.
    const LENGTH_MAX: usize = 64;
    if LENGTH_MAX < name.len() {
        return None;
    }
    let name = name.to_lowercase();
    let near = fields.iter().map(|field| (distance(&field.name.to_lowercase(), &name), &field.name));
    let (apart, found) = near.min_by_key(|(apart, _)| *apart)?;
    (apart * 3 <= found.len()).then(|| found.clone())
}

/// How many letters have to be changed, added or taken away to come from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut corner = line;
        row[0] = line + 1;
        for (place, other) in to.iter().enumerate() {
            let changed = corner + usize::from(letter != *other);
            corner = row[place + 1];
            row[place + 1] = changed.min(corner + 1).min(row[place] + 1);
        }
    }
    row[to.len()]
}

fn matches(expression: &str, text: &str) -> bool {
    regex_lite::Regex::new(expression).is_ok_and(|expression| expression.is_match(text))
}

/// A value as an error message shows it: whole when short, else its kind.
fn describe(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".into(),
        Value::Array(_) => "a list".into(),
        Value::String(text) if 60 < text.chars().count() => "a longer string".into(),
        Value::String(text) => format!("\"{text}\""),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Schema {
        crate::notation::parse(&[
            "kind Sample\n  spec object\n    replicas! int 1..5\n    name /^[a-z]+$/\n    type a | b\n    labels map\n    list [object]\n      on bool\n    either loose [string] Either\n\nshape Either\n  left int",
        ])
        .expect("the notation is right")
        .remove("Sample")
        .expect("it is defined")
    }

    fn check(document: &Value) -> String {
        sample().check(document).iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_right_document_has_no_problem() {
        let spec = json!({"replicas": 3, "name": "abc", "type": "a", "labels": {"a": 1}, "list": [{"on": true}], "either": {"left": 3}});
        assert_eq!(check(&json!({"spec": spec})), "");
        assert_eq!(check(&json!({"spec": {"replicas": 3, "either": ["a"], "name": null}})), "");
    }

    #[test]
    fn a_problem_names_its_place_and_what_would_be_right() {
        assert_eq!(
            check(&json!({"spec": {"replicas": 9}})),
            "spec.replicas must be a whole number from 1 to 5, and is 9"
        );
        assert_eq!(check(&json!({"spec": {}})), "spec.replicas is missing");
        assert_eq!(
            check(&json!({"spec": {"replicas": 1, "list": [{"on": "yes", "of": 1}]}})),
            "spec.list[0].of is not a field of this resource; spec.list[0].on must be true or false, and is \"yes\""
        );
        assert_eq!(
            check(&json!({"spec": {"replicas": 1, "lables": {}, "Nam": 1, "size": 1}})),
            "spec.Nam is not a field of this resource: did you mean name?; \
             spec.lables is not a field of this resource: did you mean labels?; \
             spec.size is not a field of this resource"
        );
        assert_eq!(
            check(&json!({"spec": {"replicas": 1, "either": {"left": "x"}, "labels": {"a.b": {}}}})),
            "spec.either.left must be a whole number, and is \"x\"; spec.labels[\"a.b\"] must be a plain value, and is an object"
        );
        assert_eq!(
            check(&json!({"spec": {"replicas": 1, "either": 7}})),
            "spec.either must be a list or an object, and is 7"
        );
    }

    #[test]
    fn every_leaf_has_a_sample_that_its_schema_allows() {
        for leaf in sample().leaves() {
            assert!(!leaf.samples.is_empty(), "{}", leaf.path);
        }
        let paths: Vec<String> = sample().leaves().iter().map(|leaf| leaf.path.to_string()).collect();
        assert_eq!(
            paths,
            [
                "spec.replicas",
                "spec.name",
                "spec.type",
                "spec.labels",
                "spec.list[0].on",
                "spec.either[0]",
                "spec.either.left"
            ]
        );
    }
}
