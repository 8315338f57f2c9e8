//! `postern check test`: runs the tests inside check files.

use std::path::PathBuf;

use clap::Args;

use super::lint::files;
use crate::catalogue::{Catalogue, Check, File, mutate};
use crate::cli::library::PluginsFile;
use crate::cli::page::{Page, Style};
use crate::cli::{Exit, Globals, complain};
use crate::facts::Vocabulary;
use crate::model::complaint::Complaint;

/// Run the tests inside check files
///
/// Every file is read strictly first: a wrong name, type, value or message is shown with its line and column. Then the
/// tests inside it are run. A check is called by its folder and its name, wherever that folder lies.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 all tests passed, 1 some did not, 2 a file cannot be read as a check.

Examples:
  postern check test                         the built-in checks
  postern check test ours/tls/old-cipher.yaml
  postern check test ours                    every check in a folder, however deep
  postern check test ours/tls                or in one area of it
  postern check test ours --mutate           and say which of its conditions no test holds")]
pub(super) struct Test {
    /// Check files, and folders of them [default: the built-in checks].
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Put each condition slightly wrong, one wrong at a time, and demand that a test notices.
    #[arg(long)]
    mutate: bool,
    #[command(flatten)]
    plugins: PluginsFile,
}

impl Test {
    pub(super) fn run(&self, globals: &Globals) -> Exit {
        let mut complaints = Vec::new();
        let files = files(&self.paths, &mut complaints);
        let vocabulary = self.plugins.vocabulary(&mut complaints);
        let (catalogue, wrong) = Catalogue::read(&files, &vocabulary);
        let unread = wrong.len() + complaints.len();
        complaints.extend(wrong);
        let mut page = Page::new(globals);
        let (mut passed, mut failed) = (0_usize, 0_usize);
        for check in catalogue.checks() {
            let wrong = run(check);
            let (count, bad) = (check.tests().len(), wrong.len());
            (passed, failed) = (passed + count - bad, failed + bad);
            if !globals.quiet {
                page.line(told(&page, check, count, bad));
            }
            complaints.extend(wrong);
        }
        page.line("");
        if self.mutate {
            let (made, alive) = mutated(&files, &vocabulary);
            let noticed = made - alive.len();
            page.line(format!("{made} wrong versions: {noticed} noticed, {} not", alive.len()));
            failed += alive.len();
            complaints.extend(alive);
        }
        let checks = catalogue.checks().len();
        page.line(format!("{checks} checks: {passed} tests passed, {failed} failed"));
        if !globals.quiet {
            page.print();
        }
        if !complaints.is_empty() {
            complain::complain(globals, &complaints);
        }
        match (unread, failed) {
            (0, 0) => Exit::Passed,
            (0, _) => Exit::Failed,
            _ => Exit::Untrustworthy,
        }
    }
}

/// How many wrong versions of all files were made, and those that no test noticed. What cannot be read or fails as it is
/// was complained of already.
fn mutated(files: &[File], vocabulary: &Vocabulary) -> (usize, Vec<Complaint>) {
    let all = files.iter().filter_map(|file| mutate(file, vocabulary).ok());
    let (mut made, mut alive) = (0, Vec::new());
    for one in all {
        made += one.made;
        alive.extend(one.alive);
    }
    (made, alive)
}

fn run(check: &Check) -> Vec<Complaint> {
    check.tests().iter().filter_map(|test| check.test(test).err()).collect()
}

fn told(page: &Page, check: &Check, count: usize, bad: usize) -> String {
    let (word, style) = match (count, bad) {
        (0, _) => ("no tests", Style::Yellow),
        (_, 0) => ("ok", Style::Green),
        _ => ("FAILED", Style::Red),
    };
    let number = match (count, bad) {
        (0, _) => String::new(),
        (1, 0) => "1 test".into(),
        (_, 0) => format!("{count} tests"),
        _ => format!("{bad} of {count} tests"),
    };
    let (word, number) = (page.styled(word, style, 10), page.styled(&number, Style::Faint, 0));
    format!("{word}{}  {number}", check.id)
}
