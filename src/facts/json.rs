//! Values from JSON, by the type that a kind gives to each field: for the kinds that probes yield by themselves.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::model::value::{Field, Kind, Level, List, Type, Value};

/// The record of a JSON object: each field by its name. None when it is no object.
pub(super) fn record(json: &Json, kind: &Kind) -> Option<Arc<[Value]>> {
    let object = json.as_object()?;
    let field = |name: &str| object.get(name).unwrap_or(&Json::Null);
    Some(kind.fields.iter().map(|known| value(field(&known.name), &known.of)).collect())
}

/// The value of a type that JSON gives; unknown where it is null, missing or of another type. A list may also be written
/// `{"items": […], "unseen": "why there may be more"}`, and an unknown value `{"unknown": "why"}`.
fn value(json: &Json, of: &Type) -> Value {
    if let Some(why) = json.get("unknown").and_then(Json::as_str) {
        return Value::unknown(why);
    }
    let found = match (of, json) {
        (Type::Bool, Json::Bool(is)) => Some(Value::Bool(*is)),
        (Type::Int, Json::Number(number)) => number.as_i64().map(Value::Int),
        (Type::Text, Json::String(text)) => Some(Value::text(text.as_str())),
        (Type::Scale(scale), Json::String(text)) => Level::named(scale, text).map(Value::Level),
        (Type::Moment, Json::String(text)) => text.parse().ok().map(Value::Moment),
        (Type::List(of), Json::Array(items)) => {
            Some(Value::list(items.iter().map(|item| value(item, of))))
        }
        (Type::List(of), Json::Object(object)) => {
            object.get("items").and_then(Json::as_array).map(|items| {
                let items = items.iter().map(|item| value(item, of)).collect();
                let unseen = object.get("unseen").and_then(Json::as_str);
                Value::List(List { items, unseen: unseen.map(crate::model::outcome::Why::new) })
            })
        }
        (Type::Record(fields), Json::Object(object)) => {
            let field = |name: &str| object.get(name).unwrap_or(&Json::Null);
            Some(Value::Record(
                fields.iter().map(|known| value(field(&known.name), &known.of)).collect(),
            ))
        }
        _ => None,
    };
    found.unwrap_or_else(|| Value::unknown("the probe did not say"))
}

/// The JSON of a value, in the form that [`record`] reads.
pub(crate) fn written(value: &Value, of: &Type) -> Json {
    match (value, of) {
        (Value::Unknown(why), _) => serde_json::json!({"unknown": &*why.0}),
        (Value::Bool(is), _) => Json::Bool(*is),
        (Value::Int(number), _) => Json::from(*number),
        (Value::Text(text), _) => Json::from(&**text),
        (Value::Level(level), _) => Json::from(level.name()),
        (Value::Moment(moment), _) => Json::from(moment.to_string()),
        (Value::List(list), Type::List(of)) => {
            let items: Json = list.items.iter().map(|item| written(item, of)).collect();
            match &list.unseen {
                Some(why) => serde_json::json!({"items": items, "unseen": &*why.0}),
                None => items,
            }
        }
        (Value::Record(values), Type::Record(fields)) => object(values, fields),
        (Value::List(_) | Value::Record(_), _) => Json::Null,
    }
}

/// The JSON object of a record.
pub(crate) fn object(values: &[Value], fields: &[Field]) -> Json {
    let fields = values.iter().zip(fields);
    let fields = fields.map(|(value, field)| (field.name.to_string(), written(value, &field.of)));
    Json::Object(fields.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::{Scale, Tier};

    static SIZES: Scale = Scale { name: "Size", names: &["small", "large"] };

    #[test]
    fn fields_come_by_name_and_type() {
        let field = |name: &'static str, of| Field::new(name, of, "");
        let kind = Kind::new(
            "box",
            Tier::Service,
            "",
            [
                field("size", Type::Scale(&SIZES)),
                field("weight", Type::Int),
                field("items", Type::list(Type::Text)),
                field("sealed", Type::Bool),
                field("made", Type::Moment),
            ],
        );
        let json = serde_json::json!({
            "made": "2026-11-23", "size": "large", "weight": "heavy",
            "items": {"items": ["a"], "unseen": "too dark"}, "sealed": {"unknown": "label torn"},
        });
        let record = record(&json, &kind).expect("an object");
        let shown = record.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            shown,
            [
                "large",
                "unknown (the probe did not say)",
                "a",
                "unknown (label torn)",
                "2026-11-23T00:00:00Z"
            ]
        );
        assert!(
            matches!(&record[2], Value::List(List { unseen: Some(why), .. }) if &*why.0 == "too dark")
        );
        assert!(super::record(&Json::Null, &kind).is_none());
        let again = super::record(&object(&record, &kind.fields), &kind);
        assert_eq!(again, Some(record), "what is written reads back");
    }
}
