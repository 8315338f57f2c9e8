//! The report for people: its words, its structure, what hostile text does to it, and what a real browser says of it.

#![expect(clippy::print_stderr, reason = "a skipped test says so aloud")]

#[path = "report/booking.rs"]
mod booking;
#[path = "report/markup.rs"]
mod markup;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use postern::model::complaint::Source;
use postern::model::heard::shown;
use postern::report::words::{Words, placeholders};
use postern::report::{Options, format};
use postern::review::{Review, sample};
use serde_json::Value;

const LANGUAGES: [&str; 2] = ["en", "zh-Hant"];

fn html(review: &Review, lang: &str) -> String {
    let format = format("html").expect("the format is listed");
    let bytes = (format.render)(review, &Options::new(lang)).expect("it renders");
    String::from_utf8(bytes).expect("HTML is UTF-8")
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn words_file(lang: &str) -> Arc<Source> {
    let path = here(&format!("reports/words/{lang}.yaml"));
    Arc::new(Source { text: std::fs::read_to_string(&path).expect("the file is there"), path })
}

fn files(folder: &Path, ending: &str, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            files(&path, ending, into);
        } else if path.extension().is_some_and(|known| known == ending) {
            into.push(path);
        }
    }
}

#[test]
fn every_language_has_every_sentence() {
    assert_eq!(Words::languages().collect::<Vec<_>>(), LANGUAGES);
    for lang in LANGUAGES {
        let words = Words::read(&words_file(lang)).expect("it is whole");
        assert_eq!(words.lang(), lang);
    }
}

