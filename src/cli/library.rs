//! Checks, profiles and mappings as a command uses them: those built in, and those of the folders that the user names.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use clap::Args;

use super::files::read_one;
use super::further::Languages;
use super::packs;
use crate::catalogue::{Catalogue, File};
use crate::controls::Framework;
use crate::facts::Vocabulary;
use crate::model::complaint::Complaint;
use crate::model::digest::Digest;
use crate::plugins::{self, Plugin, Plugins};
use crate::probe::PROBES;
use crate::profile::Profile;
use crate::report::words::Words;
use crate::review::PackLine;
use crate::yaml::{self, Document};

/// How deep folders of checks may stand in each other.
const DEEPEST: usize = 8;

/// Everything that conditions may speak of: what is derived from observations, what probes yield by themselves, and what
/// plug-ins do.
pub(crate) fn vocabulary(plugins: &[Plugin]) -> Vocabulary {
    let mut vocabulary = Vocabulary::built_in();
    let yielded = PROBES.iter().filter_map(|probe| probe.yields).map(|kind| kind());
    for kind in yielded.chain(plugins.iter().map(Plugin::kind)) {
        vocabulary.add(kind);
    }
    vocabulary
}

/// Where checks and profiles come from.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Checks")]
pub(crate) struct Folders {
    /// A folder of check files that add to the built-in ones, or replace those of the same name.
    #[arg(long, value_name = "DIR", env = "POSTERN_CHECKS")]
    pub(crate) checks: Option<PathBuf>,
    /// A folder of profile files that add to the built-in ones, or replace those of the same name; in its folder
    /// `controls`, mappings to frameworks.
    #[arg(long, value_name = "DIR", env = "POSTERN_PROFILES")]
    pub(crate) profiles: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) packs: Packs,
    #[command(flatten)]
    pub(crate) plugins: PluginsFile,
}

/// Packs of checks and profiles, and who is trusted to keep them.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Checks")]
pub(crate) struct Packs {
    /// A pack: a folder with a pack.yaml, and checks and profiles that add to the built-in ones; may be given more than
    /// once, later ones before earlier ones.
    #[arg(long, value_name = "DIR", env = "POSTERN_PACK", value_delimiter = ',')]
    pub(crate) pack: Vec<PathBuf>,
    /// A key whose signature is trusted: a .pub file of minisign, or the line in it that begins with RW.
    #[arg(long, value_name = "KEY", env = "POSTERN_TRUST_KEY", value_delimiter = ',')]
    pub(crate) trust_key: Vec<String>,
    /// Use nothing but what is built in and packs that are signed by a trusted key.
    #[arg(long, env = "POSTERN_REQUIRE_SIGNED")]
    pub(crate) require_signed: bool,
}

/// The file of plug-ins.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Checks")]
pub(crate) struct PluginsFile {
    /// The programs of your own that may be started, each by its path and digest, and the facts that they yield.
    #[arg(long, value_name = "FILE", env = "POSTERN_PLUGINS")]
    pub(crate) plugins: Option<PathBuf>,
    /// Those of a book, where no file is given.
    #[arg(skip)]
    pub(crate) of_book: Vec<Plugin>,
}

impl PluginsFile {
    /// Reads the file, if one is given; what is wrong with it joins the other complaints.
    pub(crate) fn read(&self, complaints: &mut Vec<Complaint>) -> Option<Document<Plugins>> {
        read_one(self.plugins.as_deref()?, plugins::read, complaints)
    }

    /// Everything that conditions may speak of, with it.
    pub(crate) fn vocabulary(&self, complaints: &mut Vec<Complaint>) -> Vocabulary {
        let file = self.read(complaints);
        vocabulary(file.as_ref().map_or(&self.of_book, |file| &file.value.plugins))
    }
}

/// The folder of mappings within one of profiles.
const CONTROLS: &str = "controls/";

/// All checks, and all files of profiles and mappings.
pub(crate) struct Library {
    /// What the checks speak of, the kinds that they bring along included.
    pub(crate) vocabulary: Vocabulary,
    /// The checks that were read without a mistake.
    pub(crate) catalogue: Catalogue,
    /// The profile files; they are read when one is asked for.
    pub(crate) profiles: Vec<File>,
    /// The mapping files; they are read when one is asked for.
    controls: Vec<File>,
    /// Where all that comes from, in the order in which it is laid over each other.
    pub(crate) packs: Vec<PackLine>,
    /// The file of plug-ins, where one was given.
    pub(crate) plugins: Option<Document<Plugins>>,
    /// Whether a profile may come from a file that nobody signed.
    signed_only: bool,
}

