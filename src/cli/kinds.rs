//! The kinds of files that there are, each with its schema: the one list that `validate` and `schema` know.

use std::sync::Arc;

use serde_json::Value;

use crate::catalogue::CheckFile;
use crate::catalogue::pack::PackFile;
use crate::controls::ControlsFile;
use crate::inventory::Inventory;
use crate::inventory::waivers::Waivers;
use crate::plugins::Plugins;
use crate::profile::ProfileFile;
use crate::report::words::WordsFile;
use crate::review::Review;
use crate::scope::Authorisation;
use crate::yaml::schema_of;

/// A kind of file.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Its name, as its schema line has it: `inventory` of `postern/inventory/v1`.
    pub(crate) name: &'static str,
    /// What it is for.
    pub(crate) what: &'static str,
    /// Its JSON Schema.
    pub(crate) schema: fn() -> Arc<Value>,
}

/// Every kind, in the order in which people meet them.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "inventory",
        what: "the hosts, and what each is meant to expose, to whom and why",
        schema: schema_of::<Inventory>,
    },
    Kind {
        name: "authorisation",
        what: "who gave leave to scan what, when and how fast",
        schema: schema_of::<Authorisation>,
    },
    Kind {
        name: "waivers",
        what: "which findings somebody bears until a date",
        schema: schema_of::<Waivers>,
    },
    Kind {
        name: "profile",
        what: "which checks, how strict, and what stops the gate",
        schema: schema_of::<ProfileFile>,
    },
    Kind {
        name: "controls",
        what: "which checks bear on which requirement of a framework",
        schema: schema_of::<ControlsFile>,
    },
    Kind {
        name: "pack",
        what: "what names a pack of checks and profiles",
        schema: schema_of::<PackFile>,
    },
    Kind {
        name: "plugins",
        what: "which programs of your own a scan may start, and what they answer",
        schema: schema_of::<Plugins>,
    },
    Kind { name: "check", what: "one thing to look for", schema: schema_of::<CheckFile> },
    Kind {
        name: "words",
        what: "a further language: the report's sentences, and texts of checks",
        schema: schema_of::<WordsFile>,
    },
    Kind {
        name: "review",
        what: "the result (review.json), from which every report is made",
        schema: schema_of::<Review>,
    },
];

/// The kind of that name.
pub(crate) fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// The kind that a schema line names, whatever its version: `postern/inventory/v1`.
pub(crate) fn kind_of_line(says: &str) -> Option<&'static Kind> {
    let (name, version) = says.strip_prefix("postern/")?.split_once('/')?;
    version.starts_with('v').then(|| kind(name)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_one_and_says_what_its_fields_mean() {
        for kind in KINDS {
            let schema = (kind.schema)();
            assert!(jsonschema::meta::is_valid(&schema), "{}", kind.name);
            let fields = schema.get("properties").and_then(Value::as_object).expect("fields");
            for (name, field) in fields {
                let described = field.get("description").is_some()
                    || field.get("$ref").is_some()
                    || field.get("anyOf").is_some();
                assert!(described, "{} says nothing about {name}", kind.name);
            }
        }
    }

    #[test]
    fn a_schema_line_names_a_kind() {
        assert_eq!(kind_of_line("postern/check/v1").map(|kind| kind.name), Some("check"));
        assert_eq!(kind_of_line("postern/check/v9").map(|kind| kind.name), Some("check"));
        assert!(kind_of_line("postern/book/v1").is_none());
        assert!(kind_of_line("check").is_none());
    }
}
