//! `postern validate`: reads files and says everything that is wrong with them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::files::{self, Files};
use super::kinds::{KINDS, kind_of_line};
use super::library::{check_id, same_ids, vocabulary};
use super::{Exit, Globals};
use crate::catalogue::pack::PackFile;
use crate::catalogue::{Catalogue, File};
use crate::controls::Framework;
use crate::inventory;
use crate::inventory::waivers;
use crate::model::complaint::{Complaint, Source, nearest};
use crate::plugins::{self, Plugin};
use crate::profile::Profile;
use crate::report::words::Words;
use crate::scope::authorisation;
use crate::yaml::{parse, schema_line};

/// Read files and say everything that is wrong with them
///
/// Each file says in its line `schema:` what it is. All mistakes of all files are told in one run, each with file, line
/// and column. Files that are given together are held against each other too: hosts and providers that an authorisation
/// or a waiver names must be in the inventory, and the checks that a profile, a
/// mapping or a waiver names must exist.
///
/// Nothing is sent anywhere. The exit code is 0 when everything is right, and 2 when anything is wrong.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  postern validate inventory.yaml
  postern validate inventory.yaml authorisation.yaml waivers.yaml
      each by itself, and against each other
  postern validate checks/ profiles/
      every .yaml file of these folders")]
pub(crate) struct Validate {
    /// Inventories, authorisations, waivers, profiles, mappings, heads of packs, plug-ins, checks and words; a folder
    /// stands for every .yaml file in it.
    #[arg(value_name = "FILE", required = true)]
    paths: Vec<PathBuf>,
}

impl Validate {
    pub(crate) fn run(&self, globals: &Globals) -> Exit {
        let mut set = Set::default();
        for path in &self.paths {
            set.take(path, 0);
        }
        set.hold_together();
        if !set.complaints.is_empty() {
            return files::give_up(globals, &set.complaints);
        }
        if !globals.quiet {
            let _ = std::io::stdout().lock().write_all(set.right.concat().as_bytes());
        }
        Exit::Passed
    }
}

/// Folders within folders are looked into to this depth.
const DEEPEST: usize = 8;

/// The files that were given, sorted by their kinds.
#[derive(Default)]
struct Set {
    files: Files,
    checks: Vec<File>,
    profiles: Vec<File>,
    controls: Vec<File>,
    words: Vec<Words>,
    plugins: Vec<Plugin>,
    complaints: Vec<Complaint>,
    /// A line for each file that is right.
    right: Vec<String>,
}

impl Set {
    fn take(&mut self, path: &Path, depth: usize) {
        if path.is_dir() {
            return self.take_folder(path, depth);
        }
        match files::open(path) {
            Ok(source) => self.take_file(path, &source),
            Err(complaint) => self.complaints.push(complaint),
        }
    }

