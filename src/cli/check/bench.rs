//! `postern check bench`: how long reading and judging takes.

#![expect(clippy::disallowed_methods, reason = "how long it takes is what is asked")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use super::lint::files;
use crate::catalogue::Catalogue;
use crate::cli::library::PluginsFile;
use crate::cli::page::{Page, Style};
use crate::cli::{Exit, Globals, files::give_up};

/// Say how long reading and judging checks takes
///
/// Each check is judged on the facts of its own tests, again and again. A check that takes much longer than its
/// neighbours has a condition that could be simpler. Times depend on the machine and on what else it does: compare them
/// within one run only.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern check bench              the built-in checks
  postern check bench ours         those of a folder, slowest first")]
pub(super) struct Bench {
    /// Check files, and folders of them [default: the built-in checks].
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// As many checks are shown, slowest first.
    #[arg(long, value_name = "N", default_value_t = 20)]
    show: usize,
    #[command(flatten)]
    plugins: PluginsFile,
}

/// So long each check is judged, at least.
const EACH: Duration = Duration::from_millis(10);

impl Bench {
    pub(super) fn run(&self, globals: &Globals) -> Exit {
        let mut complaints = Vec::new();
        let files = files(&self.paths, &mut complaints);
        let vocabulary = self.plugins.vocabulary(&mut complaints);
        let begun = Instant::now();
        let (catalogue, wrong) = Catalogue::read(&files, &vocabulary);
        let reading = begun.elapsed();
        complaints.extend(wrong);
        if !complaints.is_empty() {
            return give_up(globals, &complaints);
        }
        let mut times: Vec<(Duration, &str)> = Vec::new();
        for check in catalogue.checks().iter().filter(|check| !check.tests().is_empty()) {
            let begun = Instant::now();
            let mut runs = 0_u32;
            while begun.elapsed() < EACH {
                for test in check.tests() {
                    let _ = std::hint::black_box(check.test(test));
                    runs = runs.saturating_add(1);
                }
            }
            times.push((begun.elapsed() / runs.max(1), check.id.0.as_str()));
        }
        times.sort_by(|a, b| b.cmp(a));
        let mut page = Page::new(globals);
        page.line(format!(
            "{} checks read in {:.1} ms",
            files.len(),
            reading.as_secs_f64() * 1000.0
        ));
        let all: Duration = times.iter().map(|(time, _)| *time).sum();
        page.line(format!("one test of each: {:.1} µs", all.as_secs_f64() * 1e6));
        page.line("");
        for (time, id) in times.iter().take(self.show) {
            let time = format!("{:>8.2} µs", time.as_secs_f64() * 1e6);
            page.line(format!("{}{id}", page.styled(&time, Style::Faint, 14)));
        }
        page.print();
        Exit::Passed
    }
}
