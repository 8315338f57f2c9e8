//! The findings as comma-separated values (RFC 4180), one a line, for a spreadsheet.

use super::{Format, Options, RenderError};
use crate::review::Review;

pub(super) const FORMAT: Format =
    Format { name: "csv", file: "findings.csv", means: "the findings for a spreadsheet", render };

fn render(review: &Review, options: &Options<'_>) -> Result<Vec<u8>, RenderError> {
    let mut lines = vec!["number,severity,check,host,title".to_owned()];
    for finding in &review.findings {
        let host = finding.places.first().map_or("", |place| place.subject.host.0.as_str());
        let cells = [&finding.number, finding.severity.word(), &finding.check.0, host, finding.title.in_lang(options.lang)];
        lines.push(cells.map(cell).join(","));
    }
    Ok((lines.join("\r\n") + "\r\n").into_bytes())
}

/// A cell in quotes; a spreadsheet must not take it for a formula.
fn cell(text: &str) -> String {
    let harmless = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    format!("\"{}\"", harmless.replace('"', "\"\""))
}