    fn take_folder(&mut self, folder: &Path, depth: usize) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            let title = format!("`{}` cannot be read", folder.display());
            return self.complaints.push(Complaint::nowhere(title));
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let is_yaml =
                path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
            if is_yaml || (path.is_dir() && depth < DEEPEST) {
                self.take(&path, depth + 1);
            }
        }
    }

    fn take_file(&mut self, path: &Path, source: &Arc<Source>) {
        let line = schema_line(source);
        let kind = line.as_ref().and_then(|line| kind_of_line(&line.says));
        match kind.map(|kind| kind.name) {
            Some("inventory") => self.take_inventory(path, source),
            Some("authorisation") => match authorisation::read(source) {
                Ok(read) => {
                    let hosts = read.value.covers().len();
                    self.right(
                        path,
                        &format!(
                            "an authorisation, `{}`, of {}",
                            read.value.id,
                            many(hosts, "host or network", "hosts and networks")
                        ),
                    );
                    self.files.authorisations.push(read);
                }
                Err(found) => self.complaints.extend(found),
            },
            Some("waivers") => match waivers::read(source) {
                Ok(read) => {
                    self.right(
                        path,
                        &format!(
                            "a list of {}",
                            many(read.value.waivers.len(), "waiver", "waivers")
                        ),
                    );
                    self.files.waivers.push(read);
                }
                Err(found) => self.complaints.extend(found),
            },
            Some("profile") => {
                self.profiles.push(File { id: stem(path), source: Arc::clone(source) });
            }
            Some("controls") => {
                self.controls.push(File { id: stem(path), source: Arc::clone(source) });
            }
            Some("pack") => match PackFile::read(source) {
                Ok(read) => {
                    self.right(path, &format!("the head of the pack `{}`", read.value.name));
                }
                Err(found) => self.complaints.extend(found),
            },
            Some("plugins") => match plugins::read(source) {
                Ok(read) => {
                    let count = many(read.value.plugins.len(), "plug-in", "plug-ins");
                    self.right(path, &format!("a list of {count}"));
                    self.plugins.extend(read.value.plugins);
                }
                Err(found) => self.complaints.extend(found),
            },
            Some("words") => match Words::read(source) {
                Ok(words) => self.words.push(words),
                Err(found) => self.complaints.extend(found),
            },
            Some("check") => {
                self.checks.push(File { id: check_id(path), source: Arc::clone(source) });
            }
            _ if line.is_none() && parse(source).0.is_none() => {
                self.complaints.extend(parse(source).1);
            }
            _ => self.complaints.push(of_no_kind(source, line.map(|line| (line.says, line.mark)))),
        }
    }

    fn take_inventory(&mut self, path: &Path, source: &Arc<Source>) {
        match inventory::read(source) {
            Ok(read) if self.files.inventory.is_some() => {
                let complaint = Complaint::at(&read.source, 0..0, "this is a second inventory");
                self.complaints.push(
                    complaint.help(
                        "files that belong to different inventories are validated one by one",
                    ),
                );
            }
            Ok(read) => {
                let hosts = read.inventory.hosts.len();
                self.right(path, &format!("an inventory of {}", many(hosts, "host", "hosts")));
                self.files.inventory = Some(read);
            }
            Err(found) => self.complaints.extend(found),
        }
    }

    fn right(&mut self, path: &Path, what: &str) {
        let path = crate::model::heard::shown(&path.display().to_string());
        self.right.push(format!("{path}: {what}; nothing is wrong with it\n"));
    }

    /// Holds the files against each other, and against the checks and profiles that the program knows.
    fn hold_together(&mut self) {
        self.complaints.extend(self.files.against_each_other());
        let rules = [&self.checks, &self.profiles, &self.controls];
        let alone = self.files.waivers.is_empty() && self.words.is_empty();
        if alone && rules.iter().all(|files| files.is_empty()) {
            return;
        }
        self.complaints.extend(same_ids(&self.checks));
        let mut checks = Catalogue::built_in_files();
        checks.extend(self.checks.iter().cloned());
        let vocabulary = vocabulary(&self.plugins);
        let (mut catalogue, found) = Catalogue::read(&checks, &vocabulary);
        self.complaints.extend(found);
        for words in std::mem::take(&mut self.words) {
            let foreign = words.foreign();
            let found =
                foreign.map(|foreign| catalogue.learn(&foreign, &vocabulary)).unwrap_or_default();
            if let (true, Some(source)) = (found.is_empty(), words.source()) {
                let told = catalogue
                    .checks()
                    .iter()
                    .filter(|check| check.is_told_in(words.lang()))
                    .count();
                let all = catalogue.checks().len();
                let what = format!(
                    "words for `{}`, with every text of {told} of {all} checks",
                    words.lang()
                );
                self.right(&source.path, &what);
            }
            self.complaints.extend(found);
        }
        let mut profiles = Profile::built_in_files();
        profiles.extend(self.profiles.iter().cloned());
        for file in std::mem::take(&mut self.profiles) {
            match Profile::read(&file.id, &profiles, &catalogue) {
                Ok(profile) => {
                    let chosen = many(profile.chosen.len(), "check", "checks");
                    self.right(
                        &file.source.path.clone(),
                        &format!("a profile that chooses {chosen}"),
                    );
                }
                Err(found) => {
                    let new = found.into_iter().filter(|one| !self.complaints.contains(one));
                    let new: Vec<Complaint> = new.collect();
                    self.complaints.extend(new);
                }
            }
        }
        self.mappings(&catalogue);
        for file in std::mem::take(&mut self.checks) {
            if catalogue
                .check(&file.id)
                .is_some_and(|check| Arc::ptr_eq(&check.source, &file.source))
            {
                self.right(&file.source.path.clone(), &format!("the check `{}`", file.id));
            }
        }
        self.complaints.extend(self.files.unknown_checks(&catalogue));
    }

    fn mappings(&mut self, catalogue: &Catalogue) {
        for file in std::mem::take(&mut self.controls) {
            let (read, found) = Framework::read_all(std::slice::from_ref(&file), catalogue);
            self.complaints.extend(found);
            for framework in read {
                let count = many(framework.requirements.len(), "requirement", "requirements");
                self.right(&file.source.path.clone(), &format!("a mapping of {count}"));
            }
        }
    }
}

fn of_no_kind(source: &Arc<Source>, line: Option<(String, std::ops::Range<usize>)>) -> Complaint {
    let names: Vec<&str> =
        KINDS.iter().map(|kind| kind.name).filter(|name| *name != "review").collect();
    let help = format!(
        "a file opens with `schema: postern/<kind>/v1`, where <kind> is one of {}",
        names.join(", ")
    );
    let Some((says, mark)) = line else {
        let title = if source.text.trim().is_empty() {
            "this file is empty"
        } else {
            "this file does not say what it is: its line `schema:` is missing"
        };
        return Complaint::at(source, 0..0, title).help(help);
    };
    let shown = crate::model::heard::shown(&says);
    let all: Vec<String> = names.iter().map(|name| format!("postern/{name}/v1")).collect();
    let title = match nearest(&says, all.iter().map(String::as_str)) {
        Some(near) => format!("`{shown}` is no kind of file; did you mean `{near}`?"),
        None => format!("`{shown}` is no kind of file"),
    };
    Complaint::at(source, mark, title).help(help)
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

fn many(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}