#[test]
fn no_sentence_is_unused_and_none_is_missing() {
    let mut sources = Vec::new();
    files(&here("src/report"), "rs", &mut sources);
    files(&here("reports/templates"), "html", &mut sources);
    let mut literals = BTreeSet::new();
    let mut asked = BTreeSet::new();
    for path in sources {
        let text = std::fs::read_to_string(path).expect("it can be read");
        literals.extend(text.split('"').map(str::to_owned));
        asked.extend(
            text.split("say(\"")
                .skip(1)
                .filter_map(|part| part.split('"').next())
                .map(str::to_owned),
        );
    }
    let words = Words::built_in("en").expect("English is built in");
    let keys: BTreeSet<_> = words.keys().collect();
    let without_number =
        |key: &str| key.trim_end_matches(".one").trim_end_matches(".other").to_owned();
    let unused: Vec<_> = keys
        .iter()
        .filter(|key| !literals.contains(**key) && !literals.contains(&without_number(key)))
        // Reasons are asked for by the keys of their table; a test beside the words holds the two together.
        .filter(|key| !key.starts_with("reason."))
        .collect();
    assert_eq!(unused, ["language"].iter().filter(|key| keys.contains(**key)).collect::<Vec<_>>());
    let missing: Vec<_> = asked.iter().filter(|key| !keys.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn chinese_is_chinese() {
    let words = Words::built_in("zh-Hant").expect("Chinese is built in");
    let is_chinese =
        |c: char| ('\u{3000}'..='\u{9fff}').contains(&c) || ('\u{ff00}'..='\u{ffef}').contains(&c);
    for key in words.keys().filter(|key| *key != "lang") {
        let mut bare = words.plain(key).to_owned();
        for name in placeholders(words.plain(key)) {
            bare = bare.replace(&format!("{{{name}}}"), "");
        }
        let latin = bare.split(|c: char| !c.is_ascii_alphabetic()).any(|word| word.len() > 3);
        assert!(!latin || bare.chars().any(is_chinese), "{key}: {}", words.plain(key));
        assert!(
            !bare.chars().any(|c| "。，；：".contains(c)) || !bare.contains(", "),
            "{key} mixes stops"
        );
    }
}

#[test]
fn the_page_is_well_built() {
    for review in [booking::review(), sample::small(), sample::clean(), sample::hostile()] {
        for lang in LANGUAGES {
            let html = html(&review, lang);
            markup::well_built(&html);
            assert!(html.contains(&format!("<html lang=\"{lang}\">")));
            assert!(
                html.contains(
                    "http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;"
                ) || html.contains("content=\"default-src 'none'; style-src 'sha256-")
            );
            assert!(!html.contains('⟦'), "a sentence or a value is missing");
            assert!(html.len() < 200_000, "{} bytes", html.len());
        }
    }
}

#[test]
fn the_first_page_says_it() {
    let english = html(&booking::review(), "en");
    for said in [
        "No-go",
        "Northgate IT Services Limited",
        "1 December 2026",
        "Otherwise the grade would be D.",
        "Overdue",
        "3 results are inconclusive",
        "Absence of indicators is not evidence of absence.",
    ] {
        assert!(english.contains(said), "{said}");
    }
    let chinese = html(&booking::review(), "zh-Hant");
    for said in [
        "不可繼續",
        "北閘資訊科技服務有限公司",
        "2026年12月1日",
        "若沒有這些因素，評級會是 D。",
        "已逾期",
        "3 項結果未能確定",
    ] {
        assert!(chinese.contains(said), "{said}");
    }
}

#[test]
fn the_same_review_gives_the_same_bytes() {
    for lang in LANGUAGES {
        assert_eq!(html(&booking::review(), lang), html(&booking::review(), lang));
    }
}

#[test]
fn an_unknown_language_is_refused_by_name() {
    let format = format("html").expect("the format is listed");
    let refused =
        (format.render)(&sample::clean(), &Options::new("xx")).expect_err("there are no words");
    assert_eq!(refused.to_string(), "no words for `xx`; there are en, zh-Hant");
}

/// Everything that attacks a page, in one text: markup, breakers of attributes, of CDATA and of comments, template
/// text, what turns the direction of reading, controls and NUL.
fn attack() -> String {
    format!(
        "{}{{{{ 7*7 }}}}{{% for x in y %}}\u{2066}\u{85}\u{feff}javascript:alert(1)` onmouseover=alert(1) x=",
        sample::ATTACK
    )
}

/// A review in which every text that can be any text is an attack.
fn besieged() -> Review {
    let mut tree = serde_json::to_value(booking::review()).expect("a review is JSON");
    let mut kinds = BTreeSet::new();
    kinds_of_text(&tree, &mut Vec::new(), &mut kinds);
    let attack = attack();
    for kind in kinds {
        // Ids hold the review together: were all the same, there would be little left to show.
        if kind.ends_with("/host")
            || kind.ends_with("/fingerprint")
            || kind == "/hosts/*/id"
            || kind.ends_with("/check")
            || kind == "/checks/*/id"
        {
            continue;
        }
        let mut changed = tree.clone();
        replace(&mut changed, &mut Vec::new(), &kind, &attack);
        if serde_json::from_value::<Review>(changed.clone()).is_ok() {
            tree = changed;
        }
    }
    let mut review: Review = serde_json::from_value(tree).expect("each change was tried");
    let place = &mut review.findings[0].places[0];
    place.evidence[0].lines.push("A".repeat(1_000_000));
    place.evidence[0].lines.extend((0..10_000).map(|n| format!("< {n}")));
    place.message.0.insert("en".into(), "B".repeat(1_000_000));
    review.findings[1].check.0.clone_from(&attack);
    review.findings[2].number = attack;
    review
}

/// The paths of texts, list places as `*`.
fn kinds_of_text(tree: &Value, path: &mut Vec<String>, into: &mut BTreeSet<String>) {
    match tree {
        Value::String(_) => {
            into.insert(format!("/{}", path.join("/")));
        }
        Value::Array(items) => {
            for item in items {
                step("*", path, |path| kinds_of_text(item, path, into));
            }
        }
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| step(name, path, |path| kinds_of_text(value, path, into))),
        _ => {}
    }
}

fn replace(tree: &mut Value, path: &mut Vec<String>, kind: &str, with: &str) {
    match tree {
        Value::String(text) if format!("/{}", path.join("/")) == kind => with.clone_into(text),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| step("*", path, |path| replace(item, path, kind, with))),
        Value::Object(fields) => fields
            .iter_mut()
            .for_each(|(name, value)| step(name, path, |path| replace(value, path, kind, with))),
        _ => {}
    }
}

fn step(name: &str, path: &mut Vec<String>, go: impl FnOnce(&mut Vec<String>)) {
    path.push(name.to_owned());
    go(path);
    path.pop();
}

#[test]
fn hostile_text_stays_text() {
    let review = besieged();
    for lang in LANGUAGES {
        let html = html(&review, lang);
        markup::well_built(&html);
        assert!(html.matches("&lt;script&gt;").count() > 100, "the attack is shown, as text");
        assert!(html.contains("{{ 7*7 }}"), "template text is text");
        for line in html.lines() {
            assert_eq!(line, shown(line), "nothing invisible gets through");
        }
        assert!(html.len() < 600_000, "{} bytes: long text is cut", html.len());
    }
}

