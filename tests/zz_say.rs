//! Temporary.
use postern::catalogue::Catalogue;
use postern::facts::Vocabulary;
use std::sync::Arc;
#[test]
fn say() {
    let v = Vocabulary::built_in();
    for file in Catalogue::built_in_files() {
        // every fail test is given a wrong sentence, so that its true one is told.
        for lang in ["en", "zh-Hant"] {
            let mut text = file.source.text.clone();
            text = text.lines().filter(|l| !l.starts_with("    says:")).map(|l| if l == "    expect: fail" { "    expect: fail\n    says: x".to_owned() } else { l.to_owned() }).collect::<Vec<_>>().join("\n");
            if lang != "en" {
                // swap languages in says.fail
                let at = text.find("\nsays:").unwrap();
                let (a, b) = text.split_at(at);
                let end = b.find("\nwhy:").unwrap();
                let (s, rest) = b.split_at(end);
                let s = s.replace("    en:", "    xx:").replace("    zh-Hant:", "    en:").replace("    xx:", "    zh-Hant:");
                text = format!("{a}{s}{rest}");
            }
            let mut f = file.clone();
            f.source = Arc::new(postern::model::complaint::Source { path: "x".into(), text });
            let (c, complaints) = Catalogue::read(std::slice::from_ref(&f), &v);
            if !complaints.is_empty() { println!("{} {complaints:?}", file.id); continue; }
            let check = c.checks().first().unwrap();
            for t in check.tests() {
                if let Err(e) = check.test(t) { println!("{} | {} {:?} {:?}", file.id, e.title, e.label, e.help); }
            }
        }
    }
}
