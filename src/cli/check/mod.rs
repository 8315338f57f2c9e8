//! `postern check`: lists, tests, explains, writes and carries out checks.

pub(crate) mod about;
mod aim;
mod bench;
pub(crate) mod explain;
mod lint;
pub(crate) mod list;
mod new;
mod record;
mod run;
mod shown;
mod test;

use clap::{Args, Subcommand};

use super::{Exit, Globals};

pub(crate) use about::About;

/// List, explain, write, test and carry out checks
///
/// A check is one YAML file: a condition over typed facts, what it says when the condition fails, why that matters, how to
/// mend it, and its own tests. Whoever writes one goes from `new` over `test`, `run` and `record` to `lint`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::List),
    Explain(explain::Explain),
    New(new::New),
    Test(test::Test),
    Lint(lint::Lint),
    Run(run::Run),
    Record(record::Record),
    Bench(bench::Bench),
}

impl Check {
    pub(crate) fn run(&self, globals: &Globals) -> Exit {
        match &self.command {
            Command::List(command) => command.run(globals),
            Command::Explain(command) => command.run(globals),
            Command::New(command) => command.run(globals),
            Command::Test(command) => command.run(globals),
            Command::Lint(command) => command.run(globals),
            Command::Run(command) => command.run(globals),
            Command::Record(command) => command.run(globals),
            Command::Bench(command) => command.run(globals),
        }
    }
}
