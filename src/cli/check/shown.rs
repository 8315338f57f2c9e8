//! Values as authors see them: texts in quotes, fields by name, and nothing longer than can be read.

use crate::model::heard::shown;
use crate::model::value::{Type, Value};

/// As many characters of a text are shown.
const LONGEST: usize = 160;
/// As many elements of a list.
const MOST: usize = 12;

/// A value of that type.
pub(super) fn value(value: &Value, of: &Type) -> String {
    match (value, of) {
        (Value::Text(text), _) => quoted(text),
        (Value::List(list), Type::List(of)) => {
            let mut parts: Vec<String> =
                list.items.iter().take(MOST).map(|item| self::value(item, of)).collect();
            match list.items.len().saturating_sub(MOST) {
                0 => {}
                more => parts.push(format!("and {more} more")),
            }
            if let Some(why) = &list.unseen {
                parts.push(format!("perhaps more: {why}"));
            }
            format!("[{}]", parts.join(", "))
        }
        (Value::Record(values), Type::Record(fields)) => {
            let known = values.iter().zip(fields.iter());
            let parts: Vec<String> = known
                .map(|(one, field)| format!("{}: {}", field.name, self::value(one, &field.of)))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
        (other, _) => other.to_string(),
    }
}

/// A text in quotes, its beginning where it is long.
fn quoted(text: &str) -> String {
    let all = text.chars().count();
    let short: String = text.chars().take(LONGEST).collect();
    match all.saturating_sub(LONGEST) {
        0 => format!("“{}”", shown(&short)),
        more => format!("“{}…” ({more} characters more)", shown(&short)),
    }
}
