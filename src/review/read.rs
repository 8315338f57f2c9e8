//! Reads `review.json` back.

use std::sync::Arc;

use serde::Deserialize;

use super::{REVIEW_SCHEMA, Review};
use crate::model::complaint::{Complaint, Source};

/// Reads a review; the same one that was written.
///
/// # Errors
/// The text is no review, or one of a version that this program does not know.
pub fn read(source: &Arc<Source>) -> Result<Review, Complaint> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    let head: Head = serde_json::from_str(&source.text).map_err(|wrong| at(source, &wrong))?;
    if head.schema != REVIEW_SCHEMA {
        let title = format!("this review is of the form `{}`", head.schema);
        let start = source.text.find("\"schema\"").unwrap_or(0);
        return Err(Complaint::at(source, start..start + "\"schema\"".len(), title)
            .label(format!("this program reads `{REVIEW_SCHEMA}`"))
            .help("use the version of postern that wrote it, or a newer one"));
    }
    serde_json::from_str(&source.text).map_err(|wrong| at(source, &wrong))
}

/// The complaint at the place that serde_json names by line and column.
fn at(source: &Arc<Source>, wrong: &serde_json::Error) -> Complaint {
    let lines = source.text.split_inclusive('\n').take(wrong.line().saturating_sub(1));
    let offset = lines.map(str::len).sum::<usize>() + wrong.column().saturating_sub(1);
    let words = wrong.to_string();
    let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words);
    let end = source.text.len();
    Complaint::at(source, offset.min(end)..(offset + 1).min(end), "this is no review")
        .label(words.to_owned())
        .help("a review is the `review.json` that `postern scan` or `postern judge` writes")
}
