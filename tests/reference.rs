//! The pages under docs/reference say what the code and the data say. `UPDATE=1 cargo test --test reference` rewrites them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_reference_is_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
    let pages = postern::cli::reference::pages();
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
