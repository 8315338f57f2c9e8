//! Holds the house's rules: layers, walls, purity, opening sentences, where `unsafe` may stand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, lowest first: each uses only those that stand before it.
const LAYERS: &[&str] = &[
    "model",
    "yaml",
    "inventory",
    "scope",
    "facts",
    "plugins",
    "catalogue",
    "profile",
    "controls",
    "firewall",
    "talk",
    "probe",
    "plan",
    "engine",
    "book",
    "judge",
    "review",
    "report",
    "demo",
    "cli",
];

/// Walls besides the order: the first room never uses the second.
const WALLS: &[(&str, &[&str])] = &[
    ("engine", &["book", "judge", "review", "report"]),
    ("book", &["talk", "probe", "engine"]),
    ("judge", &["talk", "probe", "plan", "engine"]),
    ("review", &["talk", "probe", "plan", "engine"]),
    ("report", &["talk", "probe", "plan", "engine"]),
    ("demo", &["engine", "book", "judge", "review", "report"]),
];

/// Rooms that are pure functions over values: no sockets, no clock, no tasks, no files, no environment.
const PURE: &[&str] = &[
    "model",
    "yaml",
    "inventory",
    "scope",
    "facts",
    "plugins",
    "catalogue",
    "profile",
    "controls",
    "firewall",
    "plan",
    "judge",
    "review",
    "report",
];

/// What a pure room never says.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::time::Instant",
    "SystemTime",
    "Instant::now",
    "std::env::var",
    "std::process",
    "tokio::",
    "socket2",
    "Timestamp::now",
    "Zoned::now",
    "std::thread::spawn",
];

fn sources(under: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(under)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is readable") {
            let path = entry.expect("the entry is readable").path();
            if path.is_dir() {
                folders.extend((!path.ends_with("node_modules")).then_some(path));
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                files.push((path, text));
            }
        }
    }
    files.sort();
    files
}

fn room(path: &Path) -> String {
    let inside = path
        .strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .expect("a path under src");
    let first = inside.components().next().expect("a file has a name");
    Path::new(first.as_os_str()).with_extension("").display().to_string()
}

/// A file without its tests and comments: rules are about what ships.
fn code(text: &str) -> String {
    let shipped = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    shipped
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The rooms that a file names, through `crate::room` or `crate::{room, …}`.
fn used(code: &str) -> Vec<&str> {
    let after = code.split("crate::").skip(1).flat_map(|rest| match rest.strip_prefix('{') {
        Some(group) => group.split('}').next().unwrap_or("").split(',').map(str::trim).collect(),
        None => vec![rest],
    });
    let word =
        |text: &'_ str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    after.map(|text| &text[..word(text)]).filter(|name| LAYERS.contains(name)).collect()
}

#[test]
fn a_room_uses_only_what_stands_below_it() {
    let level: BTreeMap<_, _> = LAYERS.iter().enumerate().map(|(at, room)| (*room, at)).collect();
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let here = room(&path);
        if here == "lib" || here == "main" {
            continue;
        }
        let mine =
            *level.get(here.as_str()).unwrap_or_else(|| panic!("{here} is a room without a layer"));
        for other in used(&code(&text)) {
            let walled = WALLS.iter().any(|(from, to)| *from == here && to.contains(&other));
            if level[other] > mine || walled {
                wrong.push(format!("{}: {here} may not use {other}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_have_no_world() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        if PURE.contains(&room(&path).as_str()) {
            let text = code(&text);
            let found = IMPURE.iter().filter(|word| text.contains(**word));
            wrong.extend(found.map(|word| format!("{}: {word}", path.display())));
        }
    }
    assert!(wrong.is_empty(), "pure rooms that touch the world:\n{}", wrong.join("\n"));
}

#[test]
fn every_file_opens_with_a_sentence() {
    for under in ["src", "crates", "tests", "benches", "examples", "fuzz"] {
        if !Path::new(env!("CARGO_MANIFEST_DIR")).join(under).exists() {
            continue;
        }
        for (path, text) in sources(under) {
            let first = text.lines().next().unwrap_or("");
            assert!(first.starts_with("//! "), "{} has no opening sentence", path.display());
        }
    }
}

#[test]
fn unsafe_stands_in_one_crate_only() {
    for (path, text) in sources("src").into_iter().chain(sources("crates/wire")) {
        assert!(!code(&text).contains("unsafe "), "{} says unsafe", path.display());
    }
}

#[test]
fn nothing_is_left_half_done() {
    for (path, text) in sources("src").into_iter().chain(sources("crates")) {
        let marks = ["todo!(", "unimplemented!(", "FIXME", "XXX"];
        assert!(!marks.iter().any(|mark| text.contains(mark)), "{} is half done", path.display());
    }
}

#[test]
fn only_the_scope_makes_a_permit() {
    for (path, text) in sources("src") {
        if room(&path) != "scope" {
            assert!(!code(&text).contains("Permit {"), "{} makes a permit", path.display());
        }
    }
}
