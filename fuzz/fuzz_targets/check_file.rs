//! Any bytes as a check file: read, its own tests run, chosen by a profile, and planned for a host.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use postern::catalogue::{Catalogue, File, lint, mutate};
use postern::facts::Vocabulary;
use postern::inventory::Inventory;
use postern::model::complaint::Complaint;
use postern::model::moment::Moment;
use postern::model::plan::Class;
use postern::plan::{Guide, Inputs, Wish, asked, plan};
use postern::probe::{Probe, built_in};
use postern::profile::Profile;
use postern::yaml;

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::built_in);
static BUILT_IN: LazyLock<Vec<Probe>> = LazyLock::new(built_in);

/// A profile that chooses whatever check there is.
static PROFILE: LazyLock<File> = LazyLock::new(|| {
    let text = "schema: postern/profile/v1\ntitle: {en: Everything}\nselect: [\"*/*\"]\nclass: intrusive\n";
    let source = yaml::source(Path::new("fuzz.yaml"), text.as_bytes()).expect("UTF-8");
    File { id: "fuzz".into(), source }
});

static INVENTORY: LazyLock<Inventory> = LazyLock::new(|| {
    serde_json::from_value(serde_json::json!({
        "schema": "postern/inventory/v1",
        "operator": {"id": "test", "name": {"en": "A test"}},
        "hosts": [{
            "id": "h1", "addresses": ["192.0.2.1", "2001:db8::1"], "names": ["www.example.org"],
            "exposure": [{"port": "443/tcp", "from": ["internet"]}, {"port": "161/udp", "from": ["internet"]}],
        }],
    }))
    .expect("an inventory")
});

fuzz_target!(|input: &[u8]| {
    let Ok(source) = yaml::source(Path::new("fuzz/input.yaml"), input) else { return };
    let file = File { id: "fuzz/input".into(), source };
    let (catalogue, complaints) = Catalogue::read(std::slice::from_ref(&file), &VOCABULARY);
    complaints.iter().for_each(in_place);
    let Some(check) = catalogue.checks().first() else {
        assert!(!complaints.is_empty(), "what is refused has a reason");
        return;
    };
    assert!(complaints.is_empty(), "what has mistakes is no check");
    lint(check).iter().for_each(in_place);
    for test in check.tests() {
        if let Err(complaint) = check.test(test) {
            in_place(&complaint);
        }
    }
    // Every wrong version of a check is read and tested as well, which takes its time.
    if check.tests().len() <= 4 && input.len() < 3000 {
        let alive = mutate(&file, &VOCABULARY).map_or_else(|wrong| wrong, |mutated| mutated.alive);
        alive.iter().for_each(in_place);
    }
    planned(&catalogue);
});

/// Plans the check for a host, and sends nothing.
fn planned(catalogue: &Catalogue) {
    let profile = match Profile::read("fuzz", std::slice::from_ref(&*PROFILE), catalogue) {
        Ok(profile) => profile,
        Err(complaints) => return complaints.iter().for_each(in_place),
    };
    let vocabulary = profile.vocabulary(catalogue);
    let mut wishes = Vec::new();
    for chosen in &profile.chosen {
        if let Some(asking) = chosen.asking() {
            let again = chosen.asking().expect("the same");
            assert_eq!(asking.name, again.name, "its name is what it does");
            let (check, params) = (chosen.check.clone(), chosen.params.clone());
            wishes.push(Wish { check, params, asking: asking.into() });
        }
    }
    let guide = Guide::new(&INVENTORY, &vocabulary, &[], wishes);
    let own = guide.probes();
    let probes: Vec<&Probe> = BUILT_IN.iter().chain(&own).collect();
    let plan = plan(&Inputs {
        inventory: &INVENTORY,
        profile: &profile.name,
        checks: &asked(&profile, &vocabulary),
        ports: &profile.ports,
        declared: true,
        class: Class::Intrusive,
        limits: profile.limits,
        probes: &probes,
        guide: Some(&guide),
        allows: &|_| Ok(()),
        resolves: &|_| Ok(()),
        vantage: "outside",
        resolvers: &[[192, 0, 2, 53].into()],
        now: Moment::from_unix_seconds(1_800_000_000),
    });
    for step in &plan.steps {
        assert!(step.bound.connections <= 100_000 && step.bound.datagrams <= 100_000, "{step:?}");
    }
    serde_json::to_vec(&plan).expect("a plan can be kept");
}

/// A complaint points into the file that it is about.
fn in_place(complaint: &Complaint) {
    if let Some((source, mark)) = &complaint.at {
        let (line, column) = source.line_column(mark.start);
        assert!(line > 0 && column > 0);
        assert!(source.text.get(mark.clone()).is_some(), "{mark:?}: {}", complaint.title);
    }
    assert!(!complaint.title.is_empty());
}
