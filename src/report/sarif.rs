//! SARIF 2.1.0 (OASIS), for code hosts that show findings beside the files of a repository: each result is anchored at
//! the line of the inventory that declares its host.

mod form;

use super::words::Words;
use super::{Format, Options, RenderError};
use crate::model::moment::Calendar;
use crate::model::net::HostId;
use crate::model::outcome::Outcome;
use crate::model::severity::Severity;
use crate::review::{CheckLine, Finding, FindingState, Fix, Review, Test};
use form::{
    Configuration, Driver, Invocation, Location, Log, Markdown, Message, Notification, Physical,
    Region, ResultProperties, Rule, RuleProperties, Run, Suppression, Tool, Uri,
};

pub(super) const FORMAT: Format = Format {
    name: "sarif",
    file: "review.sarif",
    means: "SARIF 2.1.0, for code hosts that show findings beside the inventory",
    render,
};

fn render(review: &Review, options: &Options<'_>) -> Result<Vec<u8>, RenderError> {
    let mut bytes = serde_json::to_vec_pretty(&log(review, options.lang))
        .map_err(|wrong| RenderError(wrong.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A text in which nothing is a link or a placeholder.
pub(crate) fn plain(text: &str) -> String {
    Message::said(text).into_text()
}

fn log(review: &Review, lang: &str) -> Log {
    let driver = Driver {
        name: "Postern",
        version: review.tool.version.clone(),
        rules: review.checks.iter().map(|check| rule(check, lang)).collect(),
    };
    let scan = &review.scan;
    let invocation = Invocation {
        execution_successful: scan.complete,
        start_time_utc: scan.began.to_string(),
        end_time_utc: scan.ended.to_string(),
        tool_execution_notifications: notifications(review),
    };
    Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool { driver },
            automation_details: form::Automation { id: format!("postern/{}/", review.tool.profile) },
            invocations: [invocation],
            column_kind: "unicodeCodePoints",
            results: review.findings.iter().map(|finding| result(review, finding, lang)).collect(),
        }],
    }
}

fn rule(check: &CheckLine, lang: &str) -> Rule {
    let title = check.title.in_lang(lang).to_owned();
    let why = check.why.in_lang(lang).to_owned();
    Rule {
        id: check.id.to_string(),
        name: check.id.to_string(),
        short_description: Message::said(&title),
        full_description: Message::said(&why),
        help: Markdown {
            text: help(check, lang, "", ""),
            markdown: help(check, lang, "**", "```"),
        },
        help_uri: check.refs.iter().find(|source| source.starts_with("https://")).cloned(),
        default_configuration: Configuration { level: level(check.severity) },
        properties: RuleProperties {
            tags: vec!["security".into(), check.id.area().to_owned()],
            security_severity: security_severity(check.severity),
            revision: check.revision,
            gate: check.gate,
        },
    }
}

/// Why it matters and what to do, for a check's page. All of it is the check file's own text.
fn help(check: &CheckLine, lang: &str, strong: &str, fence: &str) -> String {
    let fix = |fix: &Fix| {
        let product = fix.product.as_ref().map(|name| format!("{strong}{name}{strong}: "));
        let code = fix.code.as_ref().map(|code| format!("\n\n{fence}\n{code}\n{fence}"));
        let text = fix.text.in_lang(lang);
        format!("{}{text}{}", product.unwrap_or_default(), code.unwrap_or_default())
    };
    let why = check.why.in_lang(lang).to_owned();
    let fixes = check.fix.iter().map(fix);
    let refs = check.refs.iter().map(|source| format!("- {source}"));
    let refs: Vec<_> = refs.collect();
    let parts = std::iter::once(why).chain(fixes).chain((!refs.is_empty()).then(|| refs.join("\n")));
    parts.collect::<Vec<_>>().join("\n\n")
}

