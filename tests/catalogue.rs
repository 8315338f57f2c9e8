//! Every built-in check file is a test: it is read without a complaint, lacks nothing, and its own tests come out.

use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use postern::catalogue::{Catalogue, File, lint, mutate};
use postern::facts::Vocabulary;
use postern::model::complaint::Complaint;

fn main() {
    let arguments = Arguments::from_args();
    let vocabulary = Vocabulary::built_in();
    let files = Catalogue::built_in_files();
    let mut trials = Vec::new();
    for file in files {
        let (catalogue, complaints) = Catalogue::read(std::slice::from_ref(&file), &vocabulary);
        trials.push(Trial::test(format!("{} is read", file.id), move || told(&complaints)));
        let Some(check) = catalogue.checks().first().cloned() else { continue };
        let lacks = lint(&check);
        trials.push(Trial::test(format!("{} lacks nothing", file.id), move || told(&lacks)));
        let name = format!("{}: every wrong version is noticed", file.id);
        trials.push(Trial::test(name, move || no_mutant_lives(&file)));
        for place in 0..check.tests().len() {
            let check = Arc::clone(&check);
            let name = format!("{}: {}", check.id, check.tests()[place].name);
            trials.push(Trial::test(name, move || {
                check.test(&check.tests()[place]).map_err(|wrong| words(&wrong).into())
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn no_mutant_lives(file: &File) -> Result<(), Failed> {
    match mutate(file, &Vocabulary::built_in()) {
        Ok(mutated) if mutated.made == 0 => Err("no wrong version could be made".into()),
        Ok(mutated) => told(&mutated.alive),
        Err(complaints) => told(&complaints),
    }
}

fn told(complaints: &[Complaint]) -> Result<(), Failed> {
    let all: Vec<String> = complaints.iter().map(words).collect();
    if all.is_empty() { Ok(()) } else { Err(all.join("\n").into()) }
}

fn words(complaint: &Complaint) -> String {
    let place = complaint.at.as_ref().map_or(String::new(), |(source, mark)| {
        let (line, column) = source.line_column(mark.start);
        format!("{}:{line}:{column}: ", source.path.display())
    });
    format!("{place}{}\n    {}", complaint.title, complaint.help.join("\n    "))
}
