//! `review.json`: the review itself, from which every other format renders again.

use super::{Format, Options, RenderError};
use crate::review::Review;

pub(super) const FORMAT: Format = Format {
    name: "json",
    file: "review.json",
    means: "the review itself, from which every other format renders again",
    render,
};

fn render(review: &Review, _: &Options<'_>) -> Result<Vec<u8>, RenderError> {
    let mut bytes =
        serde_json::to_vec_pretty(review).map_err(|wrong| RenderError(wrong.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::complaint::Source;
    use crate::review::{read, sample};

    #[test]
    fn what_is_written_reads_back_the_same() {
        for review in [sample::small(), sample::clean(), sample::hostile()] {
            let bytes = render(&review, &Options::new("en")).expect("it renders");
            let text = String::from_utf8(bytes).expect("JSON is UTF-8");
            let source = Arc::new(Source { path: "review.json".into(), text });
            assert_eq!(read(&source), Ok(review));
        }
    }
}
