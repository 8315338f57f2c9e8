//! What is said to a plug-in and what it may answer: one line of JSON, and lines of JSON.
//!
//! Whatever a plug-in says beyond that is not understood, and comes to nothing: a program that half works proves nothing.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::Plugin;
use crate::model::moment::Moment;
use crate::model::net::Transport;
use crate::model::value::Type;

/// The version of the protocol, as the question names it.
pub const VERSION: &str = "plugin/v1";

/// The one line that a plug-in reads.
#[derive(Clone, Debug, Serialize)]
pub struct Question<'a> {
    /// [`VERSION`].
    pub postern: &'static str,
    /// The host, by its id in the inventory.
    pub host: &'a str,
    /// The address to ask; no other is permitted.
    pub address: IpAddr,
    /// The port to ask.
    pub port: u16,
    /// `tcp`.
    pub transport: Transport,
    /// The name to ask as, where there is one.
    pub name: Option<&'a str>,
    /// Whether the service speaks TLS, as far as another probe has found out.
    pub encrypted: Option<bool>,
    /// After so many milliseconds the program is ended.
    pub deadline_ms: u64,
    /// How to make oneself known.
    pub agent: &'a str,
}

impl Question<'_> {
    /// As a line, with its end.
    ///
    /// # Errors
    /// When it cannot be written as JSON, which is a bug of ours.
    pub fn line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self).map(|line| line + "\n")
    }
}

/// What a plug-in said.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its notes for the transcript, in order.
    pub notes: Vec<String>,
    /// What it saw, with every field of its facts; or what is wrong with its answer, in our words.
    pub saw: Result<Json, String>,
}

/// Reads everything that a plug-in said.
pub fn answer(said: &[u8], plugin: &Plugin) -> Answer {
    let mut notes = Vec::new();
    let saw = lines(said, plugin, &mut notes);
    Answer { notes, saw }
}

fn lines(said: &[u8], plugin: &Plugin, notes: &mut Vec<String>) -> Result<Json, String> {
    let said = std::str::from_utf8(said).map_err(|_| "it is not UTF-8".to_owned())?;
    let mut saw = None;
    for (nth, line) in (1..).zip(said.lines()) {
        let object: Map<String, Json> =
            serde_json::from_str(line).map_err(|_| format!("line {nth} is no JSON object"))?;
        let mut fields = object.into_iter();
        match (fields.next(), fields.next()) {
            (Some((key, Json::String(note))), None) if key == "note" => notes.push(note),
            (Some((key, Json::Object(fields))), None) if key == "saw" => {
                if saw.is_some() {
                    return Err(format!("line {nth} is a second answer"));
                }
                holds(&fields, plugin).map_err(|wrong| format!("line {nth}: {wrong}"))?;
                saw = Some(Json::Object(fields));
            }
            _ => return Err(format!("line {nth} is neither a note nor what was seen")),
        }
    }
    saw.ok_or_else(|| "it does not say what was seen".to_owned())
}

/// Holds what was seen against the declared fields: all of them, each of its type, and nothing else.
fn holds(saw: &Map<String, Json>, plugin: &Plugin) -> Result<(), String> {
    for field in &plugin.facts {
        match saw.get(&field.name) {
            None => return Err(format!("the field {} is missing", field.name)),
            Some(value) if !fits(value, &field.of.as_type()) => {
                return Err(format!("the field {} is not of its type", field.name));
            }
            Some(_) => {}
        }
    }
    // Whatever else it is called, its name is not repeated: it is no text of ours.
    if saw.len() > plugin.facts.len() {
        return Err("it has a field that the configuration does not declare".to_owned());
    }
    Ok(())
}

/// Whether a value is of a type, or says why it is not known.
fn fits(value: &Json, of: &Type) -> bool {
    let why = |object: &Map<String, Json>| {
        object.len() == 1 && object.get("unknown").is_some_and(Json::is_string)
    };
    match (of, value) {
        (_, Json::Object(object)) => why(object),
        (Type::Bool, Json::Bool(_)) | (Type::Text, Json::String(_)) => true,
        (Type::Int, Json::Number(number)) => number.as_i64().is_some(),
        (Type::Moment, Json::String(text)) => text.parse::<Moment>().is_ok(),
        (Type::List(of), Json::Array(items)) => items.iter().all(|item| fits(item, of)),
        _ => false,
    }
}
