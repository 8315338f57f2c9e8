//! Bounds of a parameter: what a profile may set, beyond its type.

use super::file::rank;
use super::values::Reader;
use crate::model::value::{Type, Value};
use crate::yaml::Node;

/// The bounds that a check's file sets to a parameter. For a list they hold for each of its entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bounds {
    /// The least value.
    pub min: Option<Value>,
    /// The greatest value.
    pub max: Option<Value>,
    /// The only values there are; empty where any other is one too.
    pub one_of: Vec<Value>,
}

impl Bounds {
    /// Reads the bounds of a parameter, and holds its default against them.
    pub(super) fn read(reader: &mut Reader<'_>, param: &Node, of: &Type, default: &Value) -> Self {
        let each = match of {
            Type::List(each) => each,
            _ => of,
        };
        let mut bound = |field: &str| {
            let node = param.field(field)?;
            if !matches!(each, Type::Int | Type::Scale(_) | Type::Moment) {
                let help = "min and max are for numbers, times and scales; one-of is for any type";
                reader.wrong(node, format!("a {each} has no {field}"), help);
                return None;
            }
            reader.value(node, each)
        };
        let (min, max) = (bound("min"), bound("max"));
        let words = param.field("one-of").map(Node::items).unwrap_or_default();
        let one_of = words.iter().filter_map(|node| reader.value(node, each)).collect();
        let bounds = Self { min, max, one_of };
        if let (Some(node), Some(why)) = (param.field("default"), bounds.refuse(default)) {
            reader.wrong(node, why, "the default keeps to the bounds too");
        }
        bounds
    }

    /// Why a value may not be set, if it may not.
    pub fn refuse(&self, value: &Value) -> Option<String> {
        if let Value::List(list) = value {
            return list.items.iter().find_map(|item| self.refuse(item));
        }
        if let Some(min) = self.min.as_ref().filter(|min| rank(value) < rank(min)) {
            return Some(format!("{value} is too little; at least {min} is needed"));
        }
        if let Some(max) = self.max.as_ref().filter(|max| rank(value) > rank(max)) {
            return Some(format!("{value} is too much; at most {max} is allowed"));
        }
        let known = self.one_of.is_empty() || self.one_of.contains(value);
        (!known).then(|| format!("{value} is not one of {}", listed(&self.one_of)))
    }

    /// The bounds in words: `at least 1, at most 90`; empty where there are none.
    pub fn words(&self) -> String {
        let min = self.min.iter().map(|min| format!("at least {min}"));
        let max = self.max.iter().map(|max| format!("at most {max}"));
        let one_of = Some(listed(&self.one_of)).filter(|_| !self.one_of.is_empty());
        let one_of = one_of.map(|words| format!("one of {words}"));
        min.chain(max).chain(one_of).collect::<Vec<_>>().join(", ")
    }
}

fn listed(values: &[Value]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_outside_is_refused_in_words() {
        let int = Value::Int;
        let days = Bounds { min: Some(int(1)), max: Some(int(90)), one_of: Vec::new() };
        let hashes =
            Bounds { one_of: vec![Value::text("md5"), Value::text("sha1")], ..Bounds::default() };
        for (bounds, value, wanted) in [
            (&days, int(1), None),
            (&days, int(90), None),
            (&days, int(0), Some("0 is too little; at least 1 is needed")),
            (&days, int(91), Some("91 is too much; at most 90 is allowed")),
            (
                &days,
                Value::list(vec![int(3), int(91)]),
                Some("91 is too much; at most 90 is allowed"),
            ),
            (&hashes, Value::text("md5"), None),
            (&Bounds::default(), int(i64::MIN), None),
        ] {
            assert_eq!(bounds.refuse(&value).as_deref(), wanted, "{value}");
        }
        assert!(hashes.refuse(&Value::text("md6")).is_some());
        assert_eq!(days.words(), "at least 1, at most 90");
        assert!(hashes.words().starts_with("one of "));
        assert_eq!(Bounds::default().words(), "");
    }
}
