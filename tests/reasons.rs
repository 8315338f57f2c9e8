//! Every reason that the sources give stands in the table of reasons, so that no report has an English sentence in it that
//! nobody translated. What the table holds is translated: a test beside the words files says so.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use postern::model::reason::Reason;
use regex::Regex;

/// Sources in those rooms that speak to somebody else: of mistakes in conditions, to the provider, to readers of evidence.
const ELSEWHERE: [&str; 15] = [
    "made_up.rs",
    "compose.rs",
    "mutate.rs",
    "rehearse.rs",
    "revisions.rs",
    "sample_controls.rs",
    "tests.rs",
    "sample.rs",
    "kinds.rs",
    "properties.rs",
    "lex.rs",
    "parse.rs",
    "call.rs",
    "letter.rs",
    "evidence.rs",
];

/// The rooms whose reasons end in a book, a fact or a verdict.
const ROOMS: [&str; 9] = [
    "facts",
    "judge",
    "plan",
    "scope",
    "engine",
    "catalogue/expr",
    "catalogue/recipe",
    "probe/recipe",
    "review",
];

/// What looks like a reason there and is none, or is put together of sentences that are in the table.
const OTHERS: [&str; 14] = [
    // Told of a program that is not the one that was allowed, before a scan begins.
    "its SHA-256 is {}",
    // The ports of an address, of which the table has any transport.
    "{}/tcp of {}: {}",
    // Several reasons in one, which are taken apart.
    "{}; and {} more such reasons",
    // Put together of words that are in the table, each with its own sentence.
    "{} does not cover {}{} for {}: it {}",
    "{} is {}; it is reached only where its address is written",
    "only the first {} of {} {} are kept",
    "no {} are left of the plan's bound",
    // Ends of steps that did not arise: nothing is asked, and nothing is told.
    "no port is open",
    "the name does not resolve to this address",
    // Errors of our own stay as they are, in whatever language: they are for those who mend the program.
    "there is no probe `{}`",
    "a cut nobody took: {}",
    "without words",
    // What a certificate's own sentence is made of: it is told by the check's texts.
    "its dates contradict each other",
    // What a resolver's library is told, which never stands in a book.
    "one question, to one resolver",
];

/// A sentence with its placeholders left empty.
fn skeleton(sentence: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_u32;
    for c in sentence.chars() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                out.push_str("{}");
            }
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// The literals of a source that are given as reasons.
fn literals(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or("");
    // A string is continued on the next line by a backslash.
    let code = Regex::new(r"\\\n\s*").expect("a pattern").replace_all(code, "");
    let given = Regex::new(
        r#"(?x)
        (?: (?:Why::new|Gap::\w+|Value::unknown|\.unknown|unknown|not_tested|NoRoute|Spent)\(
          | \b(?:why|rule|none|error|missing|absent)(?::\s*[&\w<>']+)?\s*(?:=|:|=>)\s*
          | Err\( | No\( | \|\|\s* | stop\.now\( | unwrap_or\( | map_or\( )
        (?:\|[^|]*\|\s*)? (?:\s*"[a-z_]+",\s*)? (?:Some\()?(?:\s*&?format!\(\s*)? \s*
        "((?:[^"\\]|\\.)*)""#,
    )
    .expect("a pattern");
    // A reason is a sentence: one word is the name of something.
    let texts = given.captures_iter(&code).map(|found| found[1].to_owned());
    texts.filter(|text| text.contains(' ')).collect()
}

#[test]
fn every_reason_that_the_sources_give_is_in_the_table() {
    let known: BTreeSet<String> =
        Reason::vocabulary().map(|(_, sentence)| skeleton(sentence)).collect();
    let mut seen = BTreeSet::new();
    let mut strangers = Vec::new();
    for room in ROOMS {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("the folder is there").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if ELSEWHERE.contains(&name.as_str()) {
                    continue;
                }
                let text = fs::read_to_string(&path).expect("it can be read");
                for literal in literals(&text) {
                    let literal = skeleton(&literal);
                    if !known.contains(&literal) && !OTHERS.contains(&literal.as_str()) {
                        strangers.push(format!("{}: {literal}", path.display()));
                    }
                    seen.insert(literal);
                }
            }
        }
    }
    assert!(strangers.is_empty(), "not in src/model/reason.rs:\n{}", strangers.join("\n"));
    assert!(seen.len() > 70, "only {} reasons were found", seen.len());
}
