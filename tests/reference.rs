//! The pages under docs/reference say what the code and the data say. `UPDATE=1 cargo test --test reference` rewrites them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

#[test]
fn the_reference_is_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
    let mut pages = postern::cli::reference::pages();
    pages.insert("labs.md".into(), labs());
    let update = std::env::var_os("UPDATE").is_some();
    let mut stale = Vec::new();
    for (path, text) in &pages {
        let path = folder.join(path);
        if fs::read_to_string(&path).is_ok_and(|known| known == *text) {
            continue;
        }
        if update {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder to write to");
            fs::write(&path, text).expect("a page to write");
        } else {
            stale.push(path);
        }
    }
    let wanted: BTreeSet<PathBuf> = pages.keys().map(|path| folder.join(path)).collect();
    for path in made_pages(&folder).into_iter().filter(|path| !wanted.contains(path)) {
        if update {
            fs::remove_file(&path).expect("a page to remove");
        } else {
            stale.push(path);
        }
    }
    assert!(stale.is_empty(), "stale; run `UPDATE=1 cargo test --test reference`: {stale:#?}");
}

/// The pages that were made by this test: others may stand beside them.
fn made_pages(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(made_pages(&path));
        } else if fs::read_to_string(&path).is_ok_and(|text| text.starts_with("<!-- Made by")) {
            found.push(path);
        }
    }
    found
}

/// What the page of labs tells of a lab.
#[derive(Deserialize)]
struct Lab {
    about: String,
    needs: Vec<String>,
    expect: BTreeSet<String>,
}

/// The page of labs: what an audit of each finds, and where each check is seen to fail.
fn labs() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/labs");
    let mut labs = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the labs are there").flatten() {
        let path = entry.path();
        let text = fs::read_to_string(&path).expect("a lab can be read");
        let lab: Lab = serde_saphyr::from_str(&text).expect("a lab is as it must be");
        labs.insert(path.file_stem().expect("a name").to_string_lossy().into_owned(), lab);
    }
    let mut page = String::from(
        "<!-- Made by `UPDATE=1 cargo test --test reference`; change what it is made from. -->\n\n# Labs\n\n\
         Real servers that `cargo test --test labs` starts, each in a network namespace of its own, weak and hardened. An\n\
         audit of each finds exactly the checks that stand beside it. The files are in `tests/labs`.\n\n\
         | Lab | What it is | Programs | Checks that fail |\n|---|---|---|---|\n",
    );
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, lab) in &labs {
        let checks: BTreeSet<&str> =
            lab.expect.iter().filter_map(|line| line.split(' ').next()).collect();
        for check in &checks {
            seen.entry(check).or_default().insert(name);
        }
        // What every lab needs is no server.
        let needs = lab.needs.iter().filter(|need| !["ip", "ss"].contains(&need.as_str()));
        let needs: Vec<&str> = needs.map(String::as_str).collect();
        let about = lab.about.trim().replace('\n', " ").replace('|', "\\|");
        let links: Vec<String> = checks.iter().map(|check| link(check)).collect();
        let links = if links.is_empty() { "none".to_owned() } else { links.join(", ") };
        let _ = writeln!(page, "| {name} | {about} | {} | {links} |", needs.join(", "));
    }
    page.push_str("\n## Where each check is seen to fail\n\n| Check | Labs |\n|---|---|\n");
    for (check, labs) in seen {
        let labs: Vec<&str> = labs.into_iter().collect();
        let _ = writeln!(page, "| {} | {} |", link(check), labs.join(", "));
    }
    page
}

fn link(check: &str) -> String {
    format!("[{check}](checks/{check}.md)")
}
