//! A words file (`schema: postern/words/v1`): its shape, and what is wrong with one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Words, placeholders};
use crate::catalogue::CheckWords;
use crate::model::complaint::{Complaint, Source};
use crate::yaml::{Node, read_with};

/// A language in one file: every sentence of the report, and as many texts of checks as there are.
#[derive(Clone, Debug, Deserialize)]
pub struct WordsFile {
    /// What the file is.
    pub schema: String,
    /// The texts of checks, by their ids.
    #[serde(default)]
    pub checks: BTreeMap<String, CheckWords>,
    /// The report's own sentences, by their keys.
    #[serde(flatten)]
    pub sentences: BTreeMap<String, String>,
}

/// The English words file is the pattern: what it has is wanted, and its sentences say what each key means.
impl JsonSchema for WordsFile {
    fn schema_name() -> Cow<'static, str> {
        "WordsFile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let english = Words::built_in("en").map(|words| words.entries).unwrap_or_default();
        let mut fields = Map::new();
        let said = |what: &str| serde_json::json!({"type": "string", "description": what});
        fields.insert(
            "schema".into(),
            serde_json::json!({
            "type": "string", "const": "postern/words/v1", "description": "`postern/words/v1`"}),
        );
        for (key, sentence) in &english {
            fields.insert(key.clone(), said(&format!("In English: {sentence}")));
        }
        fields.insert("lang".into(), said("The tag of the language (BCP 47): `en`, `zh-Hant`."));
        let mut checks = generator.subschema_for::<BTreeMap<String, CheckWords>>();
        checks.insert(
            "description".into(),
            "The texts of checks, by their ids; what is left out appears in English.".into(),
        );
        fields.insert("checks".into(), checks.into());
        let required: Vec<Value> = std::iter::once("schema")
            .chain(
                english.keys().map(String::as_str).filter(|key| key.strip_suffix(".one").is_none()),
            )
            .map(Value::from)
            .collect();
        json_schema!({
            "type": "object",
            "description": "The report's sentences and the checks' texts in one language.",
            "properties": fields,
            "required": required,
            "additionalProperties": false,
        })
    }
}

/// Reads one.
pub(super) fn read(source: &Arc<Source>) -> Result<Words, Vec<Complaint>> {
    let english = Words::built_in("en").map(|words| words.entries).unwrap_or_default();
    let document = read_with::<WordsFile>(source, |tree, complaints| {
        complaints.extend(differing(&english, tree, source));
        complaints.extend(odd_tag(tree, source));
    })?;
    let WordsFile { sentences, checks, .. } = document.value;
    let tree = document.tree;
    Ok(Words { entries: sentences, checks, file: Some(Arc::new((document.source, tree))) })
}

/// Sentences that have other placeholders than in English.
fn differing(
    english: &BTreeMap<String, String>,
    tree: &Node,
    source: &Arc<Source>,
) -> Vec<Complaint> {
    let differing = tree.entries().iter().filter_map(|entry| {
        let (key, sentence) = (entry.name(), entry.value.text()?);
        let wanted = placeholders(english.get(key)?);
        (placeholders(sentence) != wanted).then(|| {
            let names: Vec<_> = wanted.iter().map(|name| format!("{{{name}}}")).collect();
            let names = if names.is_empty() { "none".into() } else { names.join(" ") };
            let title = format!("`{key}` has other placeholders than in English");
            Complaint::at(source, entry.value.mark(), title).help(format!("it needs: {names}"))
        })
    });
    differing.collect()
}

/// The tag ends up in names of files and in the page's head, so it is a tag and nothing else.
fn odd_tag(tree: &Node, source: &Arc<Source>) -> Option<Complaint> {
    let node = tree.field("lang")?;
    let part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let fits = node.text()?.split('-').all(part);
    (!fits).then(|| {
        Complaint::at(source, node.mark(), "this is not the tag of a language")
            .help("write a BCP 47 tag, such as `fr`, `zh-Hant` or `pt-BR`")
    })
}
