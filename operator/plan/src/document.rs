//! Reading a resource in such a way that nothing is ignored in silence: every place that is read is noted, and what nobody
//! read at the end is reported with its path.
//!
//! A [`Document`] is a spec that its schema has been checked against; a [`Place`] is a cursor in it. A place that is taken
//! whole counts as read with all that is below it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use ottla_crds::Path;
use serde_json::Value;

use crate::names::Keys;

/// A document and the places of it that were read.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    root: &'a Value,
    field: &'static str,
    marks: Rc<RefCell<Marks>>,
}

/// What was done with places.
#[derive(Clone, Debug, Default)]
struct Marks {
    /// Read, with all that is below them.
    read: BTreeSet<Path>,
    /// Gone into: their being there is honoured, and what is below them is judged by itself.
    entered: BTreeSet<Path>,
}

/// A place in a document, whether or not something stands there.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    path: Path,
    value: Option<&'a Value>,
    marks: Rc<RefCell<Marks>>,
}

impl<'a> Document<'a> {
    /// A document that stands in the field (`spec`) of a resource.
    pub fn new(field: &'static str, root: &'a Value) -> Document<'a> {
        Document { root, field, marks: Rc::default() }
    }

    /// Its root.
    pub fn place(&self) -> Place<'a> {
        let path = Path::root().field(self.field);
        Place { path, value: Some(self.root).filter(|value| !value.is_null()), marks: Rc::clone(&self.marks) }
    }

    /// What was not read: the highest places below the root below which nobody read anything.
    pub fn unread(&self) -> Vec<Path> {
        let mut unread = Vec::new();
        let path = Path::root().field(self.field);
        self.marks.borrow_mut().entered.insert(path.clone());
        collect_unread(&path, self.root, &self.marks.borrow(), &mut unread);
        unread
    }
}

impl<'a> Place<'a> {
    /// Where this is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether something stands here.
    pub fn is_present(&self) -> bool {
        self.value.is_some()
    }

    /// The place of a field. An explicit null is nothing.
    pub fn field(&self, name: &str) -> Place<'a> {
        let value = self.value.and_then(|value| value.get(name)).filter(|value| !value.is_null());
        Place { path: self.path.field(name), value, marks: Rc::clone(&self.marks) }
    }

    /// The places of a list's elements.
    pub fn elements(&self) -> Vec<Place<'a>> {
        let elements = self.value.and_then(Value::as_array).into_iter().flatten().enumerate();
        elements
            .map(|(index, element)| Place {
                path: self.path.element(index),
                value: Some(element),
                marks: Rc::clone(&self.marks),
            })
            .collect()
    }

    /// The places of an object's fields.
    pub fn fields(&self) -> Vec<(&'a str, Place<'a>)> {
        let fields = self.value.and_then(Value::as_object).into_iter().flatten();
        fields.filter(|(_, value)| !value.is_null()).map(|(name, _)| (name.as_str(), self.field(name))).collect()
    }

    /// Looks without reading: for choosing a way, which is not yet honouring what stands here.
    pub fn peek(&self) -> Option<&'a Value> {
        self.value
    }

    /// Goes into a section: its being there is honoured, and what nobody reads below it is named by itself.
    pub fn enter(&self) -> Place<'a> {
        self.marks.borrow_mut().entered.insert(self.path.clone());
        self.clone()
    }

    /// Takes what stands here, with all that is below it.
    pub fn take(&self) -> Option<&'a Value> {
        self.marks.borrow_mut().read.insert(self.path.clone());
        self.value
    }

    /// Takes a string.
    pub fn text(&self) -> Option<&'a str> {
        self.take().and_then(Value::as_str)
    }

    /// Takes a whole number.
    pub fn whole(&self) -> Option<i64> {
        self.take().and_then(Value::as_i64)
    }

    /// Takes true or false.
    pub fn flag(&self) -> Option<bool> {
        self.take().and_then(Value::as_bool)
    }

    /// Takes an object of plain values as labels or annotations: numbers and booleans become text, as older ages wrote them.
    pub fn keys(&self) -> Keys {
        let entries = self.take().and_then(Value::as_object).into_iter().flatten();
        entries.filter_map(|(key, value)| Some((key.clone(), plain_text(value)?))).collect()
    }
}

/// A plain value as text; nothing for null, lists and objects.
pub fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Collects the highest unread places; whether anything at or below `path` was read.
fn collect_unread(path: &Path, value: &Value, marks: &Marks, unread: &mut Vec<Path>) -> bool {
    if marks.read.contains(path) {
        return true;
    }
    let below: Vec<(Path, &Value)> = match value {
        Value::Null => return true,
        Value::Object(fields) => fields.iter().map(|(name, value)| (path.field(name), value)).collect(),
        Value::Array(elements) => {
            elements.iter().enumerate().map(|(index, value)| (path.element(index), value)).collect()
        }
        _ => Vec::new(),
    };
    let mut parts = Vec::new();
    let mut any_read = marks.entered.contains(path);
    for (path, value) in &below {
        any_read |= collect_unread(path, value, marks, &mut parts);
    }
    if any_read {
        unread.append(&mut parts);
    } else {
        unread.push(path.clone());
    }
    any_read
}

/// Keys and values of a map as JSON.
pub fn keys_to_value(keys: &BTreeMap<String, String>) -> Value {
    Value::Object(keys.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_nobody_read_is_named_by_its_highest_place() {
        let spec = json!({
            "kafka": {"replicas": 1, "rack": {"topologyKey": "zone"}, "config": {"a.b": 1, "c": {}}},
            "zookeeper": {"replicas": 3, "storage": {"type": "ephemeral"}},
            "kafkaExporter": {},
            "entityOperator": {"topicOperator": {"image": "x"}, "userOperator": {}},
            "list": [{"a": 1, "b": 2}, {"a": 3}],
            "nothing": null,
        });
        let document = Document::new("spec", &spec);
        let place = document.place();
        assert_eq!(place.field("kafka").field("replicas").whole(), Some(1));
        assert_eq!(place.field("kafka").field("config").field("a.b").whole(), Some(1));
        assert_eq!(place.field("list").elements()[0].field("a").whole(), Some(1));
        assert_eq!(place.field("absent").field("deeper").text(), None);
        assert!(place.field("entityOperator").field("topicOperator").enter().is_present());
        let unread: Vec<String> = document.unread().iter().map(ToString::to_string).collect();
        assert_eq!(
            unread,
            [
                "spec.entityOperator.topicOperator.image",
                "spec.entityOperator.userOperator",
                "spec.kafka.config.c",
                "spec.kafka.rack",
                "spec.kafkaExporter",
                "spec.list[0].b",
                "spec.list[1]",
                "spec.zookeeper"
            ]
        );
    }
}
