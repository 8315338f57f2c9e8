//! `postern check new`: writes a check file to begin from.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::catalogue::is_id;
use crate::cli::conclude::to_stdout;
use crate::cli::files::give_up;
use crate::cli::{Exit, Globals, kinds};
use crate::model::complaint::Complaint;

/// Write a check file to begin from
///
/// The file is a check that works: it is read without a complaint and its tests pass. Its comments say what each field is
/// for and what may stand there; change it into the check that you want, a field at a time.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is ever overwritten.

Examples:
  postern check new gopher/selector-list --from tcp --dir ours
  postern check new web/example-status --from http
  postern check new service/unknown-protocol                     over facts that other probes bring")]
pub(super) struct New {
    /// Its name for ever: the area and the problem that it finds, in small letters, digits and hyphens.
    #[arg(value_name = "AREA/NAME")]
    id: String,
    /// What it rests on: a fact that is known already, or a probe of its own.
    #[arg(long, value_name = "WHAT", default_value = "fact")]
    from: Basis,
    /// The folder of checks that it goes into; made when it is missing.
    #[arg(long, value_name = "DIR", default_value = "checks", env = "POSTERN_CHECKS")]
    dir: PathBuf,
}

/// What a check begins from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Basis {
    /// Facts that are known already: `postern facts` shows them.
    Fact,
    /// A conversation over TCP.
    Tcp,
    /// A conversation inside TLS.
    Tls,
    /// Datagrams.
    Udp,
    /// DNS questions.
    Dns,
    /// Requests for pages.
    Http,
}

/// What stands around every body.
const FRAME: &str = include_str!("templates/frame.yaml");
/// What parts a body from its tests.
const TESTS: &str = "#TESTS\n";

impl Basis {
    fn body(self) -> &'static str {
        match self {
            Self::Fact => include_str!("templates/fact.yaml"),
            Self::Tcp => include_str!("templates/tcp.yaml"),
            Self::Tls => include_str!("templates/tls.yaml"),
            Self::Udp => include_str!("templates/udp.yaml"),
            Self::Dns => include_str!("templates/dns.yaml"),
            Self::Http => include_str!("templates/http.yaml"),
        }
    }

    /// The file as it is written.
    fn text(self, schema: &str) -> String {
        let (body, tests) = self.body().split_once(TESTS).unwrap_or((self.body(), ""));
        let framed = FRAME.replace("SCHEMA", schema).replace("BODY\n", body);
        framed.replace("TESTS\n", tests)
    }
}

impl New {
    pub(super) fn run(&self, globals: &Globals) -> Exit {
        if !is_id(&self.id) {
            let title = format!("`{}` is not a name for a check", self.id);
            let help = "write <area>/<name>, in small letters, digits and hyphens: database/redis-without-password";
            return give_up(globals, &[Complaint::nowhere(title).help(help)]);
        }
        let path = self.dir.join(format!("{}.yaml", self.id));
        match self.write(&path) {
            Ok(()) => {
                if !globals.quiet {
                    next(&path);
                }
                Exit::Passed
            }
            Err(wrong) => {
                let (why, help) = match wrong.kind() {
                    io::ErrorKind::AlreadyExists => (
                        "is there already".to_owned(),
                        "choose another name; nothing is overwritten",
                    ),
                    _ => (format!("cannot be written: {wrong}"), "name another folder with --dir"),
                };
                let title = format!("`{}` {why}", path.display());
                give_up(globals, &[Complaint::nowhere(title).help(help)])
            }
        }
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.dir);
        fs::create_dir_all(folder)?;
        let schema = self.schema()?;
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(self.from.text(&schema).as_bytes())
    }

    /// Where editors find the schema, from the file: in the tree of Postern itself its own, elsewhere one beside the checks,
    /// which is written when it is missing.
    fn schema(&self) -> io::Result<String> {
        let file = "schemas/check.v1.json";
        if self.dir.join("../docs").join(file).exists() {
            return Ok(format!("../../docs/{file}"));
        }
        let path = self.dir.join(file);
        if !path.exists() {
            fs::create_dir_all(self.dir.join("schemas"))?;
            let schema = kinds::kind("check").map(|kind| (kind.schema)()).unwrap_or_default();
            fs::write(path, format!("{schema:#}\n"))?;
        }
        Ok(format!("../{file}"))
    }
}

/// Says what to do next.
fn next(path: &Path) {
    let path = path.display();
    let steps = [
        (format!("test {path}"), "reads it strictly and runs its tests"),
        (format!("run {path} 127.0.0.1 --trace"), "tries it on a service of yours"),
        (format!("record {path} 127.0.0.1"), "prints that conversation as a test"),
        (format!("test {path} --mutate"), "says which of its conditions no test holds"),
        (format!("lint {path}"), "says what it still lacks"),
    ];
    let mut text = format!(
        "Written: {path}\n\nIt is an example that works. Change it a field at a time; its comments say how.\n\n"
    );
    for (command, does) in steps {
        let _ = writeln!(text, "  postern check {command}\n      {does}");
    }
    let _ = to_stdout(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalogue::{Catalogue, File, lint, mutate};
    use crate::cli::library::vocabulary;
    use crate::model::complaint::Source;

    #[test]
    fn every_template_is_a_check_to_which_nothing_is_to_be_said() {
        for from in Basis::value_variants() {
            let text = from.text("../schemas/check.v1.json");
            for mark in ["SCHEMA", "BODY", "TESTS"] {
                assert!(!text.contains(mark), "{from:?} still says {mark}");
            }
            let source = Arc::new(Source { path: format!("{from:?}.yaml").into(), text });
            let file = File { id: "area/name".into(), source };
            let (catalogue, wrong) = Catalogue::read(std::slice::from_ref(&file), &vocabulary(&[]));
            assert!(wrong.is_empty(), "{from:?}: {wrong:#?}");
            let check = &catalogue.checks()[0];
            assert!(lint(check).is_empty(), "{from:?}: {:#?}", lint(check));
            assert_eq!(check.recipe().is_some(), *from != Basis::Fact);
            let mutated = mutate(&file, &vocabulary(&[]));
            let mutated = mutated.unwrap_or_else(|wrong| panic!("{from:?}: {wrong:#?}"));
            assert!(mutated.made > 2 && mutated.alive.is_empty(), "{from:?}: {:#?}", mutated.alive);
        }
    }
}
