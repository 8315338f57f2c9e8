//! The built-in profiles: each is read, asks for the ports that its checks need, and stops at grave things only.

use postern::catalogue::Catalogue;
use postern::facts::Vocabulary;
use postern::model::complaint::Complaint;
use postern::model::severity::{Gate, Severity};
use postern::model::value::Value;
use postern::profile::Profile;

const PROFILES: [&str; 4] = ["baseline", "ci-deploy", "dhc-vendor", "periodic-review"];

fn profiles() -> Vec<Profile> {
    let (catalogue, _) = Catalogue::read(&Catalogue::built_in_files(), &Vocabulary::built_in());
    let files = Profile::built_in_files();
    let found: Vec<&str> = files.iter().map(|file| file.id.as_str()).collect();
    assert_eq!(found, PROFILES);
    let read = |name| Profile::read(name, &files, &catalogue);
    PROFILES
        .iter()
        .map(|name| read(name).unwrap_or_else(|wrong| panic!("{}", told(&wrong))))
        .collect()
}

fn told(complaints: &[Complaint]) -> String {
    let line = |complaint: &Complaint| {
        let place = complaint.at.as_ref().map(|(source, at)| {
            let (line, column) = source.line_column(at.start);
            format!("{}:{line}:{column}: ", source.path.display())
        });
        format!("{}{} {:?}", place.unwrap_or_default(), complaint.title, complaint.help)
    };
    complaints.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A check of a reachable service passes only where all its ports were asked: a profile that leaves some out would make
/// it inconclusive on every host.
#[test]
fn every_port_that_a_check_asks_for_is_asked() {
    for profile in profiles() {
        for chosen in &profile.chosen {
            let over_tcp = chosen.check.speaks_of.iter().any(|kind| {
                Vocabulary::built_in().kind(*kind).is_some_and(|kind| kind.name == "ports")
            });
            for (param, value) in chosen.check.params.iter().zip(&chosen.params) {
                let Value::List(ports) = value else { continue };
                if !over_tcp || param.name != "ports" {
                    continue;
                }
                for port in ports.items.iter() {
                    let Value::Int(port) = port else { panic!("{port} is no port") };
                    let asked = profile.ports.iter().any(|asked| i64::from(*asked) == *port);
                    assert!(asked, "{}: {} needs {port}", profile.name, chosen.check.id);
                }
            }
        }
    }
}

#[test]
fn a_gate_stops_at_what_is_grave_and_likely() {
    for profile in profiles() {
        let gates: Vec<_> =
            profile.chosen.iter().filter(|chosen| chosen.gate == Gate::Stops).collect();
        assert!(gates.len() > 10, "{}: {} gates", profile.name, gates.len());
        for gate in gates.iter().filter(|_| profile.name != "ci-deploy") {
            let level = Severity::of(gate.impact, gate.likelihood, gate.gate);
            assert_eq!(level, Severity::Critical, "{}: {}", profile.name, gate.check.id);
        }
    }
}

#[test]
fn only_the_pipeline_s_profile_is_laxer_than_the_baseline() {
    for profile in profiles() {
        let loosened = &profile.loosened;
        assert_eq!(
            loosened.is_empty(),
            profile.name != "ci-deploy",
            "{}: {loosened:?}",
            profile.name
        );
    }
}

/// One word for one thing in all Chinese texts, so that a report and its checks speak alike.
#[test]
fn chinese_texts_use_the_words_of_hong_kong_that_were_chosen() {
    const NOT_CHOSEN: [(&str, &str); 6] = [
        ("資料庫", "數據庫"),
        ("憑證", "數碼證書"),
        ("檢討", "檢視"),
        ("認可機構", "核證機關"),
        ("簽發機構", "核證機關"),
        ("轉址", "轉往"),
    ];
    let mut texts = Vec::new();
    let mut folders = vec!["checks".into(), "profiles".into(), "reports/words".into()];
    while let Some(folder) = folders.pop() {
        let folder: std::path::PathBuf = folder;
        for entry in std::fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml") {
                let text = std::fs::read_to_string(&path).expect("it can be read");
                texts.push((path, text));
            }
        }
    }
    assert!(texts.len() > 60, "only {} files", texts.len());
    for (path, text) in &texts {
        for (word, chosen) in NOT_CHOSEN {
            assert!(!text.contains(word), "{}: {word}; say {chosen}", path.display());
        }
        let bare = text.replace("服務供應商", "");
        assert!(!bare.contains("供應商"), "{}: say 服務供應商", path.display());
        let bare = text.replace("資產清單", "");
        assert!(
            !bare.contains("清單"),
            "{}: say 資產清單, or 列表 for other lists",
            path.display()
        );
    }
}
