//! Profiles by small cases: what they come to, and what is refused.

use super::*;
use crate::facts::Vocabulary;
use crate::model::complaint::Source;

const CHECK: &str = "schema: postern/check/v1\nrevision: 1\ntitle: {en: T}\nimpact: high\nlikelihood: medium\non: host\n\
    params:\n  most: {type: int, default: 3, stricter: lower, min: 1, max: 9}\n  names: {type: list text, default: [a], stricter: fewer}\n\
    expect: host.names.size() <= params.most && !(host.id in params.names)\nsays: {fail: {en: F}}\nwhy: {en: W}\n\
    tags: [TAG]\n";

fn file(id: &str, text: &str) -> File {
    File {
        id: id.into(),
        source: Arc::new(Source { path: format!("{id}.yaml").into(), text: text.into() }),
    }
}

fn catalogue() -> Catalogue {
    let ids = [("tls/old", "tls"), ("tls/weak", "tls"), ("web/plain", "web")];
    let files: Vec<File> = ids.map(|(id, tag)| file(id, &CHECK.replace("TAG", tag))).into();
    let (catalogue, complaints) = Catalogue::read(&files, &Vocabulary::built_in());
    assert_eq!(complaints, []);
    catalogue
}

fn read(profiles: &[(&str, &str)]) -> Result<Profile, Vec<Complaint>> {
    let opening = "schema: postern/profile/v1\ntitle: {en: P}\n";
    let files: Vec<File> =
        profiles.iter().map(|(id, text)| file(id, &format!("{opening}{text}"))).collect();
    let last = profiles.last().map_or("", |(id, _)| id);
    Profile::read(last, &files, &catalogue())
}

/// The complaints as `line:column title`.
fn refused(profiles: &[(&str, &str)]) -> Vec<String> {
    let complaints = read(profiles).expect_err("a mistake");
    let words = |complaint: &Complaint| {
        let (source, mark) = complaint.at.clone().expect("a place");
        let (line, column) = source.line_column(mark.start);
        format!("{line}:{column} {}", complaint.title)
    };
    complaints.iter().map(words).collect()
}

fn ids(profile: &Profile) -> Vec<&str> {
    profile.chosen.iter().map(|chosen| chosen.check.id.0.as_str()).collect()
}

#[test]
fn a_profile_takes_over_and_changes() {
    let profile = read(&[
        ("base", "select: ['tls/*']\nports: 22,443\ngate: {checks: [tls/old], coverage: 80, why: new}\n"),
        (
            "vendor",
            "extends: [base]\nselect: ['tag:web']\nwithout: [{check: tls/weak, why: not ours}]\nset:\n  tls/old:\n    \
             params: {most: 5}\n    impact: low\n    why: agreed\n  web/plain: {params: {most: 1}, likelihood: high}\n\
             due: {high: 7}\n",
        ),
    ])
    .expect("a profile");
    assert_eq!(ids(&profile), ["tls/old", "web/plain"]);
    let old = &profile.chosen[0];
    assert_eq!((old.impact, old.gate), (Degree::Low, Gate::Stops));
    assert_eq!(old.params[0], Value::Int(5));
    assert_eq!(profile.chosen[1].gate, Gate::Counts);
    assert_eq!(profile.ports, [22, 443]);
    assert_eq!(profile.gate.coverage_percent, 80);
    assert_eq!(profile.due_days, [7, 7, 90, 180]);
    let loosened: Vec<String> = profile
        .loosened
        .iter()
        .map(|one| format!("{} {} {}", one.check, one.what, one.at))
        .collect();
    assert_eq!(
        loosened,
        [
            "* gate.coverage base.yaml:5",
            "tls/weak without vendor.yaml:5",
            "tls/old impact vendor.yaml:9",
            "tls/old params.most vendor.yaml:8",
        ]
    );
    let chain: Vec<String> = profile
        .chain_of(&CheckId("tls/old".into()))
        .map(|link| format!("{}={} {}", link.what, link.value, link.at))
        .collect();
    assert_eq!(
        chain,
        [
            "chosen=by `tls/*` base.yaml:3",
            "gate=stops base.yaml:5",
            "impact=low vendor.yaml:9",
            "params.most=5 vendor.yaml:8",
        ]
    );
}