/// Runs a tool and gives what it printed; none where the tool is missing, said aloud.
fn outside(test: &str, needs: &[&str], command: &mut Command) -> Option<(bool, String)> {
    let missing = needs.iter().find(|path| !Path::new(path).exists());
    let ran = if missing.is_some() { None } else { command.output().ok() };
    let Some(output) = ran else {
        let what = missing.map_or_else(
            || command.get_program().to_string_lossy().into_owned(),
            |path| (*path).to_string(),
        );
        assert!(
            std::env::var_os("CI").is_none(),
            "{test}: {what} is missing; tests/report/setup.sh fetches what it can"
        );
        eprintln!("SKIPPED {test}: {what} is missing; tests/report/setup.sh fetches what it can");
        return None;
    };
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

fn written(folder: &Path) -> Vec<PathBuf> {
    let reviews =
        [("booking", booking::review()), ("clean", sample::clean()), ("besieged", besieged())];
    let mut paths = Vec::new();
    for (name, review) in reviews {
        for lang in LANGUAGES {
            let path = folder.join(format!("{name}.{lang}.html"));
            std::fs::write(&path, html(&review, lang)).expect("it can be written");
            paths.push(path);
        }
    }
    paths
}

#[test]
fn a_browser_finds_nothing_wrong() {
    let folder = tempfile::tempdir().expect("a folder for a while");
    let paths = written(folder.path());
    let modules = here("tests/report/node_modules/axe-core");
    let mut node = Command::new("node");
    node.arg(here("tests/report/axe.mjs")).args(paths);
    let needs = ["/usr/bin/chromium", &modules.to_string_lossy()];
    if let Some((fine, said)) = outside("a_browser_finds_nothing_wrong", &needs, &mut node) {
        assert!(fine, "{said}");
    }
}

#[test]
fn the_nu_checker_finds_nothing_wrong() {
    let folder = tempfile::tempdir().expect("a folder for a while");
    let paths = written(folder.path());
    let jar = here("tests/report/node_modules/vnu-jar/build/dist/vnu.jar");
    let mut java = Command::new("java");
    java.arg("-jar").arg(&jar).args(["--errors-only", "--format", "gnu"]).args(paths);
    if let Some((fine, said)) =
        outside("the_nu_checker_finds_nothing_wrong", &[&jar.to_string_lossy()], &mut java)
    {
        assert!(fine, "{said}");
    }
}

#[test]
fn the_samples_are_up_to_date() {
    let review = booking::review();
    let json = format("json").expect("the format is listed");
    let json = (json.render)(&review, &Options::new("en")).expect("it renders");
    let mut all =
        vec![("booking.review.json".to_owned(), String::from_utf8(json).expect("JSON is UTF-8"))];
    all.extend(LANGUAGES.map(|lang| (format!("booking.{lang}.html"), html(&review, lang))));
    for (name, now) in all {
        let path = here("reports/samples").join(&name);
        if std::env::var_os("POSTERN_UPDATE").is_some() {
            std::fs::write(&path, &now).expect("it can be written");
        }
        let then = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(then == now, "reports/samples/{name} is stale: run with POSTERN_UPDATE=1");
    }
}

#[test]
fn a_message_that_begins_with_its_place_is_not_given_it_twice() {
    let mut review = sample::small();
    for place in review.findings.iter_mut().flat_map(|finding| &mut finding.places) {
        let at = place.subject.place();
        for message in place.message.0.values_mut() {
            *message = format!("{at} is as it should not be.");
        }
    }
    let first = review.findings.iter().flat_map(|finding| &finding.places);
    let places: Vec<_> = first.map(|place| place.subject.place()).collect();
    for name in ["html", "text", "sarif", "junit"] {
        let format = format(name).expect("the format is listed");
        for lang in LANGUAGES {
            let bytes = (format.render)(&review, &Options::new(lang)).expect("it renders");
            let told = String::from_utf8(bytes).expect("it is UTF-8");
            assert!(told.contains("is as it should not be."), "{name}");
            for place in &places {
                for twice in [format!("{place}: {place}"), format!("{place}：{place}")] {
                    assert!(!told.contains(&twice), "{name}, {lang}: {twice}");
                }
            }
        }
    }
}

/// Latin letters and punctuation are set in Latin faces even where Chinese ones are installed: a typographic apostrophe
/// of a Chinese face is as wide as a character.
#[test]
fn latin_faces_come_before_chinese_ones() {
    let css = std::fs::read_to_string(here("reports/templates/style.css")).expect("it is there");
    let stack = css.split("--sans:").nth(1).and_then(|rest| rest.split(';').next());
    let stack: Vec<_> = stack.expect("it names faces").split(',').map(str::trim).collect();
    let chinese = ["PingFang", "JhengHei", "CJK", "Noto Sans HK", "Noto Sans TC"];
    let is_chinese = |face: &&str| chinese.iter().any(|part| face.contains(part));
    let first = stack.iter().position(is_chinese).expect("it names Chinese faces");
    for latin in
        ["\"Segoe UI\"", "Roboto", "\"Noto Sans\"", "\"Liberation Sans\"", "\"DejaVu Sans\""]
    {
        let at = stack.iter().position(|face| *face == latin);
        assert!(at.is_some_and(|at| at < first), "{latin}");
    }
}
