//! `postern check`: lists, tests, explains and measures checks.

mod bench;
pub(crate) mod explain;
mod lint;
pub(crate) mod list;
mod test;

use clap::{Args, Subcommand};

use super::{Exit, Globals};

/// List, explain, lint, test and measure checks
///
/// A check is one YAML file: a condition over typed facts, what it says when the condition fails, why that matters, how to
/// mend it, and its own tests.
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::List),
    Test(test::Test),
    Explain(explain::Explain),
    Lint(lint::Lint),
    Bench(bench::Bench),
}

impl Check {
    pub(crate) fn run(&self, globals: &Globals) -> Exit {
        match &self.command {
            Command::List(command) => command.run(globals),
            Command::Test(command) => command.run(globals),
            Command::Explain(command) => command.run(globals),
            Command::Lint(command) => command.run(globals),
            Command::Bench(command) => command.run(globals),
        }
    }
}