impl Library {
    /// What is built in, and nothing else.
    pub(crate) fn built_in() -> (Self, Vec<Complaint>) {
        Self::open(&Folders::default())
    }

    /// Opens what is built in and what packs and folders hold. A complaint is about a file that is left out, or a whole
    /// pack that is not what its keeper made; the rest stands.
    pub(crate) fn open(folders: &Folders) -> (Self, Vec<Complaint>) {
        Self::open_with(folders, Vec::new())
    }

    /// The same with check files that were handed over one by one.
    pub(crate) fn open_with(folders: &Folders, further: Vec<File>) -> (Self, Vec<Complaint>) {
        let mut complaints = Vec::new();
        let mut check_files = Catalogue::built_in_files();
        let mut profile_files = Profile::built_in_files();
        let mut packs = vec![built_in_line(&check_files, &profile_files)];
        for pack in packs::open(&folders.packs, &mut complaints) {
            packs.push(packs::line(&pack));
            check_files.extend(pack.checks);
            profile_files.extend(pack.profiles);
        }
        let signed_only = folders.packs.require_signed;
        let plain = [(&folders.checks, &mut check_files), (&folders.profiles, &mut profile_files)];
        for (folder, into) in plain {
            let Some(folder) = folder.as_deref() else { continue };
            if !folder.is_dir() {
                let title = format!("`{}` is not a folder", folder.display());
                complaints.push(Complaint::nowhere(title));
                continue;
            }
            if signed_only {
                complaints.push(unsigned(folder));
                continue;
            }
            let before = into.len();
            gather(&|path| id_below(folder, path), folder, 0, into, &mut complaints);
            packs.push(local_line(folder, into.get(before..).unwrap_or_default()));
        }
        if let (true, Some(file)) = (signed_only, further.first()) {
            complaints.push(unsigned(&file.source.path));
        } else {
            check_files.extend(further);
        }
        let plugins = folders.plugins.read(&mut complaints);
        let of_plugins =
            plugins.as_ref().map_or(&folders.plugins.of_book, |file| &file.value.plugins);
        let (catalogue, wrong) = Catalogue::read(&check_files, &vocabulary(of_plugins));
        complaints.extend(wrong);
        let (own, profiles): (Vec<_>, Vec<_>) =
            profile_files.into_iter().partition(|file| file.id.starts_with(CONTROLS));
        let name = |file: File| File { id: file.id.replacen(CONTROLS, "", 1), ..file };
        let mut controls = Framework::built_in_files();
        controls.extend(own.into_iter().map(name));
        let vocabulary = catalogue.vocabulary().clone();
        let library =
            Self { vocabulary, catalogue, profiles, controls, packs, plugins, signed_only };
        (library, complaints)
    }

    /// Has the checks speak the languages that the user gave; to be done before a profile holds them.
    pub(crate) fn learn(&mut self, languages: &Languages) -> Vec<Complaint> {
        let foreign = languages.given().iter().filter_map(Words::foreign);
        foreign.flat_map(|foreign| self.catalogue.learn(&foreign, &self.vocabulary)).collect()
    }

    /// A profile by its name, or by the path of its file.
    ///
    /// # Errors
    /// Everything that is wrong in it and in the profiles that it extends.
    pub(crate) fn profile(&self, name: &str) -> Result<Profile, Vec<Complaint>> {
        let path = Path::new(name);
        if path.extension().is_none_or(|ending| ending != "yaml") {
            return Profile::read(name, &self.profiles, &self.catalogue);
        }
        if self.signed_only {
            return Err(vec![unsigned(path)]);
        }
        let id =
            path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let mut files = self.profiles.clone();
        files.push(one(path, id.clone()).map_err(|complaint| vec![complaint])?);
        Profile::read(&id, &files, &self.catalogue)
    }

    /// The frameworks, by id. A complaint is about a file that is left out; the rest stands.
    pub(crate) fn frameworks(&self) -> (Vec<Framework>, Vec<Complaint>) {
        Framework::read_all(&self.controls, &self.catalogue)
    }

