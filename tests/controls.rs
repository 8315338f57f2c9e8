//! The built-in mappings: every requirement of the crosswalk and no other, with checks that exist, in two languages.

use std::collections::{BTreeMap, BTreeSet};

use postern::catalogue::Catalogue;
use postern::controls::{Coverage, Framework};
use postern::facts::Vocabulary;

/// The ids that were read from the frameworks.
const IDS: &str = include_str!("controls/ids.txt");

fn frameworks() -> Vec<Framework> {
    let (catalogue, _) = Catalogue::read(&Catalogue::built_in_files(), &Vocabulary::built_in());
    let files = Framework::built_in_files();
    let (frameworks, complaints) = Framework::read_all(&files, &catalogue);
    assert!(complaints.is_empty(), "{complaints:#?}");
    assert_eq!(frameworks.len(), files.len());
    frameworks
}

/// The list by framework: its edition, and its ids in order.
fn known() -> BTreeMap<&'static str, (&'static str, Vec<&'static str>)> {
    let mut known = BTreeMap::new();
    let mut last = "";
    for line in IDS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if line.starts_with(' ') {
            let (_, ids): &mut (_, Vec<_>) = known.get_mut(last).expect("a framework first");
            ids.extend(line.split_whitespace());
        } else {
            let (id, edition) = line.split_once(": ").expect("an edition");
            known.insert(id, (edition, Vec::new()));
            last = id;
        }
    }
    known
}

#[test]
fn every_requirement_of_the_crosswalk_is_there_and_no_other() {
    let known = known();
    let frameworks = frameworks();
    assert_eq!(
        frameworks.iter().map(|one| one.id.as_str()).collect::<BTreeSet<_>>(),
        known.keys().copied().collect()
    );
    for framework in &frameworks {
        let (edition, ids) = &known[framework.id.as_str()];
        let there: Vec<&str> = framework.requirements.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(there, *ids, "{}", framework.id);
        assert_eq!(framework.edition, *edition, "{}", framework.id);
    }
    assert!(frameworks.iter().map(|one| one.requirements.len()).sum::<usize>() > 190);
}

#[test]
fn everything_is_said_in_both_languages() {
    for framework in frameworks() {
        let texts =
            framework.requirements.iter().flat_map(|one| [Some(&one.about), one.ask.as_ref()]);
        let all = texts.chain([Some(&framework.name), framework.note.as_ref()]).flatten();
        for said in all {
            for lang in ["en", "zh-Hant"] {
                let there = said.0.get(lang).is_some_and(|text| !text.trim().is_empty());
                assert!(there, "{}: nothing in {lang}: {said:?}", framework.id);
            }
        }
    }
}

/// Only works in the public domain are quoted.
#[test]
fn titles_stand_only_where_they_may_be_quoted() {
    for framework in frameworks() {
        let titled = framework.requirements.iter().filter(|one| one.title.is_some()).count();
        let free = framework.id.starts_with("nist-");
        assert_eq!(titled, if free { framework.requirements.len() } else { 0 }, "{}", framework.id);
    }
}

/// A scan from outside sees doors and answers, never the whole of a rule that people must follow.
#[test]
fn nothing_is_promised_that_a_scan_cannot_see() {
    for framework in frameworks() {
        for one in &framework.requirements {
            assert_ne!(one.coverage, Coverage::Full, "{} {}", framework.id, one.id);
            // Logging, patches and contracts leave no trace on the network.
            if one.coverage == Coverage::Manual {
                assert!(one.checks.is_empty() && one.ask.is_some(), "{} {}", framework.id, one.id);
            }
        }
    }
}

/// A mapping that was read from another edition than the one in force says so.
#[test]
fn the_hong_kong_numbers_carry_their_caution() {
    let frameworks = frameworks();
    for (id, read_from, in_force) in [("hk-s17", "6.0", "8.2"), ("hk-g3", "8.0", "10.0")] {
        let framework = frameworks.iter().find(|one| one.id == id).expect("it is there");
        let note = framework.note.as_ref().expect("a note");
        for lang in ["en", "zh-Hant"] {
            let text = note.in_lang(lang);
            assert!(text.contains(read_from) && text.contains(in_force), "{id} {lang}: {text}");
        }
        assert!(framework.edition.contains(read_from), "{id}");
    }
}