fn result(review: &Review, finding: &Finding, lang: &str) -> form::Result {
    let waiver = finding.waived_by.as_ref();
    let suppression = waiver.map(|id| {
        let line = review.waivers.iter().find(|waiver| waiver.id == *id);
        let reason = line.map(|line| {
            let until = Calendar::HONG_KONG.date(line.expires);
            format!("{}: {} (until {until})", line.id, line.reason.in_lang(lang))
        });
        Suppression {
            kind: "external",
            status: "accepted",
            justification: reason.unwrap_or_else(|| id.clone()),
        }
    });
    let host = finding.places.first().map(|place| &place.subject.host);
    let index = review.checks.iter().position(|check| check.id == finding.check);
    let compared = review.changes.is_some();
    form::Result {
        rule_id: finding.check.to_string(),
        rule_index: index,
        level: level(finding.severity),
        message: Message::said(&message(finding, lang)),
        locations: [location(review, host)],
        partial_fingerprints: form::Fingerprints { finding: finding.fingerprint.clone() },
        suppressions: suppression.into_iter().collect(),
        baseline_state: compared.then_some(match finding.state {
            FindingState::New | FindingState::CameBack => "new",
            FindingState::StillOpen | FindingState::WaiverEnded => "unchanged",
        }),
        properties: ResultProperties {
            number: finding.number.clone(),
            severity: finding.severity.word(),
            security_severity: security_severity(finding.severity),
            first_seen: Calendar::HONG_KONG.date(finding.first_seen),
            due: Calendar::HONG_KONG.date(finding.due),
            places: finding.places.iter().map(|place| place.subject.place()).collect(),
        },
    }
}

/// What is wrong, at each place on a line of its own.
fn message(finding: &Finding, lang: &str) -> String {
    let mut lines: Vec<_> = Vec::with_capacity(finding.places.len());
    for place in &finding.places {
        let line = place.subject.told(place.message.in_lang(lang));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if lines.is_empty() { finding.title.in_lang(lang).to_owned() } else { lines.join("\n") }
}

/// The line of the inventory that declares the host. A place that is not known stands at the file's beginning, for
/// readers refuse results without any.
fn location(review: &Review, host: Option<&HostId>) -> Location {
    let declared = host.and_then(|host| review.hosts.iter().find(|line| line.id == *host));
    let declared = declared.map(|line| &line.declared_at);
    let path = declared.map(|at| relative_uri(&at.path)).filter(|uri| !uri.is_empty());
    Location {
        physical_location: Physical {
            artifact_location: Uri { uri: path.unwrap_or_else(|| "inventory.yaml".into()) },
            region: Region { start_line: declared.map_or(1, |at| at.line.max(1)) },
        },
    }
}

/// A path as a relative URI reference (RFC 3986, section 4.2) with forward slashes and nothing that leads upwards.
pub(super) fn relative_uri(path: &str) -> String {
    let slashes = path.replace('\\', "/");
    let drive = |part: &&str| !part.ends_with(':');
    let parts = slashes.split('/').filter(|part| !matches!(*part, "" | "." | "..")).filter(drive);
    let escaped = parts.map(|part| {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        };
        part.bytes().map(byte).collect::<String>()
    });
    escaped.collect::<Vec<_>>().join("/")
}

/// What was not settled stands among the notices of the run: no result is not a good result.
fn notifications(review: &Review) -> Vec<Notification> {
    // What a machine reads stays in one language.
    let words = Words::built_in("en");
    let why = words.map(|words| words.reasons(&review.scan.incomplete_because));
    let why = why.filter(|why| !why.is_empty());
    let mut notices: Vec<_> = why
        .iter()
        .map(|why| notice("error", None, &format!("the scan is incomplete: {why}")))
        .collect();
    for check in &review.checks {
        for outcome in [Outcome::Inconclusive, Outcome::NotTested] {
            let of = |test: &&Test| test.check == check.id && test.outcomes.contains_key(&outcome);
            let hosts: Vec<_> =
                review.tests.iter().filter(of).map(|test| test.host.0.as_str()).collect();
            if !hosts.is_empty() {
                let text = format!("{} is {} on {}", check.id, outcome.word(), hosts.join(", "));
                notices.push(notice("warning", Some(check.id.to_string()), &text));
            }
        }
    }
    notices
}

fn notice(level: &'static str, rule: Option<String>, text: &str) -> Notification {
    Notification {
        level,
        message: Message::said(text),
        associated_rule: rule.map(|id| form::RuleReference { id }),
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// A number in the range that code hosts show as the same level.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.5",
    }
}

#[cfg(test)]
mod tests {
    use super::relative_uri;

    #[test]
    fn paths_become_relative_uris() {
        let is = |path, uri: &str| assert_eq!(relative_uri(path), uri);
        is("inventory/kwai-tsing.yaml", "inventory/kwai-tsing.yaml");
        is("./my files/香港.yaml", "my%20files/%E9%A6%99%E6%B8%AF.yaml");
        is("/srv/audit/inventory.yaml", "srv/audit/inventory.yaml");
        is(r"C:\audit\..\inventory.yaml", "audit/inventory.yaml");
        is("", "");
    }
}
