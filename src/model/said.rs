//! A text in several languages.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One text, by BCP 47 language tag: `{en: …, zh-Hant: …}`.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
#[schemars(extend("minProperties" = 1, "propertyNames" = {
    "pattern": "^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$",
    "description": "a language is named by its tag: `en`, `zh-Hant`"
}))]
pub struct Said(pub BTreeMap<String, String>);

impl Said {
    /// A text that exists in English only.
    pub fn en(text: impl Into<String>) -> Self {
        Self(BTreeMap::from([("en".into(), text.into())]))
    }

    /// The text in that language, else in English, else in whichever there is; empty when there is none.
    pub fn in_lang(&self, lang: &str) -> &str {
        let first = || self.0.values().next();
        self.0.get(lang).or_else(|| self.0.get("en")).or_else(first).map_or("", String::as_str)
    }
}
