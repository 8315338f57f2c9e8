//! `postern init`: writes a commented inventory and authorisation.

mod asked;
mod written;

use std::fs::{self, OpenOptions};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::kinds::kind;
use super::{Exit, Globals, files};
use crate::engine::World;
use crate::inventory;
use crate::model::complaint::{Complaint, Source};
use crate::model::moment::Moment;
use crate::scope::authorisation;

/// Write a commented inventory and authorisation to start from
///
/// What is not given as an option is asked for, where there is a terminal to ask on. Nothing that exists is overwritten.
/// Both files pass `postern validate`; the authorisation gives no leave until it is signed.
#[derive(Clone, Debug, Default, Args)]
#[command(after_long_help = "\
Examples:
  postern init
      asks for the operator, the provider and the hosts
  postern init --operator \"Kwai Tsing DHC\" --provider \"Acme IT Ltd\" \\
               --host web1=192.0.2.10,booking.example.org --host fw1=192.0.2.1
      writes inventory.yaml, authorisation.yaml and schemas/ for the editor
  postern init --dir review-2026 --host web1=192.0.2.10 --signed-by \"B. Wong, Centre manager\"

What comes next: write down under `exposure` what each host is meant to offer, have the authorisation signed by those
who are entitled to give leave, and look at the plan: postern plan -i inventory.yaml -a authorisation.yaml")]
pub(crate) struct Init {
    /// The organisation that answers for the service.
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// The contractor that runs the hosts.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// A host: its id, and its addresses and names; may be given more than once.
    #[arg(long, value_name = "ID=ADDRESS,NAME,…", value_parser = asked::host)]
    host: Vec<asked::Host>,
    /// Who gives leave to scan for the operator. Without it the authorisation is written unsigned.
    #[arg(long, value_name = "NAME")]
    signed_by: Option<String>,
    /// The folder to write into; made when it is missing.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

impl Init {
    pub(crate) fn run(&self, globals: &Globals) -> Exit {
        let mut wishes = self.clone();
        if std::io::stdin().is_terminal() && !globals.quiet {
            wishes.ask();
        }
        match wishes.write((World::new("postern").now)()) {
            Err(complaints) => files::give_up(globals, &complaints),
            Ok(paths) => {
                if !globals.quiet {
                    let _ = std::io::stdout().lock().write_all(next_steps(&paths).as_bytes());
                }
                Exit::Passed
            }
        }
    }

    /// Writes all files, or none of them when one exists or would not be right.
    fn write(&self, now: Moment) -> Result<Vec<PathBuf>, Vec<Complaint>> {
        let schema = |name: &str| {
            kind(name).map_or_else(String::new, |kind| format!("{:#}\n", (kind.schema)()))
        };
        let texts = [
            ("inventory.yaml", self.inventory()),
            ("authorisation.yaml", self.authorisation(now)),
            ("schemas/inventory.v1.json", schema("inventory")),
            ("schemas/authorisation.v1.json", schema("authorisation")),
            ("schemas/waivers.v1.json", schema("waivers")),
        ];
        let texts = texts.map(|(name, text)| (self.dir.join(name), text));
        let mut complaints = Self::wrong_with(&texts);
        for (path, text) in &texts {
            // A schema that stands there as we would write it is no loss.
            if path.exists() && !fs::read_to_string(path).is_ok_and(|there| there == *text) {
                let title = format!("`{}` exists already", path.display());
                complaints.push(
                    Complaint::nowhere(title)
                        .help("nothing was written; choose another folder with --dir"),
                );
            }
        }
        if !complaints.is_empty() {
            return Err(complaints);
        }
        let written = texts.iter().map(|(path, text)| write_new(path, text));
        written.collect::<Result<Vec<_>, _>>().map_err(|complaint| vec![complaint])
    }

