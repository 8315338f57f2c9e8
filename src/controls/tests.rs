//! Mapping files by small cases: what they come to, and what is refused.

use std::sync::Arc;

use super::*;
use crate::facts::Vocabulary;

const CHECK: &str = "schema: postern/check/v1\nrevision: 1\ntitle: {en: T}\nimpact: high\nlikelihood: medium\non: host\n\
    params:\n  most: {type: int, default: 3, stricter: lower}\n  any: {type: int, default: 3}\n\
    expect: host.names.size() <= params.most + params.any\nsays: {fail: {en: F}}\nwhy: {en: W}\ntags: [TAG]\n";

fn file(id: &str, text: &str) -> File {
    let path = format!("{id}.yaml").into();
    File { id: id.into(), source: Arc::new(Source { path, text: text.into() }) }
}

fn catalogue() -> Catalogue {
    let ids = [("tls/old", "tls"), ("tls/weak", "tls"), ("web/plain", "web")];
    let files: Vec<File> = ids.map(|(id, tag)| file(id, &CHECK.replace("TAG", tag))).into();
    let (catalogue, complaints) = Catalogue::read(&files, &Vocabulary::built_in());
    assert_eq!(complaints, []);
    catalogue
}

fn read(requirements: &str) -> Result<Framework, Vec<String>> {
    let text = format!(
        "schema: postern/controls/v1\nname: {{en: F}}\nedition: one\nsource: a book\nchecked_on: 2026-11-25\n\
         relation: relates-to\nrequirements:\n{requirements}"
    );
    let (mut read, complaints) = Framework::read_all(&[file("f", &text)], &catalogue());
    let words = |complaint: &Complaint| {
        let (source, mark) = complaint.at.clone().expect("a place");
        let (line, column) = source.line_column(mark.start);
        format!("{line}:{column} {}", complaint.title)
    };
    read.pop().ok_or_else(|| complaints.iter().map(words).collect())
}

#[test]
fn patterns_mean_checks_each_once() {
    let framework = read(
        "  - {id: A.2, about: {en: a}, coverage: part, checks: ['tls/*', 'tag:tls', web/plain]}\n  \
         - {id: A.10, about: {en: b}, coverage: full, checks: [tls/old]}\n  \
         - {id: A.10(1), about: {en: c}, coverage: manual, ask: {en: who?}}\n",
    )
    .expect("a framework");
    let ids = |at: usize| -> Vec<&str> {
        framework.requirements[at].checks.iter().map(|check| check.id.0.as_str()).collect()
    };
    assert_eq!(ids(0), ["tls/old", "tls/weak", "web/plain"]);
    assert_eq!(ids(1), ["tls/old"]);
    assert!(ids(2).is_empty());
}

#[test]
fn a_check_that_ran_laxer_is_told() {
    let framework = read(
        "  - {id: A, about: {en: a}, coverage: part, checks: ['*'], needs: {tls/old: {most: 5}}}\n",
    )
    .expect("a framework");
    let requirement = &framework.requirements[0];
    let laxer = |check: usize, most: i64| {
        requirement.laxer(&requirement.checks[check], &[Value::Int(most), Value::Int(99)])
    };
    // `any` has no stricter side.
    assert_eq!(laxer(0, 5), [""; 0]);
    assert_eq!(laxer(0, 6), ["most"]);
    // What `needs` does not name is held against the check's default.
    assert_eq!(laxer(1, 3), [""; 0]);
    assert_eq!(laxer(1, 4), ["most"]);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let one = "about: {en: a}, coverage: part";
    for (text, wanted) in [
        (
            format!("  - {{id: B, {one}, checks: ['*']}}\n  - {{id: A, {one}, checks: ['*']}}\n"),
            "9:10 `A` stands after `B`",
        ),
        (
            format!("  - {{id: A, {one}, checks: ['*']}}\n  - {{id: A, {one}, checks: ['*']}}\n"),
            "9:10 `A` stands here twice",
        ),
        (
            format!("  - {{id: A, {one}, checks: [tls/odl]}}\n"),
            "8:54 `tls/odl` is not a check; did you mean `tls/old`?",
        ),
        (
            format!("  - {{id: A, {one}, checks: ['tag:wbe']}}\n"),
            "8:54 `wbe` is not a tag of any check; did you mean `web`?",
        ),
        (format!("  - {{id: A, {one}}}\n"), "8:39 no check tests any of this"),
        (
            "  - {id: A, about: {en: a}, coverage: manual, checks: ['*'], ask: {en: x}}\n".into(),
            "8:39 what is manual has no checks",
        ),
        (
            "  - {id: A, about: {en: a}, coverage: manual}\n".into(),
            "8:39 what is manual says what to ask",
        ),
        (
            format!("  - {{id: A, {one}, checks: [tls/old], needs: {{tls/weak: {{most: 1}}}}}}\n"),
            "8:72 `tls/weak` is not a check of this requirement",
        ),
        (
            format!("  - {{id: A, {one}, checks: [tls/old], needs: {{tls/old: {{mots: 1}}}}}}\n"),
            "8:82 `mots` is not a parameter of `tls/old`; did you mean `most`?",
        ),
        (
            format!("  - {{id: A, {one}, checks: [tls/old], needs: {{tls/old: {{any: 1}}}}}}\n"),
            "8:82 `any` has no stricter side, so no bound",
        ),
        (
            format!("  - {{id: A, {one}, checks: [tls/old], needs: {{tls/old: {{most: x}}}}}}\n"),
            "8:88 a number is needed here",
        ),
    ] {
        let told = read(&text).expect_err("a mistake");
        assert!(told.first().is_some_and(|told| told.starts_with(wanted)), "{text}{told:#?}");
    }
}

#[test]
fn of_two_files_with_the_same_id_the_later_one_counts() {
    let text = |edition: &str| {
        format!(
            "schema: postern/controls/v1\nname: {{en: F}}\nedition: {edition}\nsource: a book\n\
             checked_on: 2026-11-25\nrelation: relates-to\nrequirements:\n  \
             - {{id: A, about: {{en: a}}, coverage: part, checks: ['*']}}\n"
        )
    };
    let files = [file("f", &text("old")), file("f", &text("new")), file("bad", "schema: x\n")];
    let (read, complaints) = Framework::read_all(&files, &catalogue());
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].edition, "new");
    assert!(!complaints.is_empty(), "the bad file is told of");
}