#[test]
fn the_digest_is_of_what_it_comes_to() {
    let digest = |text| read(&[("p", text)]).expect("a profile").digest;
    assert_eq!(digest("select: ['tls/*']\n"), digest("select: [tls/old, tls/weak]\n"));
    assert_ne!(digest("select: ['tls/*']\n"), digest("select: ['*']\n"));
    assert_ne!(
        digest("select: ['tls/*']\n"),
        digest("select: ['tls/*']\nset: {tls/old: {params: {most: 2}}}\n")
    );
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, wanted) in [
        ("select: ['tsl/*']\n", "3:10 `tsl/*` is not a check"),
        ("select: [tls/odl]\n", "3:10 `tls/odl` is not a check; did you mean `tls/old`?"),
        ("select: ['tag:wbe']\n", "3:10 `wbe` is not a tag of any check; did you mean `web`?"),
        ("extends: [p]\nselect: ['*']\n", "3:11 profiles extend each other: p → p"),
        ("extends: [q]\nselect: ['*']\n", "3:11 `q` is not a profile; did you mean `p`?"),
        (
            "select: ['*']\nset: {tls/odl: {impact: low}}\n",
            "4:7 `tls/odl` is not a check; did you mean `tls/old`?",
        ),
        (
            "select: [web/plain]\nset: {tls/old: {impact: high}}\n",
            "4:7 `tls/old` is set here, and no `select` chooses it",
        ),
        (
            "select: ['*']\nset: {tls/old: {impact: low}}\n",
            "4:25 this makes `impact` laxer and says no reason",
        ),
        (
            "select: ['*']\nset: {tls/old: {likelihood: low}}\n",
            "4:29 this makes `likelihood` laxer and says no reason",
        ),
        (
            "select: ['*']\nset: {tls/old: {params: {most: 4}}}\n",
            "4:32 this makes `params.most` laxer and says no reason",
        ),
        (
            "select: ['*']\nset: {tls/old: {params: {names: [a, b]}}}\n",
            "4:33 this makes `params.names` laxer and says no reason",
        ),
        ("select: ['*']\nset: {tls/old: {params: {most: four}}}\n", "4:32 a number is needed here"),
        (
            "select: ['*']\nset: {tls/old: {params: {most: 0}}}\n",
            "4:32 0 is too little; at least 1 is needed",
        ),
        (
            "select: ['*']\nset: {tls/old: {params: {most: 10}, why: x}}\n",
            "4:32 10 is too much; at most 9 is allowed",
        ),
        (
            "select: ['*']\nset: {tls/old: {params: {mots: 4}}}\n",
            "4:26 `mots` is not a parameter of `tls/old`; did you mean `most`?",
        ),
        (
            "select: ['*']\ngate: {coverage: 50}\n",
            "4:18 this makes `gate.coverage` laxer and says no reason",
        ),
        ("select: ['*']\ngate: {coverage: 101}\n", "4:18 101 per cent is more than all"),
        (
            "select: ['*']\ngate: {inconclusive: 50}\n",
            "4:22 this makes `gate.inconclusive` laxer and says no reason",
        ),
        (
            "select: ['*']\ndue: {critical: 50}\n",
            "4:17 this makes `due.critical` laxer and says no reason",
        ),
        ("select: ['*']\nports: 1-70000\n", "4:8 `70000` is not a port (0 to 65535)"),
        ("select: ['*']\nports: top\n", "4:8 `top` is no set of ports"),
        (
            "select: [web/plain]\nwithout: [{check: tls/old, why: x}]\n",
            "4:19 `tls/old` was not chosen, so it cannot be left out",
        ),
        ("select: []\n", "3:9 this profile chooses no check"),
        (
            "select: ['*']\nwithout: [{check: tls/old, why: ''}]\n",
            "4:19 this makes `without` laxer and says no reason",
        ),
        ("selct: ['*']\n", "3:1 "),
        ("select: ['*']\nlimits: {per-second: 0}\n", "4:22 "),
    ] {
        let told = refused(&[("p", text)]);
        assert!(told.first().is_some_and(|told| told.starts_with(wanted)), "{text}{told:#?}");
    }
}

#[test]
fn a_circle_through_others_is_found() {
    let told = refused(&[("a", "extends: [b]\nselect: ['*']\n"), ("b", "extends: [a]\n")]);
    assert_eq!(told, ["3:11 profiles extend each other: b → a → b"]);
}

#[test]
fn a_difference_says_which_is_stricter() {
    let base = "select: ['tls/*']\nports: 22,443\ngate: {checks: [tls/old]}\n";
    let read_one = |text: &str| read(&[("base", base), ("p", text)]).expect("a profile");
    let told = |first: &str, second: &str| -> Vec<String> {
        let found = differences(&read_one(first), &read_one(second));
        let line = |one: &Difference| {
            let check = one.check.as_ref().map_or("*", |check| check.0.as_str());
            format!("{check} {} {}→{} {:?}", one.what, one.first, one.second, one.stricter)
        };
        found.iter().map(line).collect()
    };
    let plain = "extends: [base]\n";
    assert_eq!(told(plain, plain), [""; 0]);
    for (second, wanted) in [
        ("select: [web/plain]\n", "web/plain chosen no→yes Second"),
        ("without: [{check: tls/weak, why: x}]\n", "tls/weak chosen yes→no First"),
        ("set: {tls/weak: {params: {most: 2}}}\n", "tls/weak params.most 3→2 Second"),
        ("set: {tls/weak: {params: {most: 4}, why: x}}\n", "tls/weak params.most 3→4 First"),
        ("ports: 22,80,443\n", "* ports 22,443→22,80,443 Second"),
        ("ports: 22,80\n", "* ports 22,443→22,80 Neither"),
        ("limits: {per-second: 5}\n", "* limits.per-second 400→5 Neither"),
        ("gate: {coverage: 95}\n", "* gate.coverage 90→95 Second"),
        ("gate: {inconclusive: 9, why: x}\n", "* gate.inconclusive 5→9 First"),
        ("due: {high: 7}\n", "* due.high 14→7 Second"),
    ] {
        assert_eq!(told(plain, &format!("{plain}{second}")), [wanted], "{second}");
    }
    assert_eq!(
        told(plain, &format!("{plain}set: {{tls/weak: {{impact: low, why: x}}}}\n")),
        ["tls/weak impact high→low First", "tls/weak severity medium→low First"]
    );
    assert_eq!(
        told(plain, &format!("{plain}gate: {{checks: [tls/weak]}}\n")),
        ["tls/weak gate counts→stops Second"]
    );
}