    /// What is wrong with the files as they would be written: a name with characters that no file may hold, say.
    fn wrong_with(texts: &[(PathBuf, String)]) -> Vec<Complaint> {
        let source = |at: usize| {
            let (path, text) = texts.get(at)?;
            Some(Arc::new(Source { path: path.clone(), text: text.clone() }))
        };
        let inventory = source(0).and_then(|source| inventory::read(&source).err());
        let authorisation = source(1).and_then(|source| authorisation::read(&source).err());
        inventory.into_iter().chain(authorisation).flatten().collect()
    }
}

fn write_new(path: &Path, text: &str) -> Result<PathBuf, Complaint> {
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        if path.exists() {
            return Ok(());
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(text.as_bytes())
    };
    write().map(|()| path.to_owned()).map_err(|wrong: std::io::Error| {
        Complaint::nowhere(format!("`{}` cannot be written: {wrong}", path.display()))
    })
}

fn next_steps(paths: &[PathBuf]) -> String {
    let name =
        |at: usize| paths.get(at).map_or_else(String::new, |path| path.display().to_string());
    let (inventory, authorisation) = (name(0), name(1));
    format!(
        "wrote {inventory} and {authorisation}, with schemas for the editor beside them\n\n\
         1. declare in {inventory} what each host is meant to offer, to whom and why\n\
         2. have {authorisation} signed by those who are entitled to give leave\n\
         3. postern validate {inventory} {authorisation}\n\
         4. postern plan -i {inventory} -a {authorisation}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::files::Files;

    fn now() -> Moment {
        "2026-11-23T12:00:00Z".parse().expect("a time")
    }

    fn init(dir: &Path) -> Init {
        Init {
            operator: Some("Kwai Tsing \"DHC\": 葵青地區康健中心".into()),
            provider: Some("Acme IT Ltd # not a comment".into()),
            host: [
                "web1=192.0.2.10,2001:db8::10,booking.example.org",
                "fw1=192.0.2.1",
                "app.example.org",
            ]
            .iter()
            .map(|text| asked::host(text).expect("a host"))
            .collect(),
            signed_by: Some("B. Wong, Centre manager".into()),
            dir: dir.to_owned(),
        }
    }

    #[test]
    fn what_it_writes_is_right() {
        for (place, wishes) in [init(Path::new("")), Init::default()].into_iter().enumerate() {
            let folder = tempfile::tempdir().expect("a folder");
            let wishes = Init { dir: folder.path().join(place.to_string()), ..wishes };
            let paths = wishes.write(now()).expect("files");
            let [inventory, authorisation, ..] = paths.as_slice() else { panic!("two files") };
            let none: [&Path; 0] = [];
            let files = Files::read(Some(inventory), &[authorisation], &none);
            assert!(files.is_ok(), "{:?}", files.err());
            for path in [inventory, authorisation] {
                let text = fs::read_to_string(path).expect("a file");
                let modeline = text
                    .lines()
                    .next()
                    .and_then(|line| line.strip_prefix("# yaml-language-server: $schema="));
                let schema = path.parent().expect("a folder").join(modeline.expect("a modeline"));
                let schema: serde_json::Value =
                    serde_json::from_str(&fs::read_to_string(schema).expect("a schema"))
                        .expect("JSON");
                let said = crate::yaml::source(path, text.as_bytes()).expect("text");
                let tree: crate::yaml::Document<serde_json::Value> =
                    crate::yaml::read(&said).expect("a value");
                let errors: Vec<String> = jsonschema::validator_for(&schema)
                    .expect("a schema")
                    .iter_errors(&tree.value)
                    .map(|e| e.to_string())
                    .collect();
                assert_eq!(errors, Vec::<String>::new());
            }
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("authorisation.yaml"), "mine").expect("written");
        let found = init(folder.path()).write(now()).expect_err("refused");
        assert!(
            found
                .iter()
                .any(|complaint| complaint.title.contains("authorisation.yaml` exists already"))
        );
        assert!(!folder.path().join("inventory.yaml").exists());
    }

    #[test]
    fn a_name_that_no_file_may_hold_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let wishes = Init { operator: Some("a\u{202e}b".into()), ..init(folder.path()) };
        assert!(!wishes.write(now()).expect_err("refused").is_empty());
        assert!(!folder.path().join("inventory.yaml").exists());
    }

    #[test]
    fn without_a_signature_there_is_no_leave() {
        let wishes = Init { signed_by: None, ..init(Path::new("")) };
        assert!(wishes.authorisation(now()).contains(authorisation::NOT_YET_SIGNED));
    }
}
