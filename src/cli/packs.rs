//! Packs as commands use them: reads their folders once, and only the bytes that were verified are used.

use std::fs;
use std::path::Path;

use super::library::Packs;
use crate::catalogue::pack::{self, Key, Pack, Seal};
use crate::model::complaint::Complaint;
use crate::review::PackLine;

/// How deep folders may stand in each other.
const DEEPEST: usize = 8;
/// The largest pack, in bytes: a thousand checks have five million.
const LARGEST: u64 = 64 * 1024 * 1024;
/// The most files in a pack.
const MOST: usize = 20_000;

/// Opens every pack that was given, in their order. What is wrong with one leaves all of it out.
pub(super) fn open(given: &Packs, complaints: &mut Vec<Complaint>) -> Vec<Pack> {
    let keys = keys(&given.trust_key).unwrap_or_else(|wrong| {
        complaints.extend(wrong);
        Vec::new()
    });
    let mut packs = Vec::new();
    for folder in &given.pack {
        let opened = files(folder)
            .and_then(|files| Pack::open(folder, &files, &keys, env!("CARGO_PKG_VERSION")));
        match opened {
            Ok(pack) if given.require_signed && !matches!(pack.seal, Seal::Signed { .. }) => {
                complaints.push(unsigned(folder, &pack));
            }
            Ok(pack) => packs.push(pack),
            Err(wrong) => complaints.extend(wrong),
        }
    }
    packs
}

/// The keys that were given, each as a file or as its text.
///
/// # Errors
/// Those that are none.
pub(super) fn keys(given: &[String]) -> Result<Vec<Key>, Vec<Complaint>> {
    let mut keys = Vec::new();
    let mut wrong = Vec::new();
    for text in given {
        let path = Path::new(text);
        let (name, read) = if path.is_file() {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (stem, fs::read_to_string(path).map_err(|wrong| format!("it cannot be read: {wrong}")))
        } else {
            (text.chars().take(12).collect(), Ok(text.clone()))
        };
        match read.and_then(|text| Key::read(&name, &text)) {
            Ok(key) => keys.push(key),
            Err(why) => wrong.push(Complaint::nowhere(format!("--trust-key `{text}`: {why}"))),
        }
    }
    if wrong.is_empty() { Ok(keys) } else { Err(wrong) }
}

/// What a report says of a pack.
pub(super) fn line(pack: &Pack) -> PackLine {
    let (signer, comment) = match &pack.seal {
        Seal::Signed { by, comment } => (Some(by.clone()), Some(comment.clone())),
        _ => (None, None),
    };
    PackLine {
        name: pack.manifest.name.clone(),
        version: pack.manifest.version.clone(),
        digest: pack.digest.to_string(),
        seal: pack.seal.word().into(),
        signer,
        comment,
    }
}

fn unsigned(folder: &Path, pack: &Pack) -> Complaint {
    let title = format!("the pack {pack} in `{}` is not signed by a trusted key", folder.display());
    let help = match pack.seal {
        Seal::Stranger => {
            "it is signed by somebody else: if that is its keeper, give the key with --trust-key"
        }
        _ => "its keeper signs it with: minisign -S -m pack.lock",
    };
    Complaint::nowhere(title).help(help)
}

/// Every file below a folder, read once.
///
/// # Errors
/// What cannot be read, and what has no place in a pack.
pub(super) fn files(folder: &Path) -> Result<pack::Files, Vec<Complaint>> {
    let mut gathering = Gathering { files: pack::Files::new(), bytes: 0, wrong: Vec::new() };
    if folder.is_dir() {
        gathering.folder(folder, "", 0);
    } else {
        gathering.complain(format!("`{}` is not a folder", folder.display()));
    }
    if gathering.wrong.is_empty() { Ok(gathering.files) } else { Err(gathering.wrong) }
}

/// The files of a folder while they are read.
struct Gathering {
    files: pack::Files,
    bytes: u64,
    wrong: Vec<Complaint>,
}

impl Gathering {
    fn complain(&mut self, title: String) {
        self.wrong.push(Complaint::nowhere(title));
    }

    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(wrong) => {
                return self.complain(format!("`{}` cannot be read: {wrong}", folder.display()));
            }
        };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Some(name) = name.to_str().filter(|name| !name.contains(['\\', '\n', '\r'])) else {
                self.complain(format!("`{}` has a name that no lock can hold", path.display()));
                continue;
            };
            // What git keeps for itself changes with every fetch and is never read.
            if depth == 0 && name == ".git" {
                continue;
            }
            let id = format!("{prefix}{name}");
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < DEEPEST => {
                    self.folder(&path, &format!("{id}/"), depth + 1);
                }
                Ok(kind) if kind.is_dir() => {
                    self.complain(format!(
                        "`{}` lies too deep: {DEEPEST} folders are enough",
                        path.display()
                    ));
                }
                Ok(kind) if kind.is_file() => self.file(&path, id),
                Ok(_) => {
                    self.complain(format!(
                        "`{}` is a link or no plain file: a pack holds its files itself",
                        path.display()
                    ));
                }
                Err(wrong) => {
                    self.complain(format!("`{}` cannot be read: {wrong}", path.display()));
                }
            }
        }
    }

    fn file(&mut self, path: &Path, id: String) {
        let size = fs::metadata(path).map_or(0, |about| about.len());
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > LARGEST || self.files.len() >= MOST {
            if self.wrong.is_empty() {
                self.complain(format!(
                    "this is too large for a pack: at most {MOST} files and {LARGEST} bytes"
                ));
            }
            return;
        }
        match fs::read(path) {
            Ok(bytes) => {
                self.files.insert(id, bytes);
            }
            Err(wrong) => self.complain(format!("`{}` cannot be read: {wrong}", path.display())),
        }
    }
}
