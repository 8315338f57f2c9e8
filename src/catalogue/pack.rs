//! Packs: checks and profiles that somebody else keeps, with a name, a version, a lock over every byte and perhaps a
//! signature over the lock. Pure: whoever reads the folder hands in its bytes, and only those bytes are used.

mod lock;
mod signature;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::lock::Lock;
pub use self::signature::{Key, Seal};
use super::File;
use crate::model::complaint::{Complaint, Source};
use crate::model::digest::Digest;
use crate::model::heard::shown;
use crate::model::said::Said;
use crate::yaml::{self, Document};

/// What names a pack.
pub const MANIFEST: &str = "pack.yaml";
/// The digests of everything else in it.
pub const LOCK: &str = "pack.lock";
/// The minisign signature over the lock.
pub const SIGNATURE: &str = "pack.lock.minisig";

/// The file that names a pack (`schema: postern/pack/v1`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackFile {
    /// `postern/pack/v1`
    #[schemars(extend("const" = "postern/pack/v1"))]
    pub schema: String,
    /// Its name, in small letters, digits and hyphens: reports name it.
    pub name: String,
    /// Its version, as its keeper counts: `2026.11` or `1.4.0`.
    pub version: String,
    /// What it is for, in a few words.
    pub title: Said,
    /// The oldest version of Postern that understands it: `0.1.0`.
    #[serde(default)]
    pub needs: Option<String>,
    /// Under which licence it may be used, as an SPDX expression.
    #[serde(default)]
    pub licence: Option<String>,
}

/// Everything that lies in a pack's folder: bytes by path, with forward slashes.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A pack whose lock holds.
#[derive(Clone, Debug)]
pub struct Pack {
    /// What it says of itself.
    pub manifest: PackFile,
    /// SHA-256 of the lock, which stands for every byte of it; of a pack without one, of the lock that it would have.
    pub digest: Digest,
    /// Who vouches for it.
    pub seal: Seal,
    /// Its check files, from `checks/`.
    pub checks: Vec<File>,
    /// Its profile files, from `profiles/`.
    pub profiles: Vec<File>,
}

impl PackFile {
    /// Reads what a `pack.yaml` says.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn read(source: &Arc<Source>) -> Result<Document<Self>, Vec<Complaint>> {
        yaml::read_with::<Self>(source, |tree, complaints| {
            for (field, form, help) in FORMS {
                let Some(node) = tree.field(field) else { continue };
                let Some(text) = node.text().filter(|text| !form(text)) else { continue };
                let title = format!("`{}` cannot be the {field} of a pack", shown(text));
                complaints.push(Complaint::at(source, node.mark(), title).help(*help));
            }
        })
    }
}

impl Pack {
    /// Takes a folder's bytes as a pack: the manifest is read, the lock held against every byte, the signature against
    /// the lock. `running` is the version of this program.
    ///
    /// # Errors
    /// Everything that is wrong. A pack with anything wrong in it is not used at all: what else of it was changed,
    /// nobody knows.
    pub fn open(
        folder: &Path,
        files: &Files,
        trusted: &[Key],
        running: &str,
    ) -> Result<Self, Vec<Complaint>> {
        let mut wrong = Vec::new();
        let manifest = manifest(folder, files, running).map_err(|found| wrong.extend(found)).ok();
        let seal = seal(folder, files, trusted).map_err(|found| wrong.extend(found)).ok();
        let mut take = |of: &str| under(folder, files, of, &mut wrong);
        let (checks, profiles) = (take("checks/"), take("profiles/"));
        if checks.is_empty() && profiles.is_empty() && wrong.is_empty() {
            let title = format!("`{}` holds neither checks nor profiles", folder.display());
            wrong.push(
                Complaint::nowhere(title)
                    .help("put them into checks/<area>/<name>.yaml and profiles/<name>.yaml"),
            );
        }
        let (Some(manifest), Some(seal), true) = (manifest, seal, wrong.is_empty()) else {
            return Err(wrong);
        };
        let lock = files.get(LOCK).cloned().unwrap_or_else(|| Lock::of(files).text().into_bytes());
        Ok(Self { manifest, digest: Digest::of(&lock), seal, checks, profiles })
    }
}

impl fmt::Display for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.manifest.name, self.manifest.version)
    }
}

fn manifest(folder: &Path, files: &Files, running: &str) -> Result<PackFile, Vec<Complaint>> {
    let path = folder.join(MANIFEST);
    let Some(bytes) = files.get(MANIFEST) else {
        let title = format!("`{}` is no pack: it has no {MANIFEST}", folder.display());
        let help = "for a plain folder of checks or profiles there are --checks and --profiles";
        return Err(vec![Complaint::nowhere(title).help(help)]);
    };
    let source = yaml::source(&path, bytes).map_err(|one| vec![one])?;
    let document = PackFile::read(&source)?;
    if let Some(needs) = &document.value.needs
        && numbers(needs) > numbers(running)
    {
        let title = format!("this pack needs Postern {needs}, and this is {running}");
        let help = "use a newer Postern, or an older version of the pack";
        return Err(vec![document.complaint(&["needs"], title).help(help)]);
    }
    Ok(document.value)
}

