//! Texts that stand for values of another type: names on a scale, times.

use std::ops::Range;

use crate::model::complaint::nearest;
use crate::model::value::{Level, Scale, Type, Value};

use super::Fault;

/// The value of a written text where that type is wanted; `None` when a text cannot stand for it.
pub(crate) fn text_as(text: &str, of: &Type, at: &Range<usize>) -> Option<Result<Value, Fault>> {
    match of {
        Type::Text => Some(Ok(Value::text(text))),
        Type::Scale(scale) => Some(
            Level::named(scale, text)
                .map(Value::Level)
                .ok_or_else(|| not_on(scale, text, at.clone())),
        ),
        Type::Moment => Some(
            text.parse().map(Value::Moment).map_err(|title: String| Fault::new(at.clone(), title)),
        ),
        _ => None,
    }
}

/// A name that is not on its scale, with the nearest that is.
fn not_on(scale: &'static Scale, text: &str, at: Range<usize>) -> Fault {
    let title = misnamed(text, &format!("is not a {}", scale.name), scale.names.iter().copied());
    Fault::new(at, title).help(format!("{}, lowest first: {}", scale.name, scale.names.join(", ")))
}

/// A sentence about a wrong name that offers the nearest right one.
pub(crate) fn misnamed<'a>(
    word: &str,
    complaint: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    match nearest(word, known) {
        Some(near) => format!("`{word}` {complaint}; did you mean `{near}`?"),
        None => format!("`{word}` {complaint}"),
    }
}
