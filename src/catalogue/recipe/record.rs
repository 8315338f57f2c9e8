//! The records of recipes: their kinds, and how pages and DNS answers stand in them.

use super::{DnsAnswer, Medium, Page};
use crate::facts::has_password_field;
use crate::model::value::{Field, Kind, Type, Value};

/// The kind of a recipe's records.
pub(super) fn kind_of(check: &str, medium: Medium, captures: Vec<Field>) -> Kind {
    let answered = Field::new(
        "answered",
        Type::Bool,
        "Whether anything came back. False when it was refused, and over UDP when nothing came after all tries from an \
         address that answers otherwise; else not known.",
    );
    let ended = Field::new(
        "ended",
        Type::Text,
        "How the conversation ended: `closed`, `reset`, `silent`, `refused`, `unreachable`, `too much`, `garbled`; \
         empty when we left it.",
    );
    let means = format!("What the probe of {check} heard.");
    let fields = [answered, ended].into_iter().chain(captures);
    Kind::new(format!("probe:{check}"), medium.tier(), means, fields)
}

/// The type of a page.
pub(super) fn page_type() -> Type {
    let header = [
        Field::new("name", Type::Text, "Its name, in lower case."),
        Field::new("value", Type::Text, "Its value."),
    ];
    Type::record([
        Field::new("url", Type::Text, "What was asked, redirects followed."),
        Field::new("status", Type::Int, "The status code."),
        Field::new("title", Type::Text, "The title of the page; empty when it has none."),
        Field::new("server", Type::Text, "The `Server` field; empty when it is missing."),
        Field::new(
            "location",
            Type::Text,
            "Where it sends visitors on to; empty when it does not.",
        ),
        Field::new(
            "content_type",
            Type::Text,
            "The `Content-Type` field; empty when it is missing.",
        ),
        Field::new("headers", Type::list(Type::record(header)), "The header fields, in order."),
        Field::new("body", Type::Text, "The beginning of the body, as far as was read."),
        Field::new(
            "login_form",
            Type::Bool,
            "Whether it has a field for a password; unknown when none was seen and the body was cut.",
        ),
        Field::new("truncated", Type::Bool, "Whether there was more of the body than was read."),
    ])
}

/// The type of a DNS answer.
pub(super) fn dns_type() -> Type {
    Type::record([
        Field::new("rcode", Type::Text, "The response code: `NOERROR`, `REFUSED`."),
        Field::new("answers", Type::list(Type::Text), "The data of each answer."),
        Field::new("authoritative", Type::Bool, "Whether it speaks for the zone."),
        Field::new("recursion_available", Type::Bool, "Whether it offers recursion."),
        Field::new("truncated", Type::Bool, "Whether the answer was cut short."),
        Field::new("bytes", Type::Int, "How many bytes the answer had."),
    ])
}

/// A page as a record of [`page_type`].
pub(super) fn page_value(page: &Page) -> Value {
    let first = |name: &str| {
        let found = page.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        Value::text(found.map_or("", |(_, value)| value.as_str()))
    };
    let headers = page.headers.iter().map(|(name, value)| {
        Value::Record([Value::text(name.as_str()), Value::text(value.as_str())].into())
    });
    let login = match has_password_field(&page.body) {
        false if page.truncated => Value::unknown("the page was cut"),
        has => Value::Bool(has),
    };
    Value::Record(
        [
            Value::text(page.url.as_str()),
            Value::Int(i64::from(page.status)),
            Value::text(page.title.as_str()),
            first("server"),
            first("location"),
            first("content-type"),
            Value::list(headers),
            Value::text(page.body.as_str()),
            login,
            Value::Bool(page.truncated),
        ]
        .into(),
    )
}

/// A DNS answer as a record of [`dns_type`].
pub(super) fn dns_value(answer: &DnsAnswer) -> Value {
    Value::Record(
        [
            Value::text(answer.rcode.as_str()),
            Value::list(answer.answers.iter().map(|text| Value::text(text.as_str()))),
            Value::Bool(answer.authoritative),
            Value::Bool(answer.recursion_available),
            Value::Bool(answer.truncated),
            Value::Int(i64::try_from(answer.bytes).unwrap_or(i64::MAX)),
        ]
        .into(),
    )
}