    /// The names of all profiles, sorted.
    pub(crate) fn profile_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.profiles.iter().map(|file| file.id.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// What is said of something that nobody signed, where only what is signed may be used.
fn unsigned(path: &Path) -> Complaint {
    let title = format!("`{}` is not signed, and --require-signed was given", path.display());
    Complaint::nowhere(title)
        .help("put it into a pack (postern pack lock), sign its pack.lock, and give it with --pack")
}

/// The line of what the program brings along.
fn built_in_line(checks: &[File], profiles: &[File]) -> PackLine {
    let digest = digest(checks.iter().chain(profiles));
    let version = env!("CARGO_PKG_VERSION");
    PackLine {
        name: "postern".into(),
        version: version.into(),
        digest,
        seal: "built-in".into(),
        ..PackLine::default()
    }
}

/// The line of a plain folder: whose it is and which version, nobody says.
fn local_line(folder: &Path, files: &[File]) -> PackLine {
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
    PackLine { name, digest: digest(files.iter()), seal: "local".into(), ..PackLine::default() }
}

/// SHA-256 of files with their ids.
fn digest<'f>(files: impl Iterator<Item = &'f File>) -> String {
    let parts = files.flat_map(|file| [file.id.as_bytes(), file.source.text.as_bytes()]);
    Digest::of_parts(parts).to_string()
}

/// The check files at a path that was handed over: all of a folder, or the one file.
///
/// Unlike a folder of `--checks`, it may be any folder around checks or among them, so each is named by its own folder
/// and itself, as `<area>/<name>` always is.
pub(crate) fn check_files(path: &Path, complaints: &mut Vec<Complaint>) -> Vec<File> {
    let mut files = Vec::new();
    if path.is_dir() {
        gather(&check_id, path, 0, &mut files, complaints);
        return files;
    }
    match one(path, check_id(path)) {
        Ok(file) => files.push(file),
        Err(complaint) => complaints.push(complaint),
    }
    files
}

/// The id of a check whose file was handed over: its folder and its name, wherever that lies.
pub(crate) fn check_id(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let leads_up = whole.components().any(|part| part == Component::ParentDir);
    let whole = if leads_up { whole.canonicalize().unwrap_or(whole) } else { whole };
    let name = |path: Option<&Path>| {
        let name = path.and_then(Path::file_name).map(OsStr::to_string_lossy);
        name.map_or_else(String::new, Cow::into_owned)
    };
    format!("{}/{}", name(whole.parent()), name(Some(&whole.with_extension(""))))
}

/// Complaints about files that were handed over together and have one id: only one of them would be looked at.
pub(crate) fn same_ids(files: &[File]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (place, file) in files.iter().enumerate() {
        let before = files.get(..place).unwrap_or_default();
        if let Some(first) = before.iter().find(|other| other.id == file.id) {
            let title = format!("two files are the check `{}`", file.id);
            let help =
                format!("the other is {}; hand them over one by one", first.source.path.display());
            complaints.push(Complaint::at(&file.source, 0..0, title).help(help));
        }
    }
    complaints
}

/// The id of what lies in a folder of checks or profiles: its path from there.
fn id_below(top: &Path, path: &Path) -> String {
    let id = path.strip_prefix(top).unwrap_or(path).with_extension("");
    let parts: Vec<_> = id.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

fn gather(
    id: &dyn Fn(&Path) -> String,
    folder: &Path,
    depth: usize,
    files: &mut Vec<File>,
    complaints: &mut Vec<Complaint>,
) {
    let cannot = |what: &Path, wrong: &std::io::Error| {
        Complaint::nowhere(format!("`{}` cannot be read: {wrong}", what.display()))
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(wrong) => return complaints.push(cannot(folder, &wrong)),
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if depth < DEEPEST {
                gather(id, &path, depth + 1, files, complaints);
            }
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            match one(&path, id(&path)) {
                Ok(file) => files.push(file),
                Err(complaint) => complaints.push(complaint),
            }
        }
    }
}

fn one(path: &Path, id: String) -> Result<File, Complaint> {
    let bytes = fs::read(path).map_err(|wrong| {
        Complaint::nowhere(format!("`{}` cannot be read: {wrong}", path.display()))
    })?;
    Ok(File { id, source: yaml::source(path, &bytes)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_named_by_its_folder_wherever_it_lies() {
        for path in
            ["/home/checks/ours/tls/old.yaml", "/tls/old.yaml", "/checks/checks/tls/old.yaml"]
        {
            assert_eq!(check_id(Path::new(path)), "tls/old", "{path}");
        }
        assert_eq!(check_id(Path::new("/srv/checks/old.v2.yaml")), "checks/old.v2");
        assert_eq!(check_id(Path::new("checks/web/../tls/old-version.yaml")), "tls/old-version");
        assert_eq!(id_below(Path::new("ours"), Path::new("ours/tls/old.yaml")), "tls/old");
    }
}