/// A field, the form that its text must have, and that form in words.
type Form = (&'static str, fn(&str) -> bool, &'static str);

/// What the manifest's type cannot say.
const FORMS: &[Form] = &[
    ("name", is_name, "write small letters, digits and hyphens, 64 at most: clinic-hk"),
    (
        "version",
        is_version,
        "write letters, digits, dots, hyphens and pluses, 64 at most: 2026.11, 1.4.0",
    ),
    ("needs", is_release, "write three numbers: 0.1.0"),
];

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('-')
}

fn is_version(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

fn is_release(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
}

/// A version as numbers, for comparing.
fn numbers(version: &str) -> Vec<u64> {
    let core = version.split(['-', '+']).next().unwrap_or(version);
    core.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn seal(folder: &Path, files: &Files, trusted: &[Key]) -> Result<Seal, Vec<Complaint>> {
    let Some(bytes) = files.get(LOCK) else {
        if files.contains_key(SIGNATURE) {
            let title = format!("{SIGNATURE} signs a {LOCK} that is not there");
            let at = Complaint::at(&named(folder, SIGNATURE, String::new()), 0..0, title);
            return Err(vec![at]);
        }
        return Ok(Seal::None);
    };
    let source = yaml::source(&folder.join(LOCK), bytes).map_err(|one| vec![one])?;
    let lock = Lock::read(&source)?;
    let changed = lock.against(&source, files);
    if !changed.is_empty() {
        return Err(changed);
    }
    match files.get(SIGNATURE) {
        None => Ok(Seal::Locked),
        Some(signature) => {
            let text = yaml::source(&folder.join(SIGNATURE), signature);
            let text = text.map_err(|one| vec![one])?;
            Seal::signed(&text, bytes, trusted).map_err(|one| vec![one])
        }
    }
}

fn named(folder: &Path, name: &str, text: String) -> Arc<Source> {
    Arc::new(Source { path: folder.join(name), text })
}

/// The YAML files below one folder of the pack, by their ids.
fn under(folder: &Path, files: &Files, prefix: &str, wrong: &mut Vec<Complaint>) -> Vec<File> {
    let mut found = Vec::new();
    for (path, bytes) in files {
        let Some(id) = path.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(".yaml")) else {
            continue;
        };
        match yaml::source(&folder.join(path), bytes) {
            Ok(source) => found.push(File { id: id.to_owned(), source }),
            Err(complaint) => wrong.push(complaint),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST_TEXT: &str =
        "schema: postern/pack/v1\nname: clinic\nversion: 1.0.0\ntitle: {en: A clinic's own}\n";

    fn folder(more: &[(&str, &str)]) -> Files {
        let mut files: Files = more
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect();
        files.entry(MANIFEST.into()).or_insert_with(|| MANIFEST_TEXT.into());
        files.entry("checks/web/own.yaml".into()).or_insert_with(|| b"schema: x\n".to_vec());
        files
    }

    fn open(files: &Files) -> Result<Pack, String> {
        let opened = Pack::open(Path::new("p"), files, &[], "0.1.0");
        opened.map_err(|wrong| {
            wrong.iter().map(|one| one.title.clone()).collect::<Vec<_>>().join("; ")
        })
    }

    fn locked(mut files: Files) -> Files {
        let lock = Lock::of(&files).text();
        files.insert(LOCK.into(), lock.into_bytes());
        files
    }

    #[test]
    fn a_pack_is_its_bytes() {
        let pack = open(&folder(&[])).expect("a pack");
        assert_eq!((pack.to_string().as_str(), pack.seal.clone()), ("clinic 1.0.0", Seal::None));
        assert_eq!(pack.checks.first().map(|file| file.id.as_str()), Some("web/own"));
        let sealed = open(&locked(folder(&[]))).expect("a locked pack");
        assert_eq!((sealed.digest, sealed.seal), (pack.digest, Seal::Locked));
    }

    #[test]
    fn every_change_behind_the_lock_is_named() {
        let mut changed = locked(folder(&[("README.md", "hello")]));
        changed.insert("checks/web/own.yaml".into(), b"schema: y\n".to_vec());
        changed.insert("checks/web/slipped-in.yaml".into(), b"schema: z\n".to_vec());
        changed.remove("README.md");
        let wrong = open(&changed).expect_err("three changes");
        for name in ["README.md", "checks/web/own.yaml", "checks/web/slipped-in.yaml"] {
            assert!(wrong.contains(name), "{name} is not named: {wrong}");
        }
    }

    #[test]
    fn what_is_no_pack_says_so() {
        let wrong = |files: Files| open(&files).expect_err("no pack");
        assert!(wrong(Files::new()).contains("has no pack.yaml"));
        let newer = MANIFEST_TEXT.replace("version", "needs: 9.0.0\nversion");
        assert!(wrong(folder(&[(MANIFEST, &newer)])).contains("needs Postern 9.0.0"));
        let odd = MANIFEST_TEXT.replace("clinic", "../up");
        assert!(wrong(folder(&[(MANIFEST, &odd)])).contains("../up"));
        let mut unlocked = folder(&[]);
        unlocked.insert(SIGNATURE.into(), b"x".to_vec());
        assert!(wrong(unlocked).contains("not there"));
    }
}
